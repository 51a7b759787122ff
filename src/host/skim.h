/*
 * skim - the plain values at the top of a JSON object, found in its text without building it.
 *
 * For a listing, which wants a handful of words of a thousand files that we wrote ourselves: there most of the time
 * went into their trees. The whole text is looked at all the same, so that one that was cut, or lost a block, is none.
 */
#ifndef HOST_SKIM_H
#define HOST_SKIM_H

#include <stddef.h>

struct skim {
	const char *key;
	const char *
		at; /* borrowed from the text: a string without its quotes, or a number, true, false, null; NULL: not there */
	size_t len;
};

/* 0; or -EPROTO: not one whole object, or one of these keys has a value that is not plain, and is to be
 * read in earnest. Of a key that is there twice the last counts. */
int skim(const char *text, size_t len, struct skim *wanted, size_t count);

#endif
