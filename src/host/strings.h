/*
 * strings - a bag of strings that live as long as it does, in memory of fixed size.
 */
#ifndef HOST_STRINGS_H
#define HOST_STRINGS_H

#include <stddef.h>

enum { STRINGS_BYTES = 128 * 1024 };

struct strings {
	size_t used;
	char mem[STRINGS_BYTES];
};

/* A copy of the len bytes, NUL behind it; NULL when the bag is full. */
const char *strings_keep(struct strings *s, const char *text, size_t len);

#endif
