/*
 * batch - the same done to several VMs at once, each by a process of its own.
 *
 * What is done may wait, take signals and hold descriptors as if it were alone. A single VM needs
 * no further process.
 */
#ifndef HOST_BATCH_H
#define HOST_BATCH_H

#include "host/names.h"

enum { BATCH_AT_ONCE = 64 }; /* further ones wait for their turn */

struct batch {
	/* An exit status, or negative with *e filled. */
	int (*one)(const char *name, void *arg, struct err *e);
	void *arg;
	/* Of several, each failure is told as it comes. */
	void (*failed)(const struct err *e, void *arg);
	void *failed_arg;
	int failure; /* exit status of a failure that names none */
};

/* Of one VM, what `one` returns. Of several, an exit status: 0 when all went well, what all that
 * did not have in common, else 1; or negative with *e filled. A signal that ends us goes to all who
 * still work first, and is told as 128 and its number. */
int batch_run(const struct batch *b, const struct names *n, struct err *e);

#endif
