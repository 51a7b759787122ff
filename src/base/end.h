/*
 * end - one end of a pipe or connection, in the loop only while something is wanted of it.
 *
 * epoll reports a hang-up for as long as a descriptor is registered, wanted or not; an end of
 * which nothing is wanted is therefore taken out.
 */
#ifndef BASE_END_H
#define BASE_END_H

#include "base/loop.h"

struct end {
	struct watch w;	   /* owned fd; -1 while closed */
	struct loop *loop; /* borrowed */
	uint32_t wanted;
};

#define END_INIT(loop_, ready_) ((struct end){ { -1, ready_ }, loop_, 0 })

/* Takes over a non-blocking fd; nothing is wanted of it yet. */
void end_open(struct end *e, int fd);
void end_close(struct end *e);

/* EPOLLIN, EPOLLOUT, both, or 0. No-op while closed. 0, or a negative errno: -EPERM for a file,
 * which is always ready; -ENOMEM. */
int end_want(struct end *e, uint32_t events);

#endif
