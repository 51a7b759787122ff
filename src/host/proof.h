/*
 * proof - what a VM has to show before it is called ready: the [ready], [probe NAME] and
 * [provision] of a config, and whether anything of ours is in the guest at all.
 */
#ifndef HOST_PROOF_H
#define HOST_PROOF_H

#include "host/probewish.h"
#include "host/scripts.h"

struct proof {
	int is_plain;	   /* the guest's initramfs is left as it is */
	unsigned required; /* bits, 1 << enum condition_id, that were asked for by name */
	char banner[128];  /* where strangers find the guest's sshd; or "" */
	struct probe_wishes probes;
	struct script_wishes scripts;
};

struct config;

/* Nonzero when the guest is to have an agent: ours, or one that a plain guest brings along. */
int proof_has_agent(const struct proof *p);

/* Of all values together. 0, or wrong usage with *e filled. */
int proof_check(const struct config *c, struct err *e);

#endif
