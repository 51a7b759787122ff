/*
 * eventstream - events.jsonl to a client's socket, as fast as it reads: the file is the queue.
 */
#ifndef HOST_EVENTSTREAM_H
#define HOST_EVENTSTREAM_H

#include "host/history.h"

struct eventstream {
	const struct vmref *vm; /* borrowed */
	struct history history;
	uint64_t since;	  /* the first number that is wanted */
	int follow;	  /* and on, as they come */
	const char *rest; /* of the line at hand, in history's memory */
	size_t left;
};

/* The caller's to close; NULL with *e filled. */
struct eventstream *eventstream_open(const struct vmref *v, uint64_t since, int follow,
				     struct err *e);
void eventstream_close(struct eventstream *s);

/* One step: 1: there may be more at once; 0: there is nothing more, for now; -EAGAIN: the socket is
 * full; or another negative errno. */
int eventstream_step(struct eventstream *s, int fd);

#endif
