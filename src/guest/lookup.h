/*
 * lookup - the addresses behind a name.
 *
 * Numbers and localhost need no lookup. For the rest a child process asks /etc/hosts and the
 * name servers of resolv.conf: getaddrinfo(3) blocks, and process 1 may not.
 */
#ifndef GUEST_LOOKUP_H
#define GUEST_LOOKUP_H

#include <netinet/in.h>
#include <sys/un.h>

#include "base/end.h"
#include "guest/reap.h"

enum { ADDRS_MAX = 8 };

union addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

/* In the order in which they are to be tried. */
struct addrs {
	unsigned count;
	union addr at[ADDRS_MAX];
};

socklen_t addr_len(const union addr *a);

enum { ADDR_TEXT = 128 };

/* "127.0.0.1:22", "[::1]:22", a path. Returns out. */
char *addr_text(char out[ADDR_TEXT], const union addr *a);

/* 1 with *a filled when no lookup is needed; 0. */
int lookup_known(struct addrs *a, const char *name, uint16_t port);

/* One lookup; embed it. */
struct lookup {
	struct reap *reap; /* borrowed */
	struct child child;
	struct end answer; /* owned; -1 while none runs */
	uint16_t port;
	/* a->count is 0 when there is no such name, or nobody to ask. */
	void (*done)(struct lookup *l, const struct addrs *a);
};

void lookup_init(struct lookup *l, struct loop *loop, struct reap *r,
		 void (*done)(struct lookup *l, const struct addrs *a));

/* 0, done() being called later; or a negative errno. */
int lookup_start(struct lookup *l, const char *name, uint16_t port);

/* done() is not called. No-op while none runs. */
void lookup_cancel(struct lookup *l);

#endif
