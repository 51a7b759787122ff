/*
 * follow - console.log to a descriptor, and on while the VM lives.
 */
#ifndef HOST_FOLLOW_H
#define HOST_FOLLOW_H

#include "host/store.h"

/* Raw into a file or pipe, escaped for a terminal. With `on` it ends when the VM has; a log that
 * was cut is read from its beginning. 0 or negative with *e filled. */
int follow_console(const struct vmref *v, int out, int on, struct err *e);

#endif
