/*
 * clock - monotonic time for measuring, wall time for reading.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Monotonic; the zero point is the machine's. */
int64_t clock_ms(void);
int64_t clock_us(void);

enum { CLOCK_TEXT = 32 }; /* "2026-11-21T09:08:07.123Z" takes 25 */

/* The wall clock as RFC 3339 with milliseconds, UTC. */
void clock_rfc3339(char out[CLOCK_TEXT]);

#endif
