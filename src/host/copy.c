/*
 * copy - the host's end of a file copy: host files or an archive on one side, a guest on the other.
 */
#include "host/copy.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/meter.h"
#include "host/text.h"
#include "proto/ports.h"
#include "tree/make.h"
#include "tree/tar.h"
#include "tree/untar.h"
#include "tree/walk.h"
#include "tree/wire.h"

enum { GO_MS = 10000, LINE_ROOM = 8 * 1024 };

/* Where single files' problems come from. */
struct side {
	struct report report;
	struct meter *meter; /* borrowed */
	const char *guest;   /* its name, before the path; NULL: they are the host's */
};

/* One copy on its way; its signal handler finds it here. */
struct trip {
	struct wire wire;
	struct make make;
	struct tar tar;
	struct meter meter;
	struct side here, there;
	int fd; /* owned: the connection */
};

static struct trip trip;

/* The other side's bytes included: they must not drive the terminal. */
static void print_line(struct report *r, const char *text)
{
	struct side *s = CONTAINER(r, struct side, report);
	char line[LINE_ROOM];

	meter_clear(s->meter);
	text_escape(line, sizeof(line), text, strlen(text));
	fprintf(stderr, "vmtool cp: %s%s%s\n", s->guest ? s->guest : "", s->guest ? ":" : "", line);
}

/* Only what has a name would stay; the rest ends with us. */
static void ended(int sig)
{
	make_abandon(&trip.make);
	if (trip.meter.is_shown)
		(void)fd_write(STDERR_FILENO, "\n", 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void begin(struct trip *t, const struct copy *c, const char *dst)
{
	struct sigaction act = { .sa_handler = ended, .sa_flags = SA_RESETHAND };

	t->fd = -1;
	t->here = (struct side){ { print_line, 0 }, &t->meter, NULL };
	t->there = (struct side){ { print_line, 0 }, &t->meter, c->target->name };
	make_open(&t->make, dst, c->flags, &t->here.report);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	signal(SIGPIPE, SIG_IGN); /* a reader of our archive that has enough is told as an error */
}

/* 0 when nothing was left out. */
static int verdict(const struct trip *t)
{
	return t->here.report.count + t->there.report.count > 0;
}

/* The guest may have had the last word: it must not drive the terminal either. */
static int failed(const struct copy *c, struct err *e)
{
	text_escape_err(e);
	return err_in(e, "%s", c->target->name);
}

static int ask(struct trip *t, const struct copy *c, uint8_t type, const char *path, struct err *e)
{
	struct copy_req q = { (uint16_t)c->flags, c->user, path[0] ? path : "." };
	uint8_t mem[COPY_REQ_PATH_MAX + 300];
	long len = copy_req_encode(&q, mem, sizeof(mem));
	int rc;

	if (len < 0 || strlen(path) >= COPY_REQ_PATH_MAX)
		return err_set(e, -ENAMETOOLONG, "a guest path of more than %d bytes",
			       COPY_REQ_PATH_MAX - 1);
	rc = t->fd = target_dial(c->target, PORT_AGENT, e);
	if (rc >= 0 && wire_open(&t->wire, t->fd, &t->there.report) < 0)
		rc = err_set(e, -ENOMEM, "no memory for a copy");
	if (rc >= 0)
		rc = wire_say(&t->wire, type, mem, (size_t)len, e);
	return rc < 0 ? rc : wire_await_go(&t->wire, GO_MS, e);
}

static void hang_up(struct trip *t)
{
	wire_close(&t->wire);
	fd_close(&t->fd);
}

static int put_one(struct trip *t, const struct copy *c, const char *src, struct err *e)
{
	if (!strcmp(src, "-"))
		return untar(STDIN_FILENO, c->flags, &t->meter.sink, &t->here.report, e);
	return walk(src, c->flags, &t->meter.sink, &t->here.report, e);
}

int copy_put(const struct copy *c, const char *const *srcs, size_t count, const char *dst,
	     struct err *e)
{
	struct trip *t = &trip;
	int rc;

	begin(t, c, dst);
	meter_init(&t->meter, &t->wire.sink, c->target->name, c->is_quiet);
	rc = ask(t, c, FRAME_COPY_PUT, dst, e);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = put_one(t, c, srcs[i], e);
	if (rc == 0)
		rc = wire_finish(&t->wire, e);
	meter_clear(&t->meter);
	hang_up(t);
	return rc < 0 ? failed(c, e) : verdict(t);
}

/* One connection a src. What comes is called as the person called it, whatever the guest says. */
static int get_one(struct trip *t, const struct copy *c, const char *src, struct err *e)
{
	char name[COPY_NAME_MAX + 1];
	struct copy_root root = { name, 0 };
	int contents, rc;

	if (walk_base(src, name, &contents) < 0)
		return err_set(e, -ENAMETOOLONG, "%s: a name of more than %d bytes", src,
			       COPY_NAME_MAX);
	root.contents = (uint8_t)contents;
	t->make.as = t->tar.as = &root;
	rc = ask(t, c, FRAME_COPY_GET, src, e);
	if (rc == 0)
		rc = wire_receive(&t->wire, &t->meter.sink, e);
	hang_up(t);
	t->make.as = t->tar.as = NULL;
	return rc;
}

static int get_all(struct trip *t, const struct copy *c, const char *const *srcs, size_t count,
		   struct sink *to, struct err *e)
{
	int rc = 0;

	meter_init(&t->meter, to, c->target->name, c->is_quiet);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = get_one(t, c, srcs[i], e);
	meter_clear(&t->meter);
	return rc;
}

int copy_get(const struct copy *c, const char *const *srcs, size_t count, const char *dst,
	     struct err *e)
{
	int is_archive = !strcmp(dst, "-"), rc;
	struct trip *t = &trip;

	begin(t, c, dst);
	if (is_archive && tar_open(&t->tar, STDOUT_FILENO, &t->here.report) < 0)
		return err_set(e, -ENOMEM, "no memory for an archive");
	rc = get_all(t, c, srcs, count, is_archive ? &t->tar.sink : &t->make.sink, e);
	if (is_archive && rc == 0)
		rc = tar_finish(&t->tar, e);
	tar_close(&t->tar);
	make_close(&t->make);
	return rc < 0 ? failed(c, e) : verdict(t);
}
