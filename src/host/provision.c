/*
 * provision - the scripts of a boot, run in the guest as root, one after the other.
 */
#include "host/provision.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"
#include "host/text.h"

static const char record_name[] =
	"provisioned"; /* hashes of the `once` that are done, a line each */
static const char log_name[] = "provision.log";

enum {
	RECORD_MAX = 64,   /* lines; the oldest go */
	RECORD_LINE = 17,  /* 16 hexadecimal digits and a newline */
	LOG_MAX = 4 << 20, /* bytes of a boot: a guest must not fill the host's disk */
	INTERPRETER_MAX = 256,
};

/* --- what was done in an earlier boot --- */

/* FNV-1a; of what is run, so that a script that was changed is another. */
static uint64_t hash_of(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
	return h ? h : 1;
}

static size_t record_read(const struct vmref *vm, char text[RECORD_MAX * RECORD_LINE + 1])
{
	ssize_t n = fd_slurp(vm->dir, record_name, text, RECORD_MAX * RECORD_LINE + 1);

	if (n < 0)
		text[0] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

static void record_line(char out[RECORD_LINE + 1], uint64_t hash)
{
	snprintf(out, RECORD_LINE + 1, "%016" PRIx64 "\n", hash);
}

static int record_has(const struct vmref *vm, uint64_t hash)
{
	char text[RECORD_MAX * RECORD_LINE + 1], line[RECORD_LINE + 1];

	record_read(vm, text);
	record_line(line, hash);
	return strstr(text, line) != NULL;
}

/* That it ran is true whether or not it can be written down: then it runs again, and is told. */
static void record_add(const struct vmref *vm, uint64_t hash)
{
	char text[RECORD_MAX * RECORD_LINE + 1], line[RECORD_LINE + 1];
	size_t len = record_read(vm, text);
	char *from = text;
	struct err e = ERR_NONE;

	if (len + RECORD_LINE >= sizeof(text)) {
		from += RECORD_LINE;
		len -= RECORD_LINE;
		memmove(text, from, len);
	}
	record_line(line, hash);
	memcpy(text + len, line, RECORD_LINE);
	if (path_replace(vm->dir, record_name, text, len + RECORD_LINE, 0600, &e) < 0)
		log_warn("provision: a script that ran once may run again: %s", e.text);
}

/* --- reading them --- */

/* The whole file; a script of nothing is a mistake. */
static int read_script(char **out, size_t *len, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd < 0)
		return err_sys(e, "provision: open %s", path);
	if (fstat(fd, &st) < 0)
		rc = err_sys(e, "provision: %s", path);
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, -EINVAL, "provision: %s: is not a regular file", path);
	else if (st.st_size == 0)
		rc = err_set(e, -EINVAL, "provision: %s: is empty", path);
	else if (st.st_size > ERRAND_INPUT_MAX)
		rc = err_set(e, -EFBIG, "provision: %s: is larger than %d KiB", path,
			     ERRAND_INPUT_MAX >> 10);
	if (rc == 0) {
		*len = (size_t)st.st_size;
		*out = malloc(*len + 1);
		rc = *out ? fd_read_all(fd, *out, *len) : -ENOMEM;
		if (rc < 0)
			err_set(e, rc, "provision: read %s: %s", path, strerror(-rc));
		else
			(*out)[*len] = '\0';
	}
	fd_close(&fd);
	return rc;
}

static void name_it(char out[SCRIPT_NAME_MAX], const struct script_wish *s, unsigned number)
{
	const char *slash = s->path ? strrchr(s->path, '/') : NULL;

	if (slash)
		text_clean(out, SCRIPT_NAME_MAX, slash + 1, strlen(slash + 1));
	else
		snprintf(out, SCRIPT_NAME_MAX, "script %u", number);
}

static int load_one(struct provision *p, unsigned i, const struct script_wish *s, struct err *e)
{
	struct script_report *r = &p->reports.list[i];
	int rc = 0;

	name_it(r->name, s, i + 1);
	if (s->path) {
		rc = read_script(&p->script[i].text, &p->script[i].len, s->path, e);
	} else {
		p->script[i].len = strlen(s->text);
		p->script[i].text = strdup(s->text);
		if (!p->script[i].text)
			rc = err_set(e, -ENOMEM, "provision: out of memory");
	}
	if (rc < 0 || !s->is_once)
		return rc;
	p->script[i].hash = hash_of(p->script[i].text, p->script[i].len);
	if (record_has(p->vm, p->script[i].hash)) {
		r->state = SCRIPT_SKIPPED;
		snprintf(r->said, sizeof(r->said), "it was done in an earlier boot");
		free(p->script[i].text);
		p->script[i].text = NULL;
	}
	return 0;
}

int provision_load(struct provision *p, const struct script_wishes *w, const struct vmref *vm,
		   struct err *e)
{
	int rc = 0;

