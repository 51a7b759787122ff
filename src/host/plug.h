/*
 * plug - a connection whose other end is our stdin and stdout, as inetd and ssh have it; and, where
 * it leads to a serial line, our terminal.
 */
#ifndef HOST_PLUG_H
#define HOST_PLUG_H

#include "base/err.h"
#include "base/relay.h"
#include "host/detachkeys.h"
#include "host/stdio.h"

enum { PLUG_CHUNK = 64 * 1024 };

struct plug_port {
	struct relay_port port;
	struct stdio io;
};

/* In a loop that does other things as well. */
struct plug {
	struct relay relay;
	struct relay_port conn;
	struct plug_port in, out;
	/* Of a serial line: borrowed, and stdout stays open when the line has ended. NULL: of anything else. */
	struct detachkeys *keys;
	int is_deaf; /* our stdin is not asked for anything */
	struct timer left;
	/* Once: 0, both ways have ended, or nobody reads our stdout any more; PLUG_LEFT; or -errno. */
	void (*over)(struct plug *p, int why);
	uint8_t chunk[PLUG_CHUNK], to_conn[PLUG_CHUNK], to_out[PLUG_CHUNK];
};

enum { PLUG_LEFT = 1 }; /* the keys were typed */

/* p: zeroed memory with `keys` and over() set, or stopped. fd is non-blocking and taken over. over() may be
 * called at once. 0 or a negative errno. */
int plug_start(struct plug *p, struct loop *l, int fd);

/* over() is not called. No-op for one that never started. */
void plug_stop(struct plug *p);

/* Nonzero when it was over because nobody reads our stdout any more. */
static inline int plug_is_unread(const struct plug *p)
{
	return p->out.port.is_gone;
}

/* Until both ways have ended, each for itself; or nobody reads our stdout any more. fd is
 * non-blocking and taken over. 0, 128+n after a signal, or negative with *e filled (-ECONNRESET). */
int plug_run(int fd, struct err *e);

/* Hands the connection to whoever has the other end of our stdout, a unix socket (ssh_config(5),
 * ProxyUseFdpass). fd stays the caller's. 0 or negative with *e filled. */
int plug_pass(int fd, struct err *e);

#endif
