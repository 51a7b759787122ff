/*
 * fsd - the guest's answer to one struct fs_req, in a process of its own.
 */
#ifndef GUEST_FSD_H
#define GUEST_FSD_H

#include <sys/stat.h>

#include "guest/fileconn.h"
#include "proto/fs.h"
#include "tree/descent.h"

/* What a number was called the last time: most files of a folder are one user's. */
struct fsd_owner {
	int is_known;
	uint32_t id;
	char name[FS_OWNER_MAX];
};

struct fsd {
	struct wire wire;
	struct report report;
	const struct fs_req *q; /* borrowed */
	struct fsd_owner owner, group;
	unsigned long problems; /* told so far */
	struct descent at;
	struct err e; /* what ends it: the host is gone, or nothing is certain any more */
};

/* 0; or negative: the host has been told, as far as it is there. */
int fsd_answer(const struct fs_req *q);

/* What each op does; what is wrong goes to fsd_problem(). Negative with d->e filled: it broke off. */
int fsd_list(struct fsd *d);
int fsd_remove(struct fsd *d);

/* Tells it. 0, or negative with d->e filled. */
int fsd_problem(struct fsd *d, const char *path, int sys, const char *what);

/* The same of a name in the folder we are in. */
int fsd_problem_at(struct fsd *d, const char *name, int sys, const char *what);

/* An entry, its link's text read from dir; the same. */
int fsd_entry(struct fsd *d, int dir, const char *name, const struct stat *st);

/* Into a folder of the one we are in, of which no names are known yet; at first the one that was
 * asked about. 1: in; 0: not, which has been told; negative: d->e. */
int fsd_enter(struct fsd *d, const char *name);

/* With each name of the folder we are in, until one says no. One that cannot be read is told. 0, or
 * negative with d->e filled. */
int fsd_each_name(struct fsd *d, int (*each)(struct fsd *d, const char *name));

/* Out again. 0, or negative with d->e filled. */
int fsd_leave(struct fsd *d);

#endif
