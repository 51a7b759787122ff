/*
 * knownline - one line of a known_hosts file, as sshd(8) describes them.
 *
 *	[@MARKER] HOSTS TYPE BASE64 [COMMENT]
 *
 * HOSTS is a list of patterns, some negated, or one name hashed. A name is written in lower case;
 * of another port than 22 as "[name]:port". The bytes are a file's, and anybody's.
 */
#ifndef SSH_KNOWNLINE_H
#define SSH_KNOWNLINE_H

#include <stddef.h>

#include "ssh/hostkey.h"

enum knownline_kind {
	KNOWNLINE_NOTE, /* a comment, or nothing */
	KNOWNLINE_KEY,
	KNOWNLINE_CA,	   /* of an authority that signs hosts' keys */
	KNOWNLINE_REVOKED, /* a key that must not be taken */
	KNOWNLINE_BROKEN,
};

struct slice {
	const char *at; /* borrowed */
	size_t len;
};

struct knownline {
	enum knownline_kind kind;
	struct slice hosts, type, base64;
	struct slice raw_key; /* from the type on, comment included */
};

enum {
	KNOWNNAME_ROOM = 300, /* of a name as it is looked for, NUL included */
	KNOWNHASH_ROOM = 64,  /* "|1|", salt, "|", hash */
};

/* A line without its end. */
void knownline_parse(struct knownline *l, const char *text, size_t len);

/* Nonzero: it speaks of that name; a name that is negated is not spoken of. */
int knownline_matches(const struct knownline *l, const char *name);

/* Nonzero: one of its names, as it stands there, is that host at whatever port. Patterns, and names that
 * are hashed, are none. */
int knownline_names(const struct knownline *l, const char *host);

/* 0, or -EPROTO: the line is broken after all. */
int knownline_key(const struct knownline *l, struct hostkey *k);

int knownline_is_hashed(const struct knownline *l);

/* Nonzero when hashing the hosts would lose what they say. */
int knownline_has_pattern(const struct knownline *l);

/* How a host is looked for, and written. 0, or wrong usage with *e filled: what would be more than
 * one name, a pattern, or a line of its own. */
int knownname(char out[KNOWNNAME_ROOM], const char *host, unsigned port, struct err *e);

/* The name as nobody can read it, with a salt of random bytes. 0 or a negative errno. */
int knownname_hash(char out[KNOWNHASH_ROOM], const char *name, size_t len);

#endif