	if (w->count == 0)
		return 0;
	p->vm = vm;
	for (unsigned i = 0; rc == 0 && i < w->count; i++) {
		p->reports.count = i + 1;
		rc = load_one(p, i, &w->script[i], e);
	}
	if (rc < 0)
		return rc;
	p->log = openat(vm->dir, log_name,
			O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	return p->log < 0 ? err_sys(e, "provision: open %s", log_name) : 0;
}

/* --- running them --- */

static void tell(struct provision *p)
{
	const struct script_report *r = &p->reports.list[p->at];

	timeline_script(p->tl, r);
	p->changed(p);
}

static void go_on(struct provision *p);

static void keep_output(struct errand *r, const char *text, size_t len)
{
	struct provision *p = CONTAINER(r, struct provision, errand);

	len = MIN(len, LOG_MAX - p->log_bytes);
	p->log_bytes += len;
	if (len && fd_write_all(p->log, text, len) < 0)
		p->log_bytes = LOG_MAX; /* a full disk is no reason to fail: no more of it then */
}

static void errand_over(struct errand *e)
{
	struct provision *p = CONTAINER(e, struct provision, errand);
	struct script_report *r = &p->reports.list[p->at];

	r->code = e->code;
	r->ms = clock_ms() - p->began_ms;
	r->state = e->code == 0 ? SCRIPT_DONE : SCRIPT_FAILED;
	snprintf(r->said, sizeof(r->said), "%s", e->said);
	if (r->state == SCRIPT_DONE && p->script[p->at].hash)
		record_add(p->vm, p->script[p->at].hash);
	free(p->script[p->at].text);
	p->script[p->at].text = NULL;
	tell(p);
	p->at++;
	go_on(p);
}

/* "#!/usr/bin/env bash" as the kernel reads it: the program, and the rest as one argument. */
static int take_interpreter(const char *text, char mem[INTERPRETER_MAX], const char *argv[2])
{
	size_t len = strcspn(text, "\n");
	char *at = mem, *end;

	if (strncmp(text, "#!", 2) != 0) {
		argv[0] = "/bin/sh";
		return 1;
	}
	snprintf(mem, INTERPRETER_MAX, "%.*s", (int)MIN(len - 2, INTERPRETER_MAX - 1u), text + 2);
	at += strspn(at, " \t");
	for (end = at + strlen(at); end > at && strchr(" \t\r", end[-1]);)
		*--end = '\0';
	argv[0] = at;
	at += strcspn(at, " \t");
	if (!*at)
		return 1;
	*at++ = '\0';
	argv[1] = at + strspn(at, " \t");
	return 2;
}

/* The script comes as stdin, which would be eaten by the first of its commands that reads: so it is
 * moved out of the way. */
static int run_one(struct provision *p, unsigned i)
{
	static const char move[] = "exec 3<&0 </dev/null; exec \"$@\" /proc/self/fd/3";
	const char *argv[] = { "/bin/sh", "-c", move, "provision", NULL, NULL, NULL };
	char mem[INTERPRETER_MAX];
	struct errand_ask ask = {
		.argv = argv,
		.input = p->script[i].text,
		.input_len = p->script[i].len,
	};

	take_interpreter(p->script[i].text, mem, &argv[4]);
	p->errand.over = errand_over;
	p->errand.heard = keep_output;
	return errand_start(&p->errand, p->loop, p->sockets_dir, &ask);
}

static void cannot_run(struct provision *p, int rc)
{
	struct script_report *r = &p->reports.list[p->at];

	r->state = SCRIPT_FAILED;
	r->code = 125;
	snprintf(r->said, sizeof(r->said), "it could not be run: %s", strerror(-rc));
	tell(p);
}

static void go_on(struct provision *p)
{
	for (; p->at < p->reports.count; p->at++) {
		struct script_report *r = &p->reports.list[p->at];
		int rc;

		if (r->state == SCRIPT_SKIPPED) {
			tell(p);
			continue;
		}
		r->state = SCRIPT_RUNNING;
		p->began_ms = clock_ms();
		tell(p);
		rc = run_one(p, p->at);
		if (rc == 0)
			return;
		cannot_run(p, rc);
	}
	p->over(p);
}

void provision_start(struct provision *p, struct loop *l, struct timeline *tl, int sockets_dir)
{
	p->loop = l;
	p->tl = tl;
	p->sockets_dir = sockets_dir;
	p->at = 0;
	go_on(p);
}

const struct script_report *provision_failure(const struct provision *p)
{
	for (unsigned i = 0; i < p->reports.count; i++)
		if (p->reports.list[i].state == SCRIPT_FAILED)
			return &p->reports.list[i];
	return NULL;
}

void provision_stop(struct provision *p)
{
	errand_stop(&p->errand);
	for (unsigned i = 0; i < SCRIPTS_MAX; i++) {
		free(p->script[i].text);
		p->script[i].text = NULL;
	}
	fd_close(&p->log);
}
