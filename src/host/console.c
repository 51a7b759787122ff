/*
 * console - console.log: what the guest's serial port said. Hostile bytes.
 */
#include "host/console.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/text.h"

enum { END_BYTES = 16 * 1024 }; /* of the log we look at */

const char console_file[] = "console.log";

int console_open(const struct vmref *v, off_t *from, struct err *e)
{
	struct stat st;
	int fd;

	fd = openat(v->dir, console_file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return err_sys(e, "open console.log");
	*from = fstat(fd, &st) == 0 ? st.st_size : 0;
	return fd;
}

size_t console_read(const struct vmref *v, off_t from, char *out, size_t cap)
{
	struct stat st;
	ssize_t n = 0;
	int fd;

	fd = openat(v->dir, console_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0)
		n = pread(fd, out, cap, MAX(from, st.st_size - (off_t)cap));
	fd_close(&fd);
	return n > 0 ? (size_t)n : 0;
}

/* Where the last `lines` lines of text begin. */
static size_t last_lines(const char *text, size_t len, unsigned lines)
{
	size_t at = len;

	while (at > 0 && lines > 0) {
		at--;
		while (at > 0 && text[at - 1] != '\n')
			at--;
		lines--;
	}
	return at;
}

/* Serial lines end in CR LF: the CR is no news. */
static size_t drop_returns(char *text, size_t len)
{
	size_t used = 0;

	for (size_t at = 0; at < len; at++)
		if (text[at] != '\r')
			text[used++] = text[at];
	return used;
}

size_t console_tail(const struct vmref *v, off_t from, unsigned lines, char *out, size_t cap)
{
	char text[END_BYTES];
	size_t len = console_read(v, from, text, sizeof(text)), at;

	len = drop_returns(text, len);
	at = last_lines(text, len, lines);
	/* An escaped byte takes four, and a newline may have to be added. */
	at = MAX(at, len - MIN(len, (cap - 6) / 4));
	len = text_escape(out, cap - 1, text + at, len - at);
	if (len > 0 && out[len - 1] != '\n')
		out[len++] = '\n';
	out[len] = '\0';
	return len;
}

int console_panic(const struct vmref *v, off_t from, char *out, size_t cap)
{
	static const char words[] = "Kernel panic - not syncing";
	char text[END_BYTES];
	size_t len = console_read(v, from, text, sizeof(text));
	const char *at = memmem(text, len, words, sizeof(words) - 1);
	const char *end;

	if (!at)
		return 0;
	end = at;
	while (end < text + len && *end != '\r' && *end != '\n')
		end++;
	text_clean(out, cap, at, (size_t)(end - at));
	return 1;
}
