/*
 * knownhosts - a file of host keys in OpenSSH's format: asked, and replaced as a whole.
 */
#include "ssh/knownhosts.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

enum {
	HOSTS_MAX = 4096, /* a longer list of names is left readable */
	HUGE = 2 << 20,   /* bytes of a large page */
};

static const char lock_file[] = ".lock";

static int take_lock(struct knownhosts *k, struct err *e)
{
	int rc;

	k->lock = openat(k->dir, lock_file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (k->lock < 0)
		return err_sys(e, "lock %s", k->path);
	do
		rc = flock(k->lock, LOCK_EX);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? err_sys(e, "lock %s", k->path) : 0;
}

/* What writers that were killed left half made: the lock is ours, so none is at work. */
static void remove_leftovers(const struct knownhosts *k)
{
	static const char begin[] = "." KNOWNHOSTS_FILE ".";
	int fd = openat(k->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		fd_close(&fd);
		return;
	}
	while ((d = readdir(dir)))
		if (!strncmp(d->d_name, begin, strlen(begin)))
			unlinkat(k->dir, d->d_name, 0);
	closedir(dir);
}

/* Of a large file, the pages it is read into would else cost more than the reading. */
static void few_faults(char *text, size_t len)
{
	size_t from = ((uintptr_t)text + HUGE - 1) & ~(uintptr_t)(HUGE - 1);
	size_t to = ((uintptr_t)text + len) & ~(uintptr_t)(HUGE - 1);

	if (from < to)
		(void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

/* As many bytes as it has now: one that grows meanwhile is somebody else's, and read only. */
static int read_all(struct knownhosts *k, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "read %s", k->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s: not a file", k->path);
	k->text = malloc((size_t)st.st_size + 1);
	if (!k->text)
		return err_set(e, -ENOMEM, "%s: no memory for %lld bytes", k->path,
			       (long long)st.st_size);
	few_faults(k->text, (size_t)st.st_size);
	while (k->len < (size_t)st.st_size) {
		ssize_t n = fd_read(fd, k->text + k->len, (size_t)st.st_size - k->len);

		if (n < 0)
			return err_set(e, (int)n, "read %s: %s", k->path, strerror((int)-n));
		if (n == 0)
			break;
		k->len += (size_t)n;
	}
	return 0;
}

static int read_file(struct knownhosts *k, struct err *e)
{
	int fd = openat(k->dir, KNOWNHOSTS_FILE, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open %s", k->path);
	rc = read_all(k, fd, e);
	fd_close(&fd);
	return rc;
}

int knownhosts_read(struct knownhosts *k, const char *path, struct err *e)
{
	int fd, rc = path_fmt(k->path, e, "%s", path);

	if (rc < 0)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	rc = read_all(k, fd, e);
	fd_close(&fd);
	return rc;
}

int knownhosts_open(struct knownhosts *k, const char *folder, int change, struct err *e)
{
	int rc = path_fmt(k->path, e, "%s/" KNOWNHOSTS_FILE, folder);

	if (rc == 0 && change)
		rc = path_mkdirs(folder, e);
	if (rc < 0)
		return rc;
	k->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->dir < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open folder %s", folder);
	if (change)
		rc = take_lock(k, e);
	if (rc == 0 && change)
		remove_leftovers(k);
	return rc < 0 ? rc : read_file(k, e);
}

void knownhosts_close(struct knownhosts *k)
{
	free(k->text);
	k->text = NULL;
	k->len = 0;
	fd_close(&k->lock);
	fd_close(&k->dir);
}

int knownhosts_next(const struct knownhosts *k, struct knowncursor *c)
{
	const char *at = k->text + c->next, *end;
	size_t left = k->len - c->next;

	if (left == 0)
		return 0;
	end = memchr(at, '\n', left);
	c->whole = (struct slice){ at, end ? (size_t)(end - at) + 1 : left };
	c->next += c->whole.len;
	c->number++;
	knownline_parse(&c->line, at, c->whole.len - (end != NULL));
	return 1;
}

int knownhosts_find(const struct knownhosts *k, struct knowncursor *c, const char *name)
{
	while (knownhosts_next(k, c))
		if (c->line.kind != KNOWNLINE_NOTE && c->line.kind != KNOWNLINE_BROKEN &&
		    knownline_matches(&c->line, name))
			return 1;
	return 0;
}

/* A revoked key outweighs all else; then a match, then a key of that type that differs. */
void knownhosts_judge(const struct knownhosts *k, const char *name, const struct hostkey *key,
		      struct known_answer *a)
{
	struct knowncursor c = { 0 };
	struct hostkey pinned;

	*a = (struct known_answer){ .verdict = KNOWN_NEW };
	while (knownhosts_find(k, &c, name)) {
		enum known_verdict v;

		if (c.line.kind == KNOWNLINE_CA || knownline_key(&c.line, &pinned) < 0)
			continue;
		if (hostkey_is_same(&pinned, key))
			v = c.line.kind == KNOWNLINE_REVOKED ? KNOWN_REVOKED : KNOWN_MATCH;
		else if (c.line.kind == KNOWNLINE_REVOKED)
			continue;
		else
			v = strcmp(pinned.type, key->type) ? KNOWN_OTHER : KNOWN_CHANGED;
		if (v == KNOWN_REVOKED ||
		    (a->verdict != KNOWN_REVOKED && a->verdict != KNOWN_MATCH && v != a->verdict &&
		     (v == KNOWN_MATCH || a->verdict != KNOWN_CHANGED)))
			*a = (struct known_answer){ v, c.number, pinned };
	}
}

/* --- changes: a new text is made of the old one --- */

struct draft {
	FILE *out;
	char *text;
	size_t len;
};

static int draft_open(struct draft *d, struct err *e)
{
	d->out = open_memstream(&d->text, &d->len);
	return d->out ? 0 : err_sys(e, "known hosts");
}

/* The draft becomes the text. */
static int draft_take(struct draft *d, struct knownhosts *k, struct err *e)
{
	int bad = ferror(d->out);

	if (fclose(d->out) != 0 || bad) {
		free(d->text);
		return err_set(e, -ENOMEM, "%s: no memory for a new one", k->path);
	}
	free(k->text);
	k->text = d->text;
	k->len = d->len;
	return 0;
}

static void put(struct draft *d, struct slice s)
{
	fwrite(s.at, 1, s.len, d->out);
}

int knownhosts_append(struct knownhosts *k, const char *lines, size_t len, struct err *e)
{
	char *text = realloc(k->text, k->len + len + 1);

	if (!text)
		return err_set(e, -ENOMEM, "%s: no memory for a new one", k->path);
	k->text = text;
	/* A last line that was cut must not swallow ours. */
	if (k->len > 0 && text[k->len - 1] != '\n')
		text[k->len++] = '\n';
	memcpy(text + k->len, lines, len);
	k->len += len;
	return 0;
}

int knownhosts_add(struct knownhosts *k, const char *hosts, const struct hostkey *key,
		   const char *comment, struct err *e)
{
	char text[HOSTKEY_TEXT_ROOM], *line;
	int n, rc;

	hostkey_text(text, key);
	n = asprintf(&line, "%s %s%s%s\n", hosts, text, *comment ? " " : "", comment);
	if (n < 0)
		return err_set(e, -ENOMEM, "%s: no memory for a line", k->path);
	rc = knownhosts_append(k, line, (size_t)n, e);
	free(line);
	return rc;
}

int knownhosts_drop_where(struct knownhosts *k,
			  int (*is_meant)(const struct knownline *l, const void *arg), const void *arg,
			  struct err *e)
{
	struct knowncursor c = { 0 };
	struct draft d;
	int dropped = 0;

	if (draft_open(&d, e) < 0)
		return e->code;
	while (knownhosts_next(k, &c)) {
		if (c.line.kind == KNOWNLINE_KEY && is_meant(&c.line, arg))
			dropped++;
		else
			put(&d, c.whole);
	}
	return draft_take(&d, k, e) < 0 ? e->code : dropped;
}

static int is_of_name(const struct knownline *l, const void *arg)
{
	return knownline_matches(l, arg);
}

int knownhosts_drop(struct knownhosts *k, const char *name, struct err *e)
{
	return knownhosts_drop_where(k, is_of_name, name, e);
}

/* One line for each name: which of them belong together is not to be seen either. */
static int put_hashed(struct draft *d, const struct knowncursor *c)
{
	struct slice hosts = c->line.hosts, key = c->line.raw_key;
	int count = 0;

	while (hosts.len > 0) {
		const char *comma = memchr(hosts.at, ',', hosts.len);
		size_t len = comma ? (size_t)(comma - hosts.at) : hosts.len;
		char name[HOSTS_MAX], hashed[KNOWNHASH_ROOM];

		if (len > 0) {
			for (size_t i = 0; i < len; i++)
				name[i] = (char)tolower((unsigned char)hosts.at[i]);
			if (knownname_hash(hashed, name, len) < 0)
				return -EIO;
			fprintf(d->out, "%s %.*s\n", hashed, (int)key.len, key.at);
			count++;
		}
		hosts.at += len + (comma != NULL);
		hosts.len -= len + (comma != NULL);
	}
	return count;
}

int knownhosts_hash(struct knownhosts *k, struct err *e)
{
	struct knowncursor c = { 0 };
	struct draft d;
	int count = 0;

	if (draft_open(&d, e) < 0)
		return e->code;
	while (knownhosts_next(k, &c)) {
		int n = 0;

		if (c.line.kind == KNOWNLINE_KEY && !knownline_is_hashed(&c.line) &&
		    !knownline_has_pattern(&c.line) && c.line.hosts.len <= HOSTS_MAX)
			n = put_hashed(&d, &c);
		if (n == 0)
			put(&d, c.whole);
		if (n < 0) {
			fclose(d.out);
			free(d.text);
			return err_set(e, n, "%s: no random bytes for a salt", k->path);
		}
		count += n;
	}
	return draft_take(&d, k, e) < 0 ? e->code : count;
}

int knownhosts_save(struct knownhosts *k, struct err *e)
{
	if (path_replace(k->dir, KNOWNHOSTS_FILE, k->text ? k->text : "", k->len, 0600, e) < 0)
		return err_in(e, "%s", k->path);
	return 0;
}
