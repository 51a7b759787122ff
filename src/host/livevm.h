/*
 * livevm - which VM that is up has a thing that one may have at a time, when nothing else says whose it is.
 */
#ifndef HOST_LIVEVM_H
#define HOST_LIVEVM_H

#include "host/config.h"
#include "host/home.h"

/* The first VM of this home but `self` (NULL: any) that is up and whose configuration has() says is one.
 * Nonzero: found, and in name. */
int livevm_with(const struct home *h, const char *self,
		int (*has)(const struct config *c, const void *what), const void *what,
		char name[VM_NAME_ROOM]);

#endif
