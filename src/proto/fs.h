/*
 * fs - questions about a guest's files, and single changes to them, on the agent's port.
 *
 * The first frame asks, FRAME_COPY_GO says that a process of the guest now has the connection, and
 * its answer follows: entries, problems, and FRAME_FS_DONE. A listing is a walk: the entries of a
 * folder, then into each folder of it in turn by ENTER and out of it by UP; so a name is one step,
 * of any bytes, and neither a folder's size nor its depth has a limit here.
 * Both sides take the other's bytes as hostile.
 */
#ifndef PROTO_FS_H
#define PROTO_FS_H

#include <stddef.h>
#include <stdint.h>

enum {
	FS_PATH_MAX = 4096,		      /* of a path, NUL included (PATH_MAX) */
	FS_OWNER_MAX = 64,		      /* of a user's or group's name, NUL included */
	FS_SAID_MAX = 4096,		      /* of a problem's strings, NUL included */
	FS_FRAME_MAX = 2 * FS_PATH_MAX + 512, /* the longest of these frames */
};

enum fs_op {
	FS_STAT = 1, /* what a path leads to: one entry */
	FS_LIST,     /* what is in a folder */
	FS_MKDIR,
	FS_MOVE, /* path becomes `to` */
	FS_REMOVE,
	FS_OPS_END,
};

enum fs_flag {
	FS_FOLLOW = 1 << 0,    /* stat: what a symbolic link leads to */
	FS_RECURSIVE = 1 << 1, /* list, remove: the folders below too */
	FS_PARENTS = 1 << 2, /* mkdir: also what is missing above; a folder that is there is fine */
	FS_KEEP = 1 << 3,    /* move: never instead of something that is there */
	FS_EXACT = 1 << 4,   /* move: `to` is the new name, not a folder to move into */
	FS_INTO = 1 << 5,    /* move: `to` must be a folder */
	FS_ABSENT_OK = 1 << 6, /* remove: what is not there is fine */
	FS_FLAGS = (1 << 7) - 1,
};

struct fs_req {
	uint8_t op;	  /* enum fs_op */
	uint16_t flags;	  /* enum fs_flag */
	uint16_t mode;	  /* mkdir: its permissions, as far as 01777 */
	const char *user; /* as in struct copy_req */
	const char *path; /* absolute, or from that user's home */
	const char *to;	  /* move: the same; else "" */
};

struct fs_time {
	int64_t s;   /* since 1970 */
	uint32_t ns; /* below 10^9 */
};

struct fs_entry {
	const char *name; /* in a listing one step; for stat the path that was asked */
	uint32_t mode;	  /* type and permissions as in st_mode */
	uint32_t uid, gid;
	uint64_t size, blocks; /* bytes; units of 512 bytes */
	uint64_t inode;
	uint32_t links;
	uint32_t major, minor; /* of a device; else 0 */
	struct fs_time accessed, modified, changed;
	const char *target;	   /* of a symbolic link; else "" */
	const char *owner, *group; /* as the guest calls them; "" where it has no name */
};

struct fs_problem {
	uint32_t sys;	  /* the guest's errno; 0 when there is none */
	const char *path; /* what it is about, the beginning of a long one left out */
	const char *what; /* a sentence; "" where the errno is all there is to say */
};

/* Each: bytes written or -EMSGSIZE; 0 or -EPROTO. What is decoded borrows from the input. */
long fs_req_encode(const struct fs_req *q, void *out, size_t room);
int fs_req_decode(struct fs_req *q, const void *data, size_t len);
long fs_entry_encode(const struct fs_entry *n, void *out, size_t room);
int fs_entry_decode(struct fs_entry *n, const void *data, size_t len);
long fs_problem_encode(const struct fs_problem *p, void *out, size_t room);
int fs_problem_decode(struct fs_problem *p, const void *data, size_t len);

/* FRAME_FS_ENTER: into this folder. NULL when it is no step. */
const char *fs_enter_decode(const void *data, size_t len);

#endif
