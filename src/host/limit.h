/*
 * limit - what a device may do in a second, as it is written.
 */
#ifndef HOST_LIMIT_H
#define HOST_LIMIT_H

#include <stdint.h>

#include "base/err.h"

/* "10M" bytes; "500" requests or frames. 0, or wrong usage with *e filled. */
int limit_rate(uint64_t *out, const char *what, const char *text, struct err *e);
int limit_ops(uint64_t *out, const char *what, const char *text, struct err *e);

#endif
