/*
 * instant - a point in time as people and files write it: RFC 3339, or so long ago.
 */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H

#include <stdint.h>

#include "base/err.h"

/* "2026-11-21T09:08:07.123Z", also with +01:00: ms since 1970. 0, or -EINVAL without a sentence. */
int instant_rfc3339(int64_t *out_ms, const char *text);

/* That, or a time back from now, as 5m. 0, or wrong usage with *e filled. */
int instant_parse(int64_t *out_ms, const char *what, const char *text, struct err *e);

#endif
