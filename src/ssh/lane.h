/*
 * lane - one connection to one address of an SSH server, as far as its identification string, or
 * through the key exchange as well.
 *
 * It says its own identification first, as any client does, and having read the server's it ends
 * its half and waits for the server to end the other: so a server sees a client that changed its
 * mind, and neither a broken exchange nor a reset.
 */
#ifndef SSH_LANE_H
#define SSH_LANE_H

#include "base/dial.h"
#include "base/end.h"
#include "ssh/banner.h"
#include "ssh/endpoint.h"
#include "ssh/kex.h"

#define LANE_IDENTIFICATION "SSH-2.0-vmtool_probe"

/* contracts.md has their names and exit codes. */
enum probe_class {
	PROBE_NONE, /* not yet known */
	PROBE_OK,
	PROBE_REFUSED,
	PROBE_CLOSED,
	PROBE_RESET,
	PROBE_EPIPE,
	PROBE_NOT_SSH,
	PROBE_UNSUPPORTED_VERSION,
	PROBE_TIMEOUT,
};

enum lane_state {
	LANE_IDLE,
	LANE_CONNECTING,
	LANE_ASKING, /* the CONNECT dialect's answer has not come */
	LANE_READING,
	LANE_EXCHANGING,
	LANE_LEAVING, /* all is known; the server has not ended its half */
};

struct lane {
	struct loop *loop;	       /* borrowed */
	const struct endpoint *where;  /* borrowed */
	const struct address *at;      /* borrowed; NULL: of a path */
	unsigned number;	       /* the owner's, to find itself by */
	unsigned connect_ms, read_ms;  /* time for each */
	struct kex *kex;	       /* borrowed; NULL: the identification is enough */
	unsigned wanted;	       /* of that, as kex_begin() takes it */
	/* The verdict is there, once, perhaps from lane_start(); of PROBE_OK the kex has its own. */
	void (*ended)(struct lane *l);
	void (*left)(struct lane *l); /* the connection it had is gone, too; once, behind ended() */
	/* From here on the lane's own. */
	enum lane_state state;
	enum probe_class verdict;
	char why[256]; /* of all but PROBE_OK: a clause without a stop */
	struct banner banner;
	struct end end;
	struct timer timer;
	struct dial dial; /* borrows the end's fd */
	int broke;	  /* what writing our identification said: 0 or a negative errno */
};

/* The fields above are set. Before the first start everything is zero, or LANE_NONE. */
void lane_start(struct lane *l);

/* Its verdict is no longer wanted: closes politely what can be. Neither callback is called. */
void lane_stop(struct lane *l);

#define LANE_NONE ((struct lane){ .end.w.fd = -1, .dial.fd = -1 })

#endif
