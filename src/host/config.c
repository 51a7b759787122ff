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
#include "host/text.h"

#define MIB (1ull << 20)

enum {
	MEMORY_MIN_MIB = 32,
	INI_BYTES_MAX = 64 * 1024,
	/* inih reads lines of 4096; the key, " = " and the end need some of it. */
	VALUE_MAX = 4000,
};

static const char file_name[] = "vm.ini";
static const char section_name[] = "vm";
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

static int show_disk(const struct config *c, unsigned i, char *out, size_t cap)
{
	if (i == c->disks.count)
		return 0;
	disk_show(&c->disks.disk[i], out, cap);
	return 1;
}

/* `what` names the value in a sentence: "--cpus", or "cpus" with file and line in front. */
static const struct key {
	const char *word;
	int (*set)(struct config *c, const char *what, const char *text, struct err *e);
	void (*show)(const struct config *c, char *out, size_t cap);
	/* Instead of show, of a key that may be said again: value i; 0 when there is none. Setting
	 * such a key to "" forgets what was said before. */
	int (*show_nth)(const struct config *c, unsigned i, char *out, size_t cap);
} keys[KEY_COUNT] = {
	[KEY_CPUS] = { "cpus", set_cpus, .show = show_cpus },
	[KEY_MEMORY] = { "memory", set_memory, .show = show_memory },
	[KEY_KERNEL] = { "kernel", set_kernel, .show = show_kernel },
	[KEY_INITRD] = { "initrd", set_initrd, .show = show_initrd },
	[KEY_APPEND] = { "append", set_append, .show = show_append },
	[KEY_DISK] = { "disk", add_disk, .show_nth = show_disk },
};

int config_same(const struct config *a, const struct config *b)
{
	return a->cpus == b->cpus && a->memory_bytes == b->memory_bytes &&
	       !strcmp(a->kernel, b->kernel) && !strcmp(a->initrd, b->initrd) &&
	       !strcmp(a->append, b->append) && disks_same(&a->disks, &b->disks);
}

int wish_add(struct wish *w, enum config_key key, const char *value)
{
	unsigned n = 0;

	while (keys[key].show_nth && w->value[key][n])
		n++;
	if (n == WISH_VALUES - 1)
		return -E2BIG;
	w->value[key][n] = value;
	return 0;
}

static void set_defaults(struct config *c)
{
	*c = (struct config){ .cpus = 1, .memory_bytes = 256 * MIB };
	memcpy(c->kernel, catalogue_default, sizeof(catalogue_default));
}

static int apply(struct config *c, const struct wish *w, struct err *e)
{
	for (unsigned k = 0; k < KEY_COUNT; k++) {
		char what[32];
		int rc;

		if (!w->value[k][0])
			continue;
		snprintf(what, sizeof(what), "--%s", keys[k].word);
		rc = keys[k].show_nth ? keys[k].set(c, what, "", e) : 0;
		for (unsigned i = 0; w->value[k][i] && rc == 0; i++)
			rc = keys[k].set(c, what, w->value[k][i], e);
		if (rc < 0)
			return rc;
		c->asked |= 1u << k;
	}
	return 0;
}

int config_new(struct config *c, const struct wish *w, struct err *e)
{
	set_defaults(c);
	return apply(c, w, e);
}

struct reading {
	struct config *c;
	struct err *e;
};

static int known_keys(char *out, size_t cap)
{
	size_t used = 0;

	for (unsigned k = 0; k < KEY_COUNT; k++)
		used += (size_t)snprintf(out + used, cap - used, "%s%s", k ? ", " : "",
					 keys[k].word);
	return (int)used;
}

/* inih's convention: 0 stops the reading. */
static int read_line(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	char allowed[128];
	unsigned k = 0;

	if (strcmp(section, section_name) != 0) {
		err_usage(r->e, "[%s] is no section: the only one is [%s]", section, section_name);
		return 0;
	}
	while (k < KEY_COUNT && strcmp(name, keys[k].word) != 0)
		k++;
	if (k == KEY_COUNT) {
		known_keys(allowed, sizeof(allowed));
		err_usage(r->e, "'%s' is no key: there are %s", name, allowed);
		return 0;
	}
	if (r->c->asked & 1u << k && !keys[k].show_nth) {
		err_usage(r->e, "%s: stands here for the second time", name);
		return 0;
	}
	r->c->asked |= 1u << k;
	return keys[k].set(r->c, name, value, r->e) == 0;
}

static int read_ini(struct config *c, const struct vmref *v, struct err *e)
{
	char text[INI_BYTES_MAX];
	struct reading r = { c, e };
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
	rc = read_ini(c, v, e);
	return rc < 0 ? rc : apply(c, w, e);
}

/* A key's line, or lines. */
static size_t write_key(const struct config *c, const struct key *k, char *out, size_t cap)
{
	char value[PATH_ROOM];
	size_t used = 0;

	if (k->show) {
		k->show(c, value, sizeof(value));
		return (size_t)snprintf(out, cap, "%s = %s\n", k->word, value);
	}
	for (unsigned i = 0; k->show_nth(c, i, value, sizeof(value)); i++)
		used += (size_t)snprintf(out + used, cap - used, "%s = %s\n", k->word, value);
	return used;
}

int config_save(const struct config *c, const struct vmref *v, struct err *e)
{
	char text[INI_BYTES_MAX];
	size_t used;

	used = (size_t)snprintf(text, sizeof(text),
				"# what was asked for; `vmtool start` reads it\n[%s]\n",
				section_name);
	for (unsigned k = 0; k < KEY_COUNT; k++)
		if (c->asked & 1u << k)
			used += write_key(c, &keys[k], text + used, sizeof(text) - used);
	return path_replace(v->dir, file_name, text, used, 0600, e) < 0 ? err_in(e, "%s", v->name)
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
