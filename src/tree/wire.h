/*
 * wire - a tree on a connection: the sink at one end, the source at the other.
 *
 * While the sink waits for room it reads what comes back (problems, the other side's last word),
 * so neither can block the other for good.
 */
#ifndef TREE_WIRE_H
#define TREE_WIRE_H

#include "tree/report.h"
#include "tree/sink.h"

enum { WIRE_ROOM = 1024 * 1024 };

struct wire {
	struct sink sink;
	int fd;		       /* borrowed; a socket, blocking or not */
	struct report *report; /* borrowed: gets the other side's problems */
	struct inbox in;
	uint8_t *out; /* owned: what is not sent yet */
	size_t out_len;
	uint8_t *in_mem; /* owned */
	int done;	 /* the other side has confirmed */
};

/* 0 or -ENOMEM. */
int wire_open(struct wire *w, int fd, struct report *r);
void wire_close(struct wire *w);

/* The first answer: FRAME_COPY_GO, within the time. 0 or negative with *e filled. */
int wire_await_go(struct wire *w, int timeout_ms, struct err *e);

/* As the sink: that was all; waits until the other side says that it is there. 0 or negative with
 * *e filled. */
int wire_finish(struct wire *w, struct err *e);

/* As the source: every step into the sink, up to the END. 0 or negative with *e filled. */
int wire_receive(struct wire *w, struct sink *to, struct err *e);

/* A frame of our own, gathered with others as the steps are; wire_say() is what sends them. 0 or
 * negative with *e filled. */
int wire_put(struct wire *w, uint8_t type, const void *data, size_t len, struct err *e);

/* A frame of our own between steps, also against the stream. 0 or negative with *e filled. */
int wire_say(struct wire *w, uint8_t type, const void *data, size_t len, struct err *e);

#endif
