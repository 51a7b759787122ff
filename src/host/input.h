/*
 * input - our stdin on its way to the command.
 *
 * Bytes are read only when they may be sent, and kept until the guest says that it has them
 * (it opens the window by what it has taken): should the connection break, what was lost with it
 * is sent again. So at most a window of them is kept.
 *
 * Of a connection that is never made again nothing need be kept; and what comes fast out of a pipe then
 * flows: it goes into the connection as it lies (host/siphon).
 */
#ifndef HOST_INPUT_H
#define HOST_INPUT_H

#include "base/end.h"
#include "base/fifo.h"
#include "host/detachkeys.h"
#include "host/stdio.h"
#include "proto/exec.h"

enum { INPUT_AHEAD = 4096 }; /* typed before it may be sent: detach keys work in a stuck session */

struct input {
	struct end end;
	struct stdio io;
	struct detachkeys *keys; /* borrowed; NULL: nobody types here */
	int is_kept;	/* set by the owner: the connection may be made again */
	int is_flowing; /* the last piece was a long one */
	int has_begun;
	int has_ended; /* no more will be read */
	int end_is_sent;
	uint32_t window; /* as many more bytes may be sent */
	uint64_t at;	 /* the offset of the oldest byte kept */
	uint64_t taken;	 /* the guest has taken all bytes before this offset */
	size_t sent;	 /* of those kept */
	struct fifo kept;
	uint8_t mem[EXEC_WINDOW + INPUT_AHEAD];
};

/* ready: when there is something to read. 0 or a negative errno. */
int input_open(struct input *in, struct loop *l, void (*ready)(struct watch *w, uint32_t events));
void input_close(struct input *in);

/* One read(2) of what may be read now. Nonzero when there may be more. */
int input_read(struct input *in);

/* What is to be sent next, as one span, which the window allows; NULL: nothing now. *len 0: the
 * end of input, to be said once. */
const uint8_t *input_next(const struct input *in, size_t *len);

/* Nonzero when what is to be sent next is better taken from io.fd as it lies; at most so much. */
size_t input_flow(const struct input *in);

/* Then: what came of it, as siphon_draw() has it. Nonzero when there may be more. */
int input_flowed(struct input *in, ssize_t n);

/* What input_next() said was sent. */
void input_sent(struct input *in, size_t len);

/* The guest has so many bytes of stdin and takes so many more. Everything beyond is to be sent,
 * once more where it was before. 0, or -EPROTO: that cannot be. */
int input_begin(struct input *in, uint64_t have, uint32_t window);

/* The connection has gone: nothing is to be sent until the next input_begin(). */
void input_pause(struct input *in);

/* The guest has taken so many more. 0 or -EPROTO. */
int input_taken(struct input *in, uint32_t more);

/* Nonzero when something may be read now. */
int input_wants(const struct input *in);

#endif
