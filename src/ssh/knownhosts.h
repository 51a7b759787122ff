/*
 * knownhosts - a file of host keys in OpenSSH's format: asked, and replaced as a whole.
 *
 * Whoever changes it holds a lock beside it meanwhile; a crash leaves the old file or the new one.
 * What is not understood, comments and broken lines, stays byte for byte where it is.
 */
#ifndef SSH_KNOWNHOSTS_H
#define SSH_KNOWNHOSTS_H

#include "base/path.h"
#include "ssh/knownline.h"

#define KNOWNHOSTS_FILE "known_hosts"

struct knownhosts {
	char path[PATH_ROOM]; /* of the file, for sentences */
	int dir;	      /* owned: its folder; -1: there is none */
	int lock;	      /* owned; -1: it is only read */
	char *text;	      /* owned: all of it */
	size_t len;
};

#define KNOWNHOSTS_NONE ((struct knownhosts){ .dir = -1, .lock = -1 })

/* Reads it; what is missing is empty. With `change` makes the folder, mode 0700, and waits for the
 * lock. 0 or negative with *e filled. */
int knownhosts_open(struct knownhosts *k, const char *folder, int change, struct err *e);

/* Somebody else's, by its path, only to be read. 0 or negative with *e filled. */
int knownhosts_read(struct knownhosts *k, const char *path, struct err *e);

void knownhosts_close(struct knownhosts *k);

/* A place in it; {0} is in front of the first line. */
struct knowncursor {
	size_t next;
	unsigned number;    /* of the line, from 1 */
	struct slice whole; /* with its end */
	struct knownline line;
};

/* 1: c->line is the next line; 0: there are no more. */
int knownhosts_next(const struct knownhosts *k, struct knowncursor *c);

/* As knownhosts_next(), of the lines that speak of the name. */
int knownhosts_find(const struct knownhosts *k, struct knowncursor *c, const char *name);

enum known_verdict {
	KNOWN_NEW, /* nothing is pinned for that name */
	KNOWN_MATCH,
	KNOWN_OTHER,   /* keys of other types are pinned, and this type is not */
	KNOWN_CHANGED, /* another key of that type is pinned */
	KNOWN_REVOKED,
};

struct known_answer {
	enum known_verdict verdict;
	unsigned line;	    /* that says so */
	struct hostkey old; /* the key there, of KNOWN_OTHER and KNOWN_CHANGED */
};

void knownhosts_judge(const struct knownhosts *k, const char *name, const struct hostkey *key,
		      struct known_answer *a);

/* The changes are in memory until knownhosts_save(). 0 or negative with *e filled; drop: how many
 * lines went, markers' lines stay; hash: how many names became unreadable. */
int knownhosts_add(struct knownhosts *k, const char *hosts, const struct hostkey *key,
		   const char *comment, struct err *e);
int knownhosts_append(struct knownhosts *k, const char *lines, size_t len, struct err *e);
int knownhosts_drop(struct knownhosts *k, const char *name, struct err *e);
int knownhosts_drop_where(struct knownhosts *k,
			  int (*is_meant)(const struct knownline *l, const void *arg), const void *arg,
			  struct err *e);
int knownhosts_hash(struct knownhosts *k, struct err *e);
int knownhosts_save(struct knownhosts *k, struct err *e);

#endif
