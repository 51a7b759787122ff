/*
 * config - the machine a person asked for: vm.ini and options, checked, then never changed.
 */
#ifndef HOST_CONFIG_H
#define HOST_CONFIG_H

#include <stdint.h>

#include "host/disks.h"
#include "host/guest.h"
#include "host/nics.h"
#include "host/proof.h"
#include "host/settings.h"
#include "host/store.h"
#include "proto/spec.h"

struct config {
	uint32_t cpus;
	uint64_t memory_bytes;		   /* whole MiB */
	uint64_t balloon_bytes;		   /* of it */
	uint32_t memory;		   /* how it is kept: SPEC_MEMORY_... */
	int any_kvm;			   /* also one that emulates */
	int has_hvc;			   /* the console is a virtio device */
	char kernel[PATH_ROOM];		   /* absolute path, or a name in the catalogue */
	char initrd[PATH_ROOM];		   /* absolute path, or "" for none */
	char append[SPEC_CMDLINE_MAX + 1]; /* added to the guest's command line */
	int reboot_ends; /* the VM, which else starts again */
	struct disks disks;
	struct nics nics;
	struct guest guest;
	struct proof proof;
	struct settings settings; /* what was said, and where */
};

/* Whether both describe the same machine. */
int config_same(const struct config *a, const struct config *b);

/* Defaults with the wish on top, each value checked. 0, or wrong usage with *e filled. */
int config_new(struct config *c, const struct home *h, const struct wish *w, struct err *e);

/* The VM's vm.ini (which may be absent) with the wish on top; NULL: there is none. 0 or negative with *e filled. */
int config_load(struct config *c, const struct vmref *v, const struct wish *w, struct err *e);

/* Writes what was asked for to vm.ini. 0 or negative with *e filled. */
int config_save(const struct config *c, const struct vmref *v, struct err *e);

/* The vmm's description of it but for descriptors, with the guest kernel's whole command line for this
 * boot, which lies in `cmdline`. 0, or wrong usage when the kernel would cut that. */
int machine_describe(const struct config *c, const char *boot, char cmdline[SPEC_CMDLINE_MAX + 1],
		     struct spec *s, struct err *e);

/* The machine as it is unless something is said. */
void machine_init(struct config *c);

/* What of its values excludes others. 0, or wrong usage with *e filled. */
int machine_check(const struct config *c, struct err *e);

/* What follows from its values: a card on passt has a DHCP server behind it, and a guest of our init,
 * to which nothing else was said of its network, asks it. 0 or negative with *e filled. */
int machine_complete(struct config *c, struct err *e);

/* "yes" or "no"; the option has no value, and means yes. */
int config_yes_or_no(int *out, const struct said *s, struct err *e);

/* A path, which settings made absolute. 0, or wrong usage with *e filled. */
int config_path(char out[PATH_ROOM], const char *what, const char *text, struct err *e);

#endif
