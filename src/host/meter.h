/*
 * meter - how far a copy is, on a terminal: one line, redrawn at most ten times a second.
 *
 * A sink in front of another: it counts what goes through.
 */
#ifndef HOST_METER_H
#define HOST_METER_H

#include "tree/sink.h"

struct meter {
	struct sink sink;
	struct sink *to;  /* borrowed */
	const char *what; /* borrowed: begins the line */
	int is_on;	  /* stderr is a terminal, and nobody asked for quiet */
	int is_shown;	  /* the line is on the screen now */
	int64_t start_ms, drawn_ms;
	uint64_t files, bytes, total; /* total 0: not known */
	int is_root;		      /* the next entry is a tree's first */
};

/* what: "web:/srv". It is on only where people look: a terminal that is not dumb, and no CI. */
void meter_init(struct meter *m, struct sink *to, const char *what, int is_quiet);

/* Takes the line off the screen: something else is to be printed, or all is done. */
void meter_clear(struct meter *m);

#endif
