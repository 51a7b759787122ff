/*
 * mainproc - the guest's main process: what the VM is for, and whose end is the VM's.
 *
 * Its output goes to the console, which may be slow: then it waits, and nobody else does. Its
 * stdin is /dev/null.
 */
#ifndef GUEST_MAINPROC_H
#define GUEST_MAINPROC_H

#include "base/end.h"
#include "base/err.h"
#include "base/fifo.h"
#include "guest/command.h"
#include "guest/reap.h"

enum { MAINPROC_KEEPS = 16 * 1024 };

struct mainproc {
	struct loop *loop; /* borrowed */
	struct child child;
	struct end out, err; /* what it says */
	struct end console;  /* where that goes */
	struct timer drain;  /* it has ended; somebody else may hold its output for ever */
	struct fifo said;    /* on its way */
	struct exec_status status;
	int has_status;
	/* It has ended, and what it said is on the console. Once. */
	void (*ended)(struct mainproc *m, const struct exec_status *s);
	struct command_base base;
	uint8_t mem[MAINPROC_KEEPS];
};

/* vm, boot: of its environment, borrowed for good. 0 or negative with *e filled. */
int mainproc_start(struct mainproc *m, struct loop *l, struct reap *r, struct exec_req *q,
		   const char *vm, const char *boot, struct err *e);

#endif
