/*
 * reboot - a guest that restarts itself: a new machine under the same agent, with the same sockets.
 */
#ifndef HOST_REBOOT_H
#define HOST_REBOOT_H

#include <stdint.h>

#include "base/err.h"

struct agent;

enum {
	REBOOTS_MAX = 5, /* within REBOOTS_MS: a guest that can only restart is no use */
	REBOOTS_MS = 60000,
};

struct reboots {
	int64_t at_ms[REBOOTS_MAX]; /* of the latest, in a ring */
	unsigned count;
};

/* Whether the guest's reset, of which the vmm has just told, is to be followed by another boot. When it
 * is one too many, 0 with a verdict that says so. */
int reboot_is_wanted(struct agent *a);

/* 0: it starts again; or negative with *e filled. */
int reboot_begin(struct agent *a, struct err *e);

#endif
