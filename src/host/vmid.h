/*
 * vmid - what a VM is called for ever: random, made with its folder, the same after a rename.
 *
 * It is the target of a symbolic link in the folder: made whole in one step, read in another.
 */
#ifndef HOST_VMID_H
#define HOST_VMID_H

#include "base/err.h"

enum {
	VMID_LEN = 16,	/* lower-case hexadecimal digits */
	VMID_SHORT = 6, /* so many of them may stand for all */
};

/* Gives the folder an id if it has none. 0 or negative with *e filled. */
int vmid_make(int dir, struct err *e);

/* Of the VM in the folder of VMs. 0; or a negative errno with out empty: it has none. */
int vmid_read(int vms, const char *name, char out[VMID_LEN + 1]);

/* Whether this may be an id, or the beginning of one. */
int vmid_may_begin(const char *text);

#endif
