/*
 * reach - a connection to a tcp or unix address, made from the loop: as the host sees it, or as the
 * guest does (through its stream server). Used by those who only want to know who answers.
 */
#ifndef HOST_REACH_H
#define HOST_REACH_H

#include "base/dial.h"
#include "base/loop.h"
#include "host/conditions.h"
#include "host/stream.h"

struct place {
	int from_guest;
	uint8_t kind;	     /* STREAM_TCP or STREAM_UNIX */
	const char *address; /* a number as text; a name only where the guest looks it up; a path */
	uint16_t port;
};

struct reach {
	struct loop *loop; /* borrowed; NULL before the first */
	struct dial dial;  /* owns the connection to the guest until its server has answered */
	struct watch conn; /* owned fd; -1 while closed */
	const struct place *place; /* borrowed */
	int step;
	struct stream_answer answer;
	unsigned timeout_ms;
	/* Connected, and quiet until `ready` of conn, which is then the owner's to set. */
	void (*up)(struct reach *r);
	void (*failed)(struct reach *r, const char *why); /* closed already */
};

#define REACH_NONE ((struct reach){ .dial = DIAL_NONE, .conn = { .fd = -1 } })

/* Nonzero when the host could connect there without asking anybody for a name. */
int place_is_numeric(const struct place *p);

/* `up` and `failed` are set. One of them follows, perhaps at once; the time is the caller's to
 * limit, timeout_ms only what the guest is told. */
void reach_start(struct reach *r, struct loop *l, int sockets_dir, const struct place *p,
		 unsigned timeout_ms);

/* No-op when closed. */
void reach_stop(struct reach *r);

#endif
