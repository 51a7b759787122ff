/*
 * lines - a text file line by line, in memory of fixed size.
 */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include <stddef.h>

enum { LINES_ROOM = 8192 };

struct lines {
	int fd; /* owned; -1 while closed */
	size_t at, end;
	int cut; /* the rest of the line at hand did not fit and is to be skipped */
	char mem[LINES_ROOM];
};

#define LINES_INIT \
	{ \
		.fd = -1 \
	}

/* 0 or a negative errno. */
int lines_open(struct lines *l, const char *path);
void lines_close(struct lines *l);

/* The next line without its newline, valid until the next call; NULL at the end. Of a line
 * longer than LINES_ROOM only the beginning is seen, never a piece as a line of its own. */
char *lines_next(struct lines *l);

#endif
