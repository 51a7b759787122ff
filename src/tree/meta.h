/*
 * meta - what a file has besides its bytes, put on it once these are there.
 */
#ifndef TREE_META_H
#define TREE_META_H

#include "proto/copy.h"
#include "tree/report.h"

struct meta {
	uint32_t mode, uid, gid;
	int64_t mtime;
	uint32_t mtime_ns;
	uint8_t *xattrs; /* owned: as in struct copy_entry; or NULL */
	size_t xattrs_len;
};

/* Copies what an entry says. 0 or -ENOMEM. */
int meta_keep(struct meta *m, const struct copy_entry *n);
void meta_free(struct meta *m);

/*
 * Owner, xattrs, permissions, time, in the order in which none undoes another. Owners are kept
 * with COPY_ARCHIVE and by root only; setuid and setgid are worth keeping only with their owner.
 * What does not succeed is reported under `path`.
 */
void meta_apply(const struct meta *m, int fd, unsigned flags, struct report *r, const char *path);

/* The same for what cannot be opened: a name in a folder, nothing being followed. */
void meta_apply_at(const struct meta *m, int dir, const char *name, unsigned flags,
		   struct report *r, const char *path);

#endif
