/*
 * banner - a server's SSH identification string, taken as it arrives (RFC 4253, section 4.2).
 *
 * Lines may come before it: 50 at most, and 8 KiB. It has at most 255 characters, CR LF or a bare
 * LF included. The bytes are the peer's and hostile; what is kept of them is printable.
 */
#ifndef SSH_BANNER_H
#define SSH_BANNER_H

#include <stddef.h>

enum {
	BANNER_MAX = 255, /* characters of the identification, its line's end included */
	BANNER_BEFORE_LINES = 50,
	BANNER_BEFORE_BYTES = 8192,
};

enum banner_verdict {
	BANNER_MORE, /* not yet known */
	BANNER_OK,   /* protocol 2.0, or 1.99: 2.0 and the old one beside it */
	BANNER_UNSUPPORTED,
	BANNER_NOT_SSH,
};

struct banner {
	enum banner_verdict verdict;
	unsigned lines; /* that came before it */
	size_t bytes;	/* of those, without the CRs */
	size_t len;	/* of the line at hand, as much as came */
	char line[256]; /* its beginning; of BANNER_OK the identification, without its end */
	char why[200];	/* what the other verdicts mean: a clause without a stop */
};

#define BANNER_INIT ((struct banner){ .verdict = BANNER_MORE })

/* How many of the bytes were taken: those behind the identification are not. */
size_t banner_take(struct banner *b, const void *data, size_t len);

/* What has arrived of the line at hand, for a person: "" or 'sample' in quotes. */
void banner_sample(const struct banner *b, char *out, size_t cap);

#endif
