/*
 * vmpins - the names under which host keys of one VM may be pinned: its own, its id, and the addresses
 * where its SSH server is found.
 */
#ifndef HOST_VMPINS_H
#define HOST_VMPINS_H

#include "host/pins.h"
#include "host/store.h"
#include "host/strings.h"
#include "ssh/endpoint.h"

enum { VMPINS_MAX = 2048 };

struct vmpins {
	unsigned hosts; /* as many of the names, the first, are the VM's at whatever port */
	unsigned count;
	const char *name[VMPINS_MAX + 1]; /* in the bag; NULL behind the last */
	struct strings bag;
};

/* All of a VM's. What cannot be read of it (a vm.ini that is damaged) adds none. */
void vmpins_of_vm(struct vmpins *p, const struct vmref *v);

/* Those of the one server that is found there: names of no other, so that all must agree. */
void vmpins_of_server(struct vmpins *p, const struct vmref *v, const struct endpoint *where);

/* Drops every pin of a VM that goes. A line whose name is a pattern is of
 * others, too, and stays. How many, or negative with *e filled. */
int vmpins_drop(const struct vmref *v, struct err *e);

/* The same of a name alone, which is another VM's from now on. */
int vmpins_drop_name(const struct home *h, const char *name, struct err *e);

#endif
