/*
 * call - the agent's own connection to a server in the guest: CONNECT, OK, then frames.
 *
 * Small frames only; the bytes that come back are the guest's and hostile. Inside the loop, so
 * nothing here waits; host/dial is the same for callers that may.
 */
#ifndef HOST_CALL_H
#define HOST_CALL_H

#include <stdint.h>

#include "base/dial.h"
#include "base/loop.h"
#include "proto/frame.h"

enum { CALL_FRAME_MAX = 512 };

struct call;

/* Each may call call_close(). */
struct call_ops {
	void (*up)(struct call *c); /* the server took the connection */
	void (*frame)(struct call *c, const struct frame *f);
	void (*lost)(struct call *c, const char *why); /* the call is closed already */
};

struct call {
	struct loop *loop;	    /* borrowed */
	const struct call_ops *ops; /* borrowed */
	struct watch conn;	    /* owned fd; -1 while closed */
	struct dial dial;	    /* the same connection, until the server has it */
	int up;
	struct inbox in;
	uint8_t mem[FRAME_HEADER + CALL_FRAME_MAX];
};

#define CALL_NONE ((struct call){ .conn = { .fd = -1 } })

/* Connects through vsock.sock in the folder of sockets. 0 or a negative errno. */
int call_open(struct call *c, struct loop *l, const struct call_ops *ops, int sockets_dir,
	      uint32_t port);

/* For frames so small that a fresh connection always has room. 0 or a negative errno. */
int call_send(struct call *c, uint8_t type, const void *data, size_t len);

void call_close(struct call *c);

#endif
