/*
 * init_parts - struct init: all that process 1 consists of, for the files it is made of.
 *
 *   init   its life: it begins, serves, ends the guest in order
 *   boot   the stages of its beginning
 */
#ifndef GUEST_INIT_PARTS_H
#define GUEST_INIT_PARTS_H

#include "guest/beacon.h"
#include "guest/bootid.h"
#include "guest/device.h"
#include "guest/handover.h"
#include "guest/ifup.h"
#include "guest/init.h"
#include "guest/mainproc.h"
#include "guest/poweroff.h"
#include "guest/reap.h"
#include "guest/resolv.h"
#include "guest/services.h"
#include "guest/stages.h"
#include "guest/supervisor.h"
#include "proto/desc.h"

/* What the host described, and the bytes its strings lie in: given back when the boot is over. */
struct description {
	struct guest_desc desc;
	uint8_t mem[DESC_BYTES_MAX];
};

struct init {
	struct loop loop;
	struct reap reap;
	struct poweroff poweroff;
	struct beacon beacon;
	struct services services;
	struct stages stages;
	struct timer announcing;
	int verbose;	    /* stages are told on the console as they happen */
	uint32_t wait_ms;   /* what a device gets to come */
	int64_t serving_ms; /* when the servers were there, since the kernel began */
	struct description *wanted;
	struct ifup ifup;
	int network_is_over, network_lacks_lease;
	struct resolv given, written; /* resolv.conf: of the description; as it was last made */
	int has_root;		      /* the one in whose /etc it is made */
	struct device_wait devices;
	struct supervisor supervisor;
	struct mainproc main;
	struct exec_status main_status;
	int main_has_ended;
	struct handover handover;
	int split; /* what handover_split() said */
	char boot[BOOT_ID_LEN + 1], hostname[DESC_HOSTNAME_MAX + 1];
};

/* The boot, in its order. */
extern const struct stage boot_stages[];
extern const size_t boot_stage_count;

#endif
