/*
 * parse - the words people type, made into numbers; or a sentence that says what would be right.
 *
 * `what` names the thing in that sentence ("--memory", "vm.ini:3: memory"). Each returns 0, or
 * wrong usage (exit status 2) with *e filled.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdint.h>

#include "base/err.h"

/* A whole number, digits only, and nothing else in the text; 0 or -EINVAL, without a sentence. */
int parse_u64(uint64_t *out, const char *text);

/* A whole number from min to max. */
int parse_u32(uint32_t *out, const char *what, const char *text, uint32_t min, uint32_t max,
	      struct err *e);

/* A size with its unit: K M G T and KiB... are powers of 1024, kB MB GB TB of 1000. */
int parse_size(uint64_t *out_bytes, const char *what, const char *text, struct err *e);

/* A time: 500ms, 30s, 5m, 1h30m; a bare number is seconds. */
int parse_time(uint32_t *out_ms, const char *what, const char *text, struct err *e);

/* A VM's name: a DNS label, 1 to 63 of a-z 0-9 -, no - at either end. */
int parse_name(const char *text, struct err *e);

#endif
