/*
 * pins - the host keys we know, in our own known_hosts: whether a server is the one it was.
 *
 * A server may have keys of several types, so it is judged by all those it shows: one that is
 * revoked, or differs from the pin of its type, is a mismatch; and so is a server that shows none
 * of the types that are pinned, for whoever cannot show the right key shows another.
 */
#ifndef HOST_PINS_H
#define HOST_PINS_H

#include "host/home.h"
#include "ssh/knownhosts.h"

enum { PINS_KEYS = 16 }; /* of one server */
enum { EXIT_MISMATCH = 3 };

struct hostkeys {
	unsigned count;
	struct hostkey at[PINS_KEYS];
};

/* Lines of TYPE BASE64, as in a .pub file; empty ones and comments are skipped. 0, or negative
 * with *e filled and the line's number in it. */
int hostkeys_from_text(struct hostkeys *keys, const char *text, size_t len, struct err *e);

/* Where the file is; out[PATH_ROOM]. 0 or negative with *e filled. */
int pins_folder(char *out, const struct home *h, struct err *e);

/* 0: one of the keys is pinned, and none contradicts; 1: nothing is pinned for that name; or
 * negative with *e filled: exit status 3 when it is not the server it was. */
int pins_check(const struct home *h, const char *name, const struct hostkeys *keys, struct err *e);

/* Of one server that goes by several names, of which NULL is the last: as pins_check(). With NULL for
 * its keys, which nobody has asked for yet, only whether there is anything to check them by. */
int pins_check_any(const struct home *h, const char *const *names, const struct hostkeys *keys,
		   struct err *e);

/* Trusts on first use: of the keys those are written that are not there. How many that were, or
 * negative as of pins_check(). */
int pins_pin(const struct home *h, const char *name, const struct hostkeys *keys,
	     const char *comment, struct err *e);

/* Takes over the lines of another known_hosts that say something new; broken ones are skipped, and
 * told through `broken`. How many, or negative with *e filled: exit status 3 when one contradicts
 * what is pinned, and then nothing is taken over. */
int pins_import(const struct home *h, const struct knownhosts *from,
		void (*broken)(const struct knownhosts *from, unsigned number), struct err *e);

/* Drops the lines that are meant; or that speak of any of the names, of which NULL is the last. How
 * many, or negative with *e filled. */
int pins_drop_where(const struct home *h, int (*is_meant)(const struct knownline *l, const void *arg),
		    const void *arg, struct err *e);
int pins_drop(const struct home *h, const char *const *names, struct err *e);

/* What to say of a key that is not as it should be. Returns e->code; exit status 3. */
int pins_mismatch(struct err *e, const char *path, const char *name, const struct hostkey *shown,
		  const struct known_answer *a);

/* The same of a guest of ours: the right key was known before, and stands in `where`. */
int pins_guest_mismatch(struct err *e, const struct hostkey *shown, const struct hostkey *right,
			const char *where);

#endif
