/*
 * lines - a text file line by line, in memory of fixed size.
 */
#include "base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"

int lines_open(struct lines *l, const char *path)
{
	l->at = l->end = 0;
	l->cut = 0;
	l->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return l->fd < 0 ? -errno : 0;
}

void lines_close(struct lines *l)
{
	fd_close(&l->fd);
}

/* Bytes gained; 0 at the end of the file, on an error, or without room. */
static size_t fill(struct lines *l)
{
	ssize_t n;

	memmove(l->mem, l->mem + l->at, l->end - l->at);
	l->end -= l->at;
	l->at = 0;
	/* One byte stays free for the NUL behind a last line without a newline. */
	n = fd_read(l->fd, l->mem + l->end, LINES_ROOM - 1 - l->end);
	if (n <= 0)
		return 0;
	l->end += (size_t)n;
	return (size_t)n;
}

char *lines_next(struct lines *l)
{
	for (;;) {
		char *line = l->mem + l->at;
		char *newline = memchr(line, '\n', l->end - l->at);
		int skip = l->cut;

		if (!newline && fill(l) > 0)
			continue;
		line = l->mem + l->at; /* fill() has moved it */
		if (!newline && l->at == l->end)
			return NULL;
		l->cut = !newline;
		if (!newline)
			newline = l->mem + l->end;
		*newline = '\0';
		l->at = l->cut ? l->end : (size_t)(newline + 1 - l->mem);
		if (!skip)
			return line;
	}
}
