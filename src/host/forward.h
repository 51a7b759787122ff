/*
 * forward - one address of this host, and the destination in the guest that answers there.
 *
 * It knows what it leads to, never how: host/dialler finds the way for every connection.
 */
#ifndef HOST_FORWARD_H
#define HOST_FORWARD_H

#include <jansson.h>
#include <sys/stat.h>

#include "base/end.h"
#include "base/listener.h"
#include "host/destination.h"
#include "host/forwardrule.h"
#include "host/hostaddr.h"

struct forwards;

enum forward_state {
	FORWARD_LISTENING, /* listen(2) has succeeded; of udp, bind(2) */
	FORWARD_CLOSED,	   /* nobody comes in any more; what is connected goes on */
};

struct forward {
	struct forwards *all; /* borrowed */
	struct forward *next;
	uint32_t id;		 /* counts up within a VM's agent */
	char name[VM_NAME_ROOM]; /* or "" */
	int is_udp, is_auto;
	struct hostaddr host; /* its port is the one that listens */
	struct destination to;
	enum forward_state state;
	struct listener listener; /* of streams */
	struct end datagrams;	  /* of udp; owned fd */
	struct stat file;	  /* of a unix socket: it is removed while it is still ours */
	/* What came. */
	unsigned open;
	uint64_t taken;	      /* connections; of udp, flows */
	uint64_t refused;     /* the guest said no */
	uint64_t unreachable; /* the guest was not there in time */
	uint64_t dropped;     /* datagrams that nobody had room for */
	char last_error[200]; /* of a connection that failed; or "" */
};

/* Begins to listen. What it leads to, its name and address are set. 0 or negative with *e filled,
 * as hostaddr_listen(). */
int forward_open(struct forward *f, struct err *e);

/* Nobody comes in any more. Streams go on, flows of udp end. */
void forward_close(struct forward *f);

/* --- for those who carry what came --- */

/* It could not be connected. */
void forward_missed(struct forward *f, int is_refused, const struct err *why);

/* It has come to its end. f may be gone afterwards. */
void forward_left(struct forward *f);

/* --- for those who show it --- */

/* "tcp", "udp", "unix". */
const char *forward_proto(const struct forward *f);

/* An object of contracts.md, "Forwards". NULL when out of memory. */
json_t *forward_json(const struct forward *f);

#endif
