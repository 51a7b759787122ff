/*
 * config - the machine a person asked for: vm.ini and options, checked, then never changed.
 */
#ifndef HOST_CONFIG_H
#define HOST_CONFIG_H

#include <stdint.h>

#include "host/disks.h"
#include "host/guest.h"
#include "host/store.h"
#include "proto/spec.h"

/* In the order vm.ini has them. */
enum config_key {
	/* [vm] */
	KEY_CPUS,
	KEY_MEMORY,
	KEY_KERNEL,
	KEY_INITRD,
	KEY_APPEND,
	KEY_DISK,
	/* [guest] */
	KEY_HOSTNAME,
	KEY_SYSCTL,
	KEY_NET,
	KEY_DNS,
	KEY_SEARCH,
	KEY_ROOT,
	KEY_OVERLAY,
	KEY_MOUNT,
	KEY_INIT,
	/* [main] */
	KEY_ARG,
	KEY_ENV,
	KEY_CWD,
	KEY_USER,
	KEY_COUNT
};

/* A value of a key that may have many, or of the guest: kept as it was said. */
struct line {
	enum config_key key;
	const char *value;
};

enum { LINES_MAX = EXEC_ARGS_MAX + 512 };

/* What the command line said. Borrowed from argv. */
struct wish {
	const char *value[KEY_COUNT]; /* of a machine's key; NULL where it said nothing */
	uint32_t nlines;
	struct line lines[LINES_MAX]; /* of the rest; what is said of a key replaces all it had */
};

/* 0, or wrong usage with *e filled. */
int wish_add(struct wish *w, enum config_key key, const char *value, struct err *e);
int wish_is_empty(const struct wish *w);

struct config {
	uint32_t cpus;
	uint64_t memory_bytes;		   /* whole MiB */
	char kernel[PATH_ROOM];		   /* absolute path, or a name in the catalogue */
	char initrd[PATH_ROOM];		   /* absolute path, or "" for none */
	char append[SPEC_CMDLINE_MAX + 1]; /* added to the guest's command line */
	struct disks disks;
	unsigned asked; /* bit per key that a person set; the rest are defaults */
	struct guest guest;
	uint32_t nlines; /* as vm.ini keeps them; strings of guest.bag */
	struct line lines[LINES_MAX];
};

/* Whether both describe the same machine. */
int config_same(const struct config *a, const struct config *b);

/* Defaults with the wish on top, each value checked. 0, or wrong usage with *e filled. */
int config_new(struct config *c, const struct wish *w, struct err *e);

/* The VM's vm.ini (which may be absent) with the wish on top; NULL: there is none. 0 or negative with *e filled. */
int config_load(struct config *c, const struct vmref *v, const struct wish *w, struct err *e);

/* Writes what was asked for to vm.ini. 0 or negative with *e filled. */
int config_save(const struct config *c, const struct vmref *v, struct err *e);

/* The guest kernel's whole command line. 0, or wrong usage when the kernel would cut it. */
int config_cmdline(const struct config *c, char out[SPEC_CMDLINE_MAX + 1], struct err *e);

/* A path made absolute: one in vm.ini means the same wherever it is read. 0, or wrong usage with *e
 * filled. */
int config_path(char out[PATH_ROOM], const char *what, const char *text, struct err *e);

/* Opens the kernel and the initrd (*initrd stays -1 when there is none); a sentence with the
 * remedy when one is missing or cannot be one. 0 or negative with *e filled. */
int config_open_files(const struct config *c, const struct home *h, int *kernel, int *initrd,
		      struct err *e);

#endif
