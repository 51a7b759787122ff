/*
 * guestpath - a path as a person types it: on this host, or NAME:PATH in a guest.
 */
#ifndef HOST_GUESTPATH_H
#define HOST_GUESTPATH_H

#include "base/path.h"

struct guestpath {
	char guest[PATH_ROOM + 8]; /* as target_find() takes it; "" for the host */
	const char *path;	   /* borrowed from what was typed */
};

/* 0, or wrong usage with *e filled. */
int guestpath_parse(struct guestpath *w, const char *arg, struct err *e);

#endif
