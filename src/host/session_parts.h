/*
 * session_parts - struct session, for the files it is made of.
 *
 *   session   its life: asked for, run, left, lost and found again
 *   reply     what the guest says to it
 */
#ifndef HOST_SESSION_PARTS_H
#define HOST_SESSION_PARTS_H

#include "base/loop.h"
#include "host/passage.h"
#include "host/peer.h"
#include "host/seat.h"
#include "host/session.h"

enum { SESSION_FAILED = 125 };

enum session_state {
	ASKING,	 /* the request is out; no input is sent before FRAME_STARTED says how much */
	RUNNING, /* started or attached to */
	AWAY,	 /* the connection is lost and tried again */
	LEAVING, /* FRAME_DETACH is out; the guest closes, or the timer ends the waiting for it */
};

struct session {
	const struct session_how *how; /* borrowed */
	struct session_end *end;       /* borrowed */
	struct err *e;		       /* borrowed */
	struct loop loop;
	enum session_state state;
	int code; /* of leaving */
	struct peer peer;
	struct passage passage;
	int passed; /* frames that came through it in this turn of the loop */
	struct seat seat;
	int says_seen;
	uint64_t said_seen; /* of both outlets, when it was last said */
	struct timer leave, limit;
	int limit_step;
	int64_t interrupted_ms; /* when the last SIGINT came; 0: none did */
};

/* --- session --- */

/* The loop ends with rc: an exit code, or negative with *s->e filled. */
void session_finish(struct session *s, int rc);

/* The command runs on without us, whose exit code that is. */
void session_abandon(struct session *s, int code);

/* What is waited for now; after every event. */
void session_settle(struct session *s);

/* The connection is of no use any more, for that reason. */
void session_broken(struct session *s, int rc);

const char *session_where(const struct session *s);
void session_lend_tty(struct session *s);
int session_out_of_time(struct session *s, const char *what);

/* --- reply --- */

void session_peer_ready(struct watch *w, uint32_t events);
void session_outlet_ready(struct watch *w, uint32_t events);

#endif
