/*
 * console - console.log: what the guest's serial port said. Hostile bytes.
 */
#ifndef HOST_CONSOLE_H
#define HOST_CONSOLE_H

#include <stddef.h>
#include <sys/types.h>

#include "host/store.h"

extern const char console_file[];

/* The log, for appending; *from is where this boot's part begins. The fd, owned by the caller,
 * or negative with *e filled. */
int console_open(const struct vmref *v, off_t *from, struct err *e);

/* The end of what lies behind `from`, as it was said. Bytes read; 0 when there are none or they
 * cannot be read. */
size_t console_read(const struct vmref *v, off_t from, char *out, size_t cap);

/* The last lines behind `from`, fit for a terminal, each ended by a newline, then a NUL. Their
 * length; 0 when there are none or they cannot be read. */
size_t console_tail(const struct vmref *v, off_t from, unsigned lines, char *out, size_t cap);

/* 1 when the kernel panicked behind `from`: out is the line that says so, cleaned. */
int console_panic(const struct vmref *v, off_t from, char *out, size_t cap);

#endif
