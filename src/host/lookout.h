/*
 * lookout - the host's end of what the guest says of itself (proto/ready.h).
 *
 * Any process in the guest can connect here; only the one connection that knows the boot id is
 * the beacon. Hostile bytes: texts are cleaned, and what one boot may say is limited.
 */
#ifndef HOST_LOOKOUT_H
#define HOST_LOOKOUT_H

#include "base/listener.h"
#include "proto/exec.h"
#include "proto/frame.h"
#include "proto/ready.h"

enum {
	LOOKOUT_CONNS = 4,
	LOOKOUT_STAGES_MAX = 200, /* of one boot; later ones are not recorded */
	LOOKOUT_HELLOS_MAX = 50,  /* of one boot: a guest that comes and goes fills no log */
	LOOKOUT_HELLO_MS = 5000,  /* a connection has this long to be the beacon, or goes */
};

struct lookout;

struct lookout_conn {
	struct lookout *lookout; /* borrowed: embeds us */
	struct watch peer;	 /* owned fd; -1 while free */
	struct timer mute;	 /* until it must have said hello */
	struct inbox in;
	uint8_t mem[FRAME_HEADER + BEACON_FRAME_MAX];
};

struct lookout_news {
	uint8_t type; /* FRAME_HELLO, _STAGE, _READY, _MAIN_EXIT; 0: the beacon is lost */
	struct beacon_stage stage; /* of FRAME_STAGE, its texts clean */
	struct exec_status status; /* of FRAME_MAIN_EXIT */
};

struct lookout {
	struct loop *loop; /* borrowed */
	const char *boot;  /* borrowed */
	struct listener listener;
	struct lookout_conn conns[LOOKOUT_CONNS];
	struct lookout_conn *speaker; /* the one that knew the boot id: until it goes, no other */
	unsigned stages, hellos;
	unsigned hello_ms; /* LOOKOUT_HELLO_MS; a test has less patience */
	/* Nonzero: what it said could not be kept. */
	int (*said)(struct lookout *o, const struct lookout_news *news);
};

#define LOOKOUT_NONE ((struct lookout){ .listener = LISTENER_INIT })

/* Takes over the listening socket. 0 or a negative errno. */
int lookout_start(struct lookout *o, struct loop *l, int listen_fd, const char *boot,
		  int (*said)(struct lookout *o, const struct lookout_news *news));
void lookout_stop(struct lookout *o);

#endif
