/*
 * handover - process 1 becomes the image's own init, and vmtool lives on as its first child.
 *
 * It is split in two before anything is served: the child serves, waits for its processes and
 * prepares the guest; process 1 only waits for the word. So nothing changes hands when the image's
 * init takes over: no connection, no command and no status is the other's.
 */
#ifndef GUEST_HANDOVER_H
#define GUEST_HANDOVER_H

#include "base/loop.h"

struct handover {
	struct loop *loop; /* borrowed */
	struct watch word; /* owned: a socket to process 1; fd -1: process 1 is us */
	/* After handover_give(): the image's init runs (0), or could not be started, and process 1
	 * waits on (the negative errno). Once. */
	void (*over)(struct handover *h, int rc);
};

#define HANDOVER_NONE ((struct handover){ .word.fd = -1 })

/*
 * Before any other thread, loop or child. argv is what process 1 is to become.
 *
 * In the child: 0, and a word can be given. In process 1: does not return while the child lives;
 * -ECHILD when it died before its time, and process 1 has all to do itself. Else a negative errno
 * of making the child.
 */
int handover_split(struct handover *h, const char *const argv[]);

/* Process 1 takes our root for its own and becomes the init. 0: h->over will be called; or a
 * negative errno. */
int handover_give(struct handover *h, struct loop *l);

#endif
