/*
 * inifile - one INI file's sections and lines, each with its number.
 */
#include "host/inifile.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/text.h"

/* inih keeps so much of a section's name, its NUL included, and drops the rest without a word. */
enum { SECTION_ROOM = 50 };

int ini_slurp(char text[INI_BYTES_MAX], struct stat *which, int dirfd, const char *path,
	      struct err *e)
{
	ssize_t n = -EINVAL;
	int fd;

	/* Non-blocking, because opening a fifo would wait for its writer. */
	fd = openat(dirfd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "read");
	if (fstat(fd, which) == 0 && S_ISREG(which->st_mode))
		n = fd_slurp_open(fd, text, INI_BYTES_MAX);
	fd_close(&fd);
	if (n == -EINVAL)
		return err_usage(e, "is not a regular file");
	if (n == -EFBIG)
		return err_usage(e, "is larger than %d KiB", INI_BYTES_MAX >> 10);
	if (n < 0)
		return err_set(e, (int)n, "read: %s", strerror((int)-n));
	if (strlen(text) != (size_t)n)
		return err_usage(e, "has a NUL byte in it");
	return 1;
}

struct reading {
	struct ini_taker *taker;
	const char *at; /* what is not yet read */
	unsigned line;
	int goes_on; /* the line before was longer than there was room for */
	int too_long;
	struct err *e;
};

/* inih's convention, fgets(3)'s. */
static char *next_line(char *out, int room, void *stream)
{
	struct reading *r = stream;
	size_t len = strcspn(r->at, "\n");

	if (!*r->at)
		return NULL;
	if (r->goes_on)
		r->too_long = 1;
	else
		r->line++;
	len += r->at[len] == '\n';
	r->goes_on = len >= (size_t)room;
	len = MIN(len, (size_t)room - 1);
	memcpy(out, r->at, len);
	out[len] = '\0';
	r->at += len;
	return out;
}

/* inih's convention: 0 stops the reading; a new section has no key. */
static int take(void *user, const char *section, const char *word, const char *value)
{
	struct reading *r = user;
	char own[INI_VALUE_MAX + 1];

	if (r->too_long)
		return 0;
	if (!word && strlen(section) + 1 == SECTION_ROOM)
		return !err_usage(r->e, "[%s...] is no section", section);
	if (!word)
		return r->taker->section(r->taker, section, r->e) == 0;
	if ((size_t)snprintf(own, sizeof(own), "%s", value) >= sizeof(own))
		return !err_usage(r->e, "%.40s: longer than %d bytes", word, INI_VALUE_MAX);
	return r->taker->line(r->taker, word, own, r->line, r->e) == 0;
}

int ini_read(struct ini_taker *t, const char *name, const char *text, struct err *e)
{
	struct reading r = { .taker = t, .at = text, .e = e };

	if (ini_parse_stream(next_line, &r, take, &r) == 0)
		return 0;
	if (r.too_long)
		err_usage(e, "is longer than a line may be");
	else if (e->code == 0)
		err_usage(e, "not a line of the form 'key = value', nor a [section]");
	/* It may quote what is no person's writing. */
	text_escape_err(e);
	return err_in(e, "%s:%u", name, r.line);
}
