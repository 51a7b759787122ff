/*
 * path - composing paths without surprise, making folders, replacing files whole.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { PATH_ROOM = 4096 }; /* what a path buffer holds, NUL included (PATH_MAX) */

/* Formats into out[PATH_ROOM]. 0, or -ENAMETOOLONG with *e filled. */
int path_fmt(char *out, struct err *e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Makes the folder and what is missing above it, mode 0700. 0 or negative with *e filled. */
int path_mkdirs(const char *path, struct err *e);

/* Replaces the file as a whole: readers see the old bytes or the new ones, also after a crash
 * (temporary file, fsync, rename, fsync of the folder). 0 or negative with *e filled. */
int path_replace(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
		 struct err *e);

/* What path_replace() left of this file when its process was killed in it. Only where nobody else
 * may be writing it. */
void path_sweep(int dirfd, const char *name);

/* Removes the folder and all in it, following no symbolic link; an absent one is fine.
 * 0 or negative with *e filled. */
int path_remove_tree(int dirfd, const char *name, struct err *e);

/* What the folder and all in it take on the disk; 0 for what is not there. */
uint64_t path_tree_bytes(int dirfd, const char *name);

#endif
