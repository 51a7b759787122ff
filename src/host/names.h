/*
 * names - the VMs a word is about, in the order in which they were typed, each of them once.
 */
#ifndef HOST_NAMES_H
#define HOST_NAMES_H

#include "host/store.h"

struct names {
	size_t count;
	char (*name)[VM_NAME_ROOM]; /* owned */
	size_t room;
};

#define NAMES_NONE ((struct names){ 0 })

/* What was typed: a name or an id. One that is there already is left out; one that there is no VM
 * of stays as it was typed. 0 or negative with *e filled. */
int names_add(struct names *n, const struct home *h, const char *typed, struct err *e);
/* All there are, or all that live, in the order of the alphabet. 0 or negative with *e filled. */
int names_add_all(struct names *n, const struct home *h, int living, struct err *e);
void names_free(struct names *n);

#endif
