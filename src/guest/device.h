/*
 * device - waits until the devices of a description are there; the kernel tells when one comes.
 */
#ifndef GUEST_DEVICE_H
#define GUEST_DEVICE_H

#include "base/err.h"
#include "base/loop.h"

enum { DEVICES_MAX = 40 };

struct device_wait {
	struct loop *loop; /* borrowed */
	struct watch news; /* owned fd: the kernel's uevents */
	struct timer deadline;
	unsigned wait_ms;
	const char *paths[DEVICES_MAX]; /* borrowed until over */
	size_t n;
	/* After device_wait_begin() said 1. Once, with *e empty or a sentence. */
	void (*over)(struct device_wait *w, struct err *e);
};

/* Adds one to wait for; what does not lie below /dev is no device and always there. */
void device_want(struct device_wait *w, const char *path);

/* 0: all are there; 1: some are waited for; or negative with *e filled. w->over must be set. */
int device_wait_begin(struct device_wait *w, struct loop *l, unsigned wait_ms, struct err *e);

#endif
