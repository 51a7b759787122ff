/*
 * errand - a command in the guest that the agent itself runs, from its loop: how it ended, and the
 * last line it said. Root's, without a terminal; it dies with its connection.
 *
 * What comes back is the guest's and hostile: lengths are bounded, texts cleaned. Memory is taken
 * while it is under way only.
 */
#ifndef HOST_ERRAND_H
#define HOST_ERRAND_H

#include "base/dial.h"
#include "base/fifo.h"
#include "base/loop.h"
#include "host/conditions.h"
#include "proto/exec.h"
#include "proto/frame.h"

enum { ERRAND_INPUT_MAX = EXEC_WINDOW }; /* what a server takes without being asked for more */

struct errand_ask {
	const char *const *argv; /* NULL-terminated */
	const char *input;	 /* its stdin; NULL: /dev/null */
	size_t input_len;
	unsigned timeout_ms; /* for all of it; 0: none */
};

enum errand_end {
	ERRAND_EXITED,	/* code: contracts.md's: the command's own, or 128+n */
	ERRAND_REFUSED, /* code: 126, 127 or 125, as the guest said */
	ERRAND_LOST,	/* no connection, or it broke; code 125 */
	ERRAND_LATE,	/* its time was over; code 124 */
};

struct errand_work;

struct errand {
	struct loop *loop; /* borrowed; NULL before the first */
	struct dial dial;  /* owns the connection until it is up */
	struct watch conn; /* owned fd; -1 while there is none */
	struct timer late;
	struct errand_work *work; /* owned; NULL while none is under way */
	int is_up;
	/* How it ended. */
	enum errand_end end;
	int code;
	char said[CONDITION_TEXT_MAX]; /* the last line of its output, or why it came to none */
	void (*over)(struct errand *r);
	/* Everything it says, as it comes; NULL: nobody wants it. */
	void (*heard)(struct errand *r, const char *text, size_t len);
};

#define ERRAND_NONE ((struct errand){ .dial = DIAL_NONE, .conn = { .fd = -1 } })

/* `over` and `heard` are set. Calls over() once, from the loop. 0; or -ENOMEM, -E2BIG, over() then
 * not being called. */
int errand_start(struct errand *r, struct loop *l, int sockets_dir, const struct errand_ask *ask);

/* Ends one under way without a word; and the command with it. */
void errand_stop(struct errand *r);

#endif
