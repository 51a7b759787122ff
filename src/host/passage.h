/*
 * passage - a long frame of output on its way from the connection to our stdout, past our memory.
 *
 * A command that says much says it in frames of FRAME_CHUNK bytes. Once one of those came, only
 * headers are read, and where stdout is a pipe the payload's pages are moved there by splice(2):
 * a copy in and a copy out less, of the seven that a byte sees on its way.
 */
#ifndef HOST_PASSAGE_H
#define HOST_PASSAGE_H

#include "host/outlet.h"
#include "proto/frame.h"

struct passage {
	int is_expected;   /* the next frame may be a long one: no byte beyond its header is read */
	struct outlet *to; /* borrowed; NULL: what is left is not wanted any more */
	uint32_t left;	   /* bytes of the frame that has begun; 0: none has */
};

/* A whole frame for o has come through the inbox: whether the next is worth waiting for. */
void passage_expect(struct passage *p, const struct outlet *o, uint32_t len);

/* The frame that has begun in the inbox is for o. Nonzero: it goes this way, and what of it is in the
 * inbox has been given to o, as outlet_put() has it in *rc. */
int passage_begin(struct passage *p, struct inbox *in, struct outlet *o, int *rc);

/* 1: the frame is through; 0: later; -EPIPE: o's reader has just gone, once; -ECONNRESET: the
 * connection has ended; or another negative errno. */
int passage_go(struct passage *p, int fd);

#endif
