/*
 * config - the machine a person asked for: vm.ini and options, checked, then never changed.
 */
#include "host/config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/util.h"
#include "host/initrd.h"
#include "host/quote.h"
#include "host/text.h"

#define MIB (1ull << 20)

enum {
	MEMORY_MIN_MIB = 32,
	INI_BYTES_MAX = 64 * 1024,
	/* inih reads lines of 4096; the key, " = " and the end need some of it. */
	VALUE_MAX = 4000,
};

static const char file_name[] = "vm.ini";
static const char catalogue_default[] = "default";

/* quiet: a byte on the serial port costs two exits. panic=-1: a dead kernel resets the machine
 * at once, so that its end is seen. */
static const char cmdline_base[] = "console=ttyS0 quiet panic=-1";

static int set_cpus(struct config *c, const char *what, const char *text, struct err *e)
{
	return parse_u32(&c->cpus, what, text, 1, SPEC_CPUS_MAX, e);
}

static uint64_t host_memory_bytes(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* All the host has is the limit, not what is free now: guest RAM is only taken when touched. */
static int set_memory(struct config *c, const char *what, const char *text, struct err *e)
{
	char have[TEXT_UNIT_ROOM];
	uint64_t bytes;
	int rc;

	rc = parse_size(&bytes, what, text, e);
	if (rc < 0)
		return rc;
	if (bytes < MEMORY_MIN_MIB * MIB)
		return err_usage(e, "%s: %s is too little for a guest: at least %dM", what, text,
				 MEMORY_MIN_MIB);
	if (bytes > host_memory_bytes())
		return err_usage(e, "%s: %s is more than this host has (%s)", what, text,
				 text_size(have, host_memory_bytes()));
	c->memory_bytes = ALIGN_UP(bytes, MIB);
	return 0;
}

/* vm.ini must give back exactly what is written to it. */
static int check_text(const char *what, const char *text, struct err *e)
{
	size_t len = strlen(text);

	if (len > VALUE_MAX)
		return err_usage(e, "%s: longer than %d bytes", what, VALUE_MAX);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return err_usage(e, "%s: has a control character in it", what);
	if (text[0] == ';' || strstr(text, " ;"))
		return err_usage(e, "%s: a ';' there would begin a comment in vm.ini", what);
	if (len && (text[0] == ' ' || text[len - 1] == ' '))
		return err_usage(e, "%s: has a blank at one end", what);
	return 0;
}

/* A relative path means the current folder, which the agent does not share. */
int config_path(char out[PATH_ROOM], const char *what, const char *text, struct err *e)
{
	char cwd[PATH_ROOM];
	int rc = check_text(what, text, e);

	if (rc < 0)
		return rc;
	if (text[0] == '/')
		return path_fmt(out, e, "%s", text);
	while (!strncmp(text, "./", 2))
		text += 2;
	if (!getcwd(cwd, sizeof(cwd)))
		return err_sys(e, "%s: find the current folder", what);
	return path_fmt(out, e, "%s/%s", cwd, text);
}

static int is_catalogue_name(const char *text)
{
	struct err ignored = ERR_NONE;

	return parse_name(text, &ignored) == 0;
}

/* A bare word is a name in the catalogue, "./vmlinux" a file. */
static int set_kernel(struct config *c, const char *what, const char *text, struct err *e)
{
	if (is_catalogue_name(text))
		return path_fmt(c->kernel, e, "%s", text);
	if (text[0] == '\0')
		return err_usage(
			e, "%s: is empty: name a vmlinux file or a kernel of the catalogue", what);
	return config_path(c->kernel, what, text, e);
}

static int set_initrd(struct config *c, const char *what, const char *text, struct err *e)
{
	if (text[0])
		return config_path(c->initrd, what, text, e);
	c->initrd[0] = '\0'; /* empty: none, also where vm.ini had one */
	return 0;
}

static int set_append(struct config *c, const char *what, const char *text, struct err *e)
{
	size_t room = SPEC_CMDLINE_MAX - sizeof(cmdline_base);
	int rc = check_text(what, text, e);

	if (rc < 0)
		return rc;
	if (strlen(text) > room)
		return err_usage(e,
				 "%s: %zu bytes, but a kernel keeps %d and vmtool's own take %zu",
				 what, strlen(text), SPEC_CMDLINE_MAX, sizeof(cmdline_base));
	memcpy(c->append, text, strlen(text) + 1);
	return 0;
}

static int add_disk(struct config *c, const char *what, const char *text, struct err *e)
{
	return disks_add(&c->disks, what, text, e);
}

static void show_cpus(const struct config *c, char *out, size_t cap)
{
	snprintf(out, cap, "%u", c->cpus);
}

static void show_memory(const struct config *c, char *out, size_t cap)
{
	snprintf(out, cap, "%lluM", (unsigned long long)(c->memory_bytes / MIB));
}

static void show_kernel(const struct config *c, char *out, size_t cap)
{
	snprintf(out, cap, "%s", c->kernel);
}

static void show_initrd(const struct config *c, char *out, size_t cap)
{
	snprintf(out, cap, "%s", c->initrd);
}

static void show_append(const struct config *c, char *out, size_t cap)
{
	snprintf(out, cap, "%s", c->append);
}

static void show_last_disk(const struct config *c, char *out, size_t cap)
{
	disk_show(&c->disks.disk[c->disks.count - 1], out, cap);
}

static const char vm[] = "vm", guest[] = "guest", main_process[] = "main";

/* `what` names the value in a sentence: "--cpus", or "cpus" with file and line in front. What
 * the guest is to become, and what may be said again, is a line (is_line()): kept as it was said,
 * or as `show` has the last. */
static const struct key {
	const char *section, *word;
	int (*set)(struct config *c, const char *what, const char *text, struct err *e);
	void (*show)(const struct config *c, char *out, size_t cap);
	guest_setter *add; /* instead of set: of the guest */
	int one;	   /* it has one value */
} keys[KEY_COUNT] = {
	[KEY_CPUS] = { vm, "cpus", set_cpus, show_cpus, NULL, 1 },
	[KEY_MEMORY] = { vm, "memory", set_memory, show_memory, NULL, 1 },
	[KEY_KERNEL] = { vm, "kernel", set_kernel, show_kernel, NULL, 1 },
	[KEY_INITRD] = { vm, "initrd", set_initrd, show_initrd, NULL, 1 },
	[KEY_APPEND] = { vm, "append", set_append, show_append, NULL, 1 },
	[KEY_DISK] = { vm, "disk", add_disk, show_last_disk, NULL, 0 },
	[KEY_HOSTNAME] = { guest, "hostname", NULL, NULL, guest_hostname, 1 },
	[KEY_SYSCTL] = { guest, "sysctl", NULL, NULL, guest_sysctl, 0 },
	[KEY_NET] = { guest, "net", NULL, NULL, guest_net, 0 },
	[KEY_DNS] = { guest, "dns", NULL, NULL, guest_dns, 0 },
	[KEY_SEARCH] = { guest, "search", NULL, NULL, guest_search, 0 },
	[KEY_ROOT] = { guest, "root", NULL, NULL, guest_root, 1 },
	[KEY_OVERLAY] = { guest, "overlay", NULL, NULL, guest_overlay, 1 },
	[KEY_MOUNT] = { guest, "mount", NULL, NULL, guest_mount, 0 },
	[KEY_INIT] = { guest, "init", NULL, NULL, guest_init_arg, 0 },
	[KEY_ARG] = { main_process, "arg", NULL, NULL, guest_arg, 0 },
	[KEY_ENV] = { main_process, "env", NULL, NULL, guest_env, 0 },
	[KEY_CWD] = { main_process, "cwd", NULL, NULL, guest_cwd, 1 },
	[KEY_USER] = { main_process, "user", NULL, NULL, guest_user, 1 },
};

static int is_line(enum config_key key)
{
	return keys[key].add || !keys[key].one;
}

/* --- what the command line said --- */

int wish_add(struct wish *w, enum config_key key, const char *value, struct err *e)
{
	if (!is_line(key))
		w->value[key] = value;
	else if (w->nlines == LINES_MAX)
		return err_usage(e, "--%s: more than %d values", keys[key].word, LINES_MAX);
	else
		w->lines[w->nlines++] = (struct line){ key, value };
	return 0;
}

int wish_is_empty(const struct wish *w)
{
	for (unsigned k = 0; k < KEY_COUNT; k++)
		if (w->value[k])
			return 0;
	return w->nlines == 0;
}

static unsigned keys_of_lines(const struct wish *w)
{
	unsigned said = 0;

	for (uint32_t i = 0; i < w->nlines; i++)
		said |= 1u << w->lines[i].key;
	return said;
}

/* --- lines --- */

static int keep_line(struct config *c, enum config_key key, const char *what, const char *text,
		     struct err *e)
{
	char quoted[VALUE_MAX + 1];
	const char *kept;

	if (quote_put(quoted, sizeof(quoted), text) < 0)
		return err_usage(e, "%s: longer than %d bytes", what, VALUE_MAX);
	kept = strings_keep(&c->guest.bag, text, strlen(text));
	if (!kept || c->nlines == LINES_MAX)
		return err_usage(e, "%s: more values than vm.ini holds", what);
	c->lines[c->nlines++] = (struct line){ key, kept };
	return 0;
}

/* Nothing as a value takes back what vm.ini had; only an argument may be empty. */
static int add_line(struct config *c, enum config_key key, const char *what, const char *text,
		    struct err *e)
{
	const struct key *k = &keys[key];
	char shown[PATH_ROOM + 64];
	int rc;

	if (k->one && c->asked & 1u << key)
		return err_usage(e, "%s: stands here for the second time", what);
	c->asked |= 1u << key;
	if (!text[0] && key != KEY_ARG && key != KEY_INIT)
		return 0;
	rc = k->add ? k->add(&c->guest, what, text, e) : k->set(c, what, text, e);
	if (rc == 0 && k->show) {
		k->show(c, shown, sizeof(shown));
		text = shown;
	}
	return rc < 0 ? rc : keep_line(c, key, what, text, e);
}

static int same_lines(const struct config *a, const struct config *b)
{
	if (a->nlines != b->nlines)
		return 0;
	for (uint32_t i = 0; i < a->nlines; i++)
		if (a->lines[i].key != b->lines[i].key ||
		    strcmp(a->lines[i].value, b->lines[i].value) != 0)
			return 0;
	return 1;
}

int config_same(const struct config *a, const struct config *b)
{
	return a->cpus == b->cpus && a->memory_bytes == b->memory_bytes &&
	       !strcmp(a->kernel, b->kernel) && !strcmp(a->initrd, b->initrd) &&
	       !strcmp(a->append, b->append) && same_lines(a, b);
}

static void set_defaults(struct config *c)
{
	*c = (struct config){ .cpus = 1, .memory_bytes = 256 * MIB };
	memcpy(c->kernel, catalogue_default, sizeof(catalogue_default));
	guest_init(&c->guest);
}

static int by_key(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	/* Values of one key stay in their order: they lie in the bag in it. */
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

static int apply(struct config *c, const struct wish *w, struct err *e)
{
	char what[32];
	int rc;

	for (unsigned k = 0; k < KEY_COUNT; k++) {
		if (!w->value[k])
			continue;
		snprintf(what, sizeof(what), "--%s", keys[k].word);
		rc = keys[k].set(c, what, w->value[k], e);
		if (rc < 0)
			return rc;
		c->asked |= 1u << k;
	}
	for (uint32_t i = 0; i < w->nlines; i++) {
		snprintf(what, sizeof(what), "--%s", keys[w->lines[i].key].word);
		rc = add_line(c, w->lines[i].key, what, w->lines[i].value, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int settle(struct config *c, struct err *e)
{
	qsort(c->lines, c->nlines, sizeof(c->lines[0]), by_key);
	return guest_check(&c->guest, e);
}

int config_new(struct config *c, const struct wish *w, struct err *e)
{
	int rc;

	set_defaults(c);
	rc = apply(c, w, e);
	return rc < 0 ? rc : settle(c, e);
}

struct reading {
	struct config *c;
	unsigned replaced; /* keys whose lines the command line replaces */
	struct err *e;
};

static void known_keys(char *out, size_t cap, const char *section)
{
	size_t used = 0;

	for (unsigned k = 0; k < KEY_COUNT; k++)
		if (!strcmp(keys[k].section, section))
			used += (size_t)snprintf(out + used, cap - used, "%s%s", used ? ", " : "",
						 keys[k].word);
}

static int read_value(struct reading *r, enum config_key k, char *value)
{
	const char *name = keys[k].word;

	if (is_line(k) && quote_take(value) < 0)
		return err_usage(r->e,
				 "%s: after the first \" comes text, \\\" \\\\ \\n \\t \\r \\xNN, "
				 "and \" as the last",
				 name);
	if (is_line(k))
		return r->replaced & 1u << k ? 0 : add_line(r->c, k, name, value, r->e);
	if (r->c->asked & 1u << k)
		return err_usage(r->e, "%s: stands here for the second time", name);
	r->c->asked |= 1u << k;
	return keys[k].set(r->c, name, value, r->e);
}

/* inih's convention: 0 stops the reading. */
static int read_line(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	char allowed[128] = "", own[VALUE_MAX + 128];
	unsigned k = 0;

	known_keys(allowed, sizeof(allowed), section);
	if (!allowed[0]) {
		err_usage(r->e, "[%s] is no section: there are [%s], [%s] and [%s]", section, vm,
			  guest, main_process);
		return 0;
	}
	while (k < KEY_COUNT &&
	       (strcmp(section, keys[k].section) != 0 || strcmp(name, keys[k].word) != 0))
		k++;
	if (k == KEY_COUNT) {
		err_usage(r->e, "'%s' is no key of [%s]: there are %s", name, section, allowed);
		return 0;
	}
	if ((size_t)snprintf(own, sizeof(own), "%s", value) >= sizeof(own)) {
		err_usage(r->e, "%s: longer than %d bytes", name, VALUE_MAX);
		return 0;
	}
	return read_value(r, k, own) == 0;
}

static int read_ini(struct config *c, const struct vmref *v, unsigned replaced, struct err *e)
{
	char text[INI_BYTES_MAX];
	struct reading r = { c, replaced, e };
	ssize_t n;
	int line;

	n = fd_slurp(v->dir, file_name, text, sizeof(text));
	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return err_set(e, (int)n, "%s: read vm.ini: %s", v->name, strerror((int)-n));
	if (strlen(text) != (size_t)n)
		return err_usage(e, "%s/vms/%s/vm.ini: has a NUL byte in it", v->home->path,
				 v->name);
	line = ini_parse_string(text, read_line, &r);
	if (line == 0)
		return 0;
	if (e->code == 0)
		err_usage(e, "not a line of the form 'key = value'");
	return err_in(e, "%s/vms/%s/vm.ini:%d", v->home->path, v->name, line);
}

int config_load(struct config *c, const struct vmref *v, const struct wish *w, struct err *e)
{
	int rc;

	set_defaults(c);
	rc = read_ini(c, v, w ? keys_of_lines(w) : 0, e);
	if (rc == 0 && w)
		rc = apply(c, w, e);
	return rc < 0 ? rc : settle(c, e);
}

struct writing {
	char text[INI_BYTES_MAX];
	size_t used;
	const char *section;
};

static void write_line(struct writing *w, enum config_key key, const char *value)
{
	char *at = w->text + w->used;
	size_t room = sizeof(w->text) - w->used;
	int n;

	if (keys[key].section != w->section)
		n = snprintf(at, room, "[%s]\n%s = %s\n", keys[key].section, keys[key].word, value);
	else
		n = snprintf(at, room, "%s = %s\n", keys[key].word, value);
	w->section = keys[key].section;
	w->used += MIN((size_t)n, room);
}

int config_save(const struct config *c, const struct vmref *v, struct err *e)
{
	struct writing w = { .section = vm };
	char value[PATH_ROOM];

	w.used = (size_t)snprintf(w.text, sizeof(w.text),
				  "# what was asked for; `vmtool start` reads it\n[%s]\n", vm);
	for (unsigned k = 0; k < KEY_COUNT; k++) {
		if (is_line(k) || !(c->asked & 1u << k))
			continue;
		keys[k].show(c, value, sizeof(value));
		write_line(&w, k, value);
	}
	for (uint32_t i = 0; i < c->nlines; i++) {
		quote_put(value, sizeof(value), c->lines[i].value); /* it fits: keep_line() tried */
		write_line(&w, c->lines[i].key, value);
	}
	if (w.used == sizeof(w.text))
		return err_usage(e, "%s: what was asked for does not fit into vm.ini (%d KiB)",
				 v->name, INI_BYTES_MAX >> 10);
	return path_replace(v->dir, file_name, w.text, w.used, 0600, e) < 0
		       ? err_in(e, "%s", v->name)
		       : 0;
}

int config_cmdline(const struct config *c, char out[SPEC_CMDLINE_MAX + 1], struct err *e)
{
	int n = snprintf(out, SPEC_CMDLINE_MAX + 1, "%s%s%s", cmdline_base, c->append[0] ? " " : "",
			 c->append);

	return n > SPEC_CMDLINE_MAX ? err_usage(e, "--append: the command line is too long") : 0;
}

static int open_file(const char *what, const char *path, struct err *e)
{
	struct stat st;
	int fd, rc = 0;

	/* Non-blocking, because opening a fifo would wait for its writer. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "%s %s", what, path);
	if (fstat(fd, &st) < 0)
		rc = err_sys(e, "%s %s", what, path);
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, -EINVAL, "%s %s: is not a regular file", what, path);
	else if (st.st_size == 0)
		rc = err_set(e, -EINVAL, "%s %s: is empty", what, path);
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

static int open_kernel(const struct config *c, const struct home *h, struct err *e)
{
	char path[PATH_ROOM];
	int rc;

	if (c->kernel[0] == '/')
		return open_file("kernel", c->kernel, e);
	rc = path_fmt(path, e, "%s/kernels/%s/vmlinux", h->path, c->kernel);
	if (rc < 0)
		return rc;
	if (access(path, F_OK) < 0)
		return err_set(e, -ENOENT,
			       "kernel: there is no '%s' in the catalogue (%s)\n  try: --kernel "
			       "PATH with an x86-64 vmlinux",
			       c->kernel, path);
	return open_file("kernel", path, e);
}

int config_open_files(const struct config *c, const struct home *h, int *kernel, int *initrd,
		      struct err *e)
{
	int rc;

	*kernel = *initrd = -1;
	rc = open_kernel(c, h, e);
	if (rc < 0)
		return rc;
	*kernel = rc;
	if (!c->initrd[0])
		return 0;
	rc = open_file("initrd", c->initrd, e);
	if (rc < 0)
		goto out;
	*initrd = rc;
	rc = initrd_check(*initrd, c->initrd, e);
out:
	if (rc < 0) {
		fd_close(initrd);
		fd_close(kernel);
	}
	return rc < 0 ? rc : 0;
}
