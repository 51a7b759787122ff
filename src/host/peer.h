/*
 * peer - the guest's exec server as a session sees it: frames both ways, over a connection that
 * may break and be made again.
 *
 * What is asked on a connection, and what its frames mean, is the owner's business.
 */
#ifndef HOST_PEER_H
#define HOST_PEER_H

#include "base/end.h"
#include "base/fifo.h"
#include "host/redial.h"
#include "host/siphon.h"
#include "proto/frame.h"

enum {
	PEER_IN_BYTES = 4 *
			(FRAME_HEADER + FRAME_CHUNK), /* whole frames: none is moved to be whole */
	PEER_OUT_BYTES = FRAME_HEADER + FRAME_MAX +
			 2 * FRAME_CHUNK, /* a request, and what follows */
};

struct peer {
	struct end end;
	struct inbox in;
	struct siphon siphon; /* goes before what is queued */
	struct fifo out;
	int is_deaf; /* it takes nothing more; what it said before is still to be read */

	/* Set by the owner: where to call again, and for how long in vain; 0: never. */
	const struct target *target; /* borrowed */
	uint32_t port, hold_ms;
	struct redial redial;
	int64_t since_ms; /* of what came after it, nothing was of use; 0: nothing was lost yet */
	int64_t up_ms;	  /* when the server began to answer; 0: it does not */
	uint64_t moved;	  /* as of since_ms */
	int is_missed;	  /* its return was not said yet */

	/* The owner's: a new connection is there, and waits to be asked; or there will be none. */
	void (*connected)(struct peer *p);
	void (*gave_up)(struct peer *p);
	uint8_t in_mem[PEER_IN_BYTES], out_mem[PEER_OUT_BYTES];
};

/* fd, a non-blocking connection, is taken over. ready: of end.w, and to call peer_flush() and peer_read(). */
void peer_open(struct peer *p, int fd, struct loop *l,
	       void (*ready)(struct watch *w, uint32_t events));
void peer_close(struct peer *p);

/* --- a connection --- */

/* Sends a frame, or queues it. Nobody hears it when there is no connection, or a deaf one. */
void peer_post(struct peer *p, uint8_t type, const void *data, size_t len);
void peer_post_u32(struct peer *p, uint8_t type, uint32_t v);

/* Sends a frame of what a pipe holds, as siphon_draw() has it. Only while the peer is clear. */
ssize_t peer_pass(struct peer *p, uint8_t type, int from, size_t most);

/* Nonzero when a frame that is posted now goes out at once. */
int peer_is_clear(const struct peer *p);

/* What to wait for. reads: its frames are wanted now. */
void peer_want(struct peer *p, int reads);

/* Writes what is queued. */
void peer_flush(struct peer *p);

/* Fills the inbox; no further than inbox_fill_frame() does, if so asked. 1, or 0: nothing came; or a
 * negative errno: the connection is broken; -ECONNRESET when it has just ended. */
int peer_read(struct peer *p, int one_frame);

/* --- its loss --- */

/*
 * Instead of a broken connection, another. moved: the bytes of the command's that have gone
 * either way since it began. A connection over which some did, or which stood for a while with
 * nothing half said, was of use; when none was for hold_ms, that is the end of it.
 *
 * 1: this is the first one lost since the last of use; 0: one more; -ETIMEDOUT: that was enough.
 */
int peer_call_again(struct peer *p, uint64_t moved);

/* The server has answered. The ms it was missed, to be said to the person; or -1. */
int64_t peer_is_back(struct peer *p);

#endif
