/*
 * fs - the host's end of one question about a guest's files, or of one change to them.
 */
#ifndef HOST_FS_H
#define HOST_FS_H

#include "host/target.h"
#include "proto/fs.h"

struct fs_listener {
	/* One that was told of; `folder` is where, in steps from what was asked about: "", "a/b". 0, or
	 * negative with *e filled: no more is wanted. */
	int (*entry)(void *arg, const char *folder, const struct fs_entry *n, struct err *e);
	void *arg;
};

/*
 * Blocking. What cannot be done is told on stderr, a line with the errno each. 0: it is done; 1: but
 * for those; negative with *e filled: it was not begun, or broke off.
 */
int fs_ask(const struct target *t, const struct fs_req *q, const struct fs_listener *to,
	   struct err *e);

#endif
