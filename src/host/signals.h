/*
 * signals - what people call a signal. The guest's numbers are those of Linux, as ours.
 */
#ifndef HOST_SIGNALS_H
#define HOST_SIGNALS_H

#include <stdint.h>

#include "base/err.h"

enum { SIGNALS_MAX = 64 }; /* the real-time ones included, which have numbers alone */

/* "TERM", "SIGTERM", "term" or "15". 0, or wrong usage with *e filled. */
int signals_parse(uint32_t *out, const char *what, const char *text, struct err *e);

/* "TERM"; of one without a name NULL. */
const char *signals_name(uint32_t number);

/* One a line, with its number. */
void signals_print(void);

#endif
