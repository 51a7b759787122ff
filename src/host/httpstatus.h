/*
 * httpstatus - the status of an HTTP answer, taken as it arrives (RFC 9112, section 4).
 *
 * Only its first line is of interest, and 1 KiB of that at most. The bytes are the peer's and
 * hostile; what is kept of them is cleaned.
 */
#ifndef HOST_HTTPSTATUS_H
#define HOST_HTTPSTATUS_H

#include <stddef.h>

enum { HTTP_LINE_MAX = 1024 };

struct httpstatus {
	int code; /* 0: not known yet; 100 to 599; -1: it is no HTTP */
	size_t len;
	char line[HTTP_LINE_MAX + 1]; /* as much as came, without its end */
};

#define HTTPSTATUS_INIT ((struct httpstatus){ .code = 0 })

/* Nothing more is taken once the code is known. */
void httpstatus_take(struct httpstatus *h, const void *data, size_t len);

/* The line for a person; cut, cleaned. */
void httpstatus_show(const struct httpstatus *h, char *out, size_t cap);

#endif
