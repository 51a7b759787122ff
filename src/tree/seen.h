/*
 * seen - files with several names, each by the path it was first met under.
 */
#ifndef TREE_SEEN_H
#define TREE_SEEN_H

#include <stddef.h>
#include <sys/types.h>

struct seen_file {
	dev_t dev;
	ino_t ino;
	size_t path; /* where it begins in the text; 0: the place is free */
};

struct seen {
	struct seen_file *files; /* owned: a table probed in line */
	size_t count, room;	 /* room is 0 or a power of two */
	char *text; /* owned: the paths, each with its NUL; the first byte is nobody's */
	size_t len, cap;
};

void seen_free(struct seen *s);

/* 1: *first is the path it was added under, good until the next call; 0: now it is added;
 * -ENOMEM. */
int seen_find(struct seen *s, dev_t dev, ino_t ino, const char *path, const char **first);

#endif
