/*
 * files - file copies, and what else is asked about files, each in a child process: the agent's part
 * is the hand-over.
 */
#ifndef GUEST_FILES_H
#define GUEST_FILES_H

#include "guest/reap.h"
#include "proto/frame.h"
#include "proto/refusal.h"

enum { FILES_MAX = 16 }; /* of these at once */

struct files {
	struct reap *reap; /* borrowed */
	struct child children[FILES_MAX];
};

void files_init(struct files *f, struct reap *r);

/* A FRAME_COPY_PUT or _GET, or FRAME_FS, came on this connection. 0: a child has it now, as a descriptor of its
 * own, and the caller closes his; -EPROTO; -EREMOTEIO with *no filled: it is to be refused. */
int files_take(struct files *f, int conn, const struct frame *request, struct refusal *no);

#endif
