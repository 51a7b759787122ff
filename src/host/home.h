/*
 * home - where vmtool keeps what it knows (contracts.md, "Places").
 */
#ifndef HOST_HOME_H
#define HOST_HOME_H

#include <dirent.h>

#include "base/err.h"
#include "base/path.h"

struct home {
	char path[PATH_ROOM]; /* absolute */
	int vms;	      /* owned: the folder of VMs; -1 when there is none yet */
};

#define HOME_NONE ((struct home){ .vms = -1 })

/* With `make`, folders that are missing are made; without it a missing home is an empty one.
 * 0 or negative with *e filled. */
int home_open(struct home *h, int make, struct err *e);
void home_close(struct home *h);

/* The folder of VMs, to be read from its beginning; closed by the caller. NULL without a sentence: there is
 * none yet; NULL with *e filled. */
DIR *home_list(const struct home *h, struct err *e);

/* The folder for the sockets of one VM, which may not be there: under $XDG_RUNTIME_DIR when that
 * is a folder we may write to, else under the home. */
int home_sockets(char out[PATH_ROOM], const struct home *h, const char *name, struct err *e);

#endif
