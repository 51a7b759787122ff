/*
 * mainproc - the guest's main process: what the VM is for, and whose end is the VM's.
 *
 * It is a detached session of the exec server's, by the id MAIN_ID, so that the host can attach to
 * it. Its first viewer is us: until somebody attaches, what it says goes to the console. Where that
 * is slower, EXEC_KEPT bytes wait for it, as for any viewer. Its stdin is /dev/null.
 */
#ifndef GUEST_MAINPROC_H
#define GUEST_MAINPROC_H

#include "base/end.h"
#include "base/err.h"
#include "base/fifo.h"
#include "guest/session.h"
#include "proto/frame.h"

#define MAIN_ID "main"

struct mainproc {
	struct loop *loop; /* borrowed */
	struct viewer viewer;
	struct end console;
	struct fifo said;   /* on its way to it */
	struct timer leave; /* a viewer may not leave while the session talks to it */
	int heard_all;
	uint8_t mem[FRAME_CHUNK];
};

/* Starts q, which becomes a request for a detached main session; what follows is told by the
 * sessions' main_ended. 0 or negative with *e filled. */
int mainproc_start(struct mainproc *m, struct loop *l, struct sessions *all, struct exec_req *q,
		   struct err *e);

#endif
