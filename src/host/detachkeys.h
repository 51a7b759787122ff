/*
 * detachkeys - the keys that leave a session on a terminal, found in what is typed.
 *
 * Nothing is held back: all keys but the last go to the command when they are typed. Whoever
 * uses the first of them for something else (ctrl-p is a shell's "previous line") notices nothing.
 */
#ifndef HOST_DETACHKEYS_H
#define HOST_DETACHKEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { DETACHKEYS_MAX = 16 };

#define DETACHKEYS_DEFAULT "ctrl-p,ctrl-q"

struct detachkeys {
	uint8_t keys[DETACHKEYS_MAX];
	size_t count;	/* 0: there are none */
	size_t matched; /* as many of them were just typed */
};

/* Docker's notation: keys separated by commas, each one ASCII character or ctrl- and one of
 * a-z @ [ \ ] ^ _; "none" or "" for none. 0, or wrong usage with *e filled. */
int detachkeys_parse(struct detachkeys *k, const char *text, struct err *e);

/* How many of these bytes are the command's: all of them, or those before the key that completed
 * the sequence, which is in none of them. */
size_t detachkeys_pass(struct detachkeys *k, const uint8_t *data, size_t len);

/* Nonzero once the sequence is complete. */
static inline int detachkeys_typed(const struct detachkeys *k)
{
	return k->count > 0 && k->matched == k->count;
}

#endif
