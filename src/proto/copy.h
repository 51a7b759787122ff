/*
 * copy - what is said of files on the agent's port: a request, then a tree as a stream.
 *
 * The first frame asks, FRAME_COPY_GO says that a process of the guest now has the connection,
 * and only then anything follows. The stream is a walk: ROOT, then the entries, a folder being
 * entered by its entry and left by UP, a file followed by its DATA and HOLEs up to EOF. So a name
 * is never more than one step, and nothing in a stream can name a place outside the tree.
 * Both sides take the other's bytes as hostile.
 *
 * `struct copy_msg` is one step of that walk; src/tree makes and takes them.
 */
#ifndef PROTO_COPY_H
#define PROTO_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "proto/frame.h"

enum {
	COPY_NAME_MAX = 255,	      /* bytes of a name, NUL not counted (NAME_MAX) */
	COPY_REQ_PATH_MAX = 3800,     /* of the path in a request, NUL included */
	COPY_LINK_MAX = 64 * 1024,    /* of the path a further name leads to, NUL included */
	COPY_TARGET_MAX = 4096,	      /* of a symbolic link's text, NUL included (PATH_MAX) */
	COPY_XATTRS_MAX = 512 * 1024, /* all of one file's, encoded */
	COPY_XATTR_VALUE_MAX = 64 * 1024,
	COPY_DEPTH_MAX = 4096,			     /* folders in folders */
	COPY_CHUNK = 256 * 1024,		     /* the longest DATA */
	COPY_FRAME_MAX = COPY_XATTRS_MAX + 8 * 1024, /* the longest frame of a stream */
};

enum copy_flag {
	COPY_ARCHIVE = 1 << 0, /* owners, setuid and setgid, devices, every kind of xattr too */
	COPY_INTO = 1 << 1,    /* the destination must be a folder that is there */
	COPY_FOLLOW = 1 << 2,  /* what a symbolic link leads to instead of the link */
	COPY_NO_XATTRS = 1 << 3,
	COPY_SYNC = 1 << 4, /* on the disk before it is called done */
	COPY_FLAGS = (1 << 5) - 1,
};

struct copy_req {
	uint16_t flags;	  /* enum copy_flag */
	const char *user; /* NAME or UID[:GID]; "": whoever serves */
	const char *path; /* absolute, or from that user's home */
};

struct copy_root {
	const char *name; /* what it is called where it comes from; "" for what has none */
	uint8_t contents; /* 1: what is in the folder is meant, not the folder */
};

struct copy_entry {
	const char *name; /* one step: not "", ".", "..", no "/" */
	uint32_t mode;	  /* type and permissions as in st_mode */
	uint32_t uid, gid;
	int64_t mtime;	       /* seconds since 1970 */
	uint32_t mtime_ns;     /* below 10^9 */
	uint64_t size;	       /* of a file when it was opened; else 0 */
	uint32_t major, minor; /* of a device; else 0 */
	const char *target;    /* of a symbolic link; else "" */
	const uint8_t *xattrs; /* copy_xattr_next() reads them */
	size_t xattrs_len;
};

struct copy_link {
	const char *name;
	const char *target; /* steps from the root of this tree, "a/b" */
};

/* One step. What it points to is borrowed until the next. */
struct copy_msg {
	uint8_t type; /* FRAME_COPY_ROOT to FRAME_COPY_PROBLEM */
	union {
		struct copy_root root;
		struct copy_entry entry;
		struct copy_link link;
		const char *text; /* ENTER: a name; PROBLEM: a line */
		struct {
			const uint8_t *at;
			size_t len;
		} data;
		uint64_t hole;
		uint8_t whole;
	};
};

/* Bytes written or -EMSGSIZE. */
long copy_req_encode(const struct copy_req *q, void *out, size_t room);

/* 0 or -EPROTO. */
int copy_req_decode(struct copy_req *q, const void *data, size_t len);

/* The payload; DATA is the caller's to send. Bytes written or -EMSGSIZE. */
long copy_msg_encode(const struct copy_msg *m, void *out, size_t room);

/* 0 or -EPROTO, also for a frame that is no step. */
int copy_msg_decode(struct copy_msg *m, const struct frame *f);

/* One step of a path: not empty, not ".", not "..", without "/", short enough. */
int copy_name_is_valid(const char *name);

struct copy_xattr {
	const char *name;
	const uint8_t *value;
	size_t len;
};

/* Walks a decoded list from *at = 0. 1: *x is the next; 0: no more. */
int copy_xattr_next(struct copy_xattr *x, const uint8_t *list, size_t len, size_t *at);

/* Appends to a list of *len bytes in out[room]. 0 or -ENOSPC with the list unchanged. */
int copy_xattr_add(uint8_t *out, size_t room, size_t *len, const struct copy_xattr *x);

#endif
