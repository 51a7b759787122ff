/*
 * follow - a VM's log to a descriptor, and on while the VM lives.
 */
#ifndef HOST_FOLLOW_H
#define HOST_FOLLOW_H

#include <stdint.h>
#include <sys/types.h>

#include "host/store.h"

#define FOLLOW_ALL UINT32_MAX /* lines: more than an enum of C11 holds */

struct follow_ask {
	const char *file; /* of the VM's folder */
	off_t from;	  /* where what is wanted begins */
	uint32_t tail;	  /* no more than the last lines of that */
	int on;		  /* until the VM has ended */
};

/* Raw into a file or pipe, escaped for a terminal. A log that was cut meanwhile is read from its beginning; one that
 * is not there yet is empty. 0 or negative with *e filled. */
int follow_log(const struct vmref *v, const struct follow_ask *ask, int out, struct err *e);

#endif
