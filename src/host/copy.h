/*
 * copy - the host's end of a file copy: host files or an archive on one side, a guest on the other.
 */
#ifndef HOST_COPY_H
#define HOST_COPY_H

#include "host/target.h"

struct copy {
	const struct target *target; /* borrowed */
	const char *user;	     /* of the guest's, whose rights apply; "": whoever serves */
	unsigned flags;		     /* enum copy_flag (proto/copy.h) */
	int is_quiet;
};

/*
 * Blocking. A "-" as the only src is a tar archive on stdin, as dst one on stdout. What is wrong
 * with single files is told on stderr, a line each, and the rest is copied. 0: it is all there;
 * 1: but for those; negative with *e filled: it broke off.
 */
int copy_put(const struct copy *c, const char *const *srcs, size_t count, const char *dst,
	     struct err *e);
int copy_get(const struct copy *c, const char *const *srcs, size_t count, const char *dst,
	     struct err *e);

#endif
