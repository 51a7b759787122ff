/*
 * conline - the line behind a guest's console: a bounded file, and whoever else listens and types.
 *
 * What the guest says goes to the file, a line at a time where it writes lines. Beyond CONLINE_LOG_MAX
 * the file's older half is dropped, so a guest cannot fill the disk and the newest lines, which tell
 * of a crash, stay.
 *
 * Under the machine's lock, on any thread.
 */
#ifndef VMM_CONLINE_H
#define VMM_CONLINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"

enum {
	CONLINE_BUF = 4096,
	CONLINE_LOG_MAX = 8 << 20,
	CONLINE_LINGER_MS = 20, /* how long a line without an end may wait */
};

struct conline;

/* The guest's end: where what is typed goes. */
struct conline_port {
	/* How much of it was taken; for the rest there will be a conline_hungry() once. */
	size_t (*receive)(struct conline_port *p, const void *data, size_t len);
};

/* The other end: whoever is there besides the file. */
struct conline_ear {
	void (*said)(struct conline *c, const char *data, size_t len);
	void (*hungry)(struct conline *c); /* all that was typed is read */
};

struct conline {
	int out;		   /* borrowed: the console file, in append mode */
	struct conline_ear *ear;   /* borrowed; NULL: nobody */
	struct conline_port *port; /* borrowed; NULL: nobody hears what is typed */
	struct watch linger;	   /* owned fd: a timer, armed while something waits */
	uint64_t written;	   /* to the file since it was last cut */
	unsigned used;
	char buf[CONLINE_BUF];
};

/* 0 or a negative errno. */
int conline_open(struct conline *c, int out, struct loop *l);
void conline_say(struct conline *c, const void *data, size_t len);
void conline_flush(struct conline *c);
void conline_close(struct conline *c);

/* How much the guest took of it. */
size_t conline_type(struct conline *c, const void *data, size_t len);
void conline_hungry(struct conline *c);

#endif
