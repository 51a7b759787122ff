/*
 * forwards - what of a VM can be reached on this host: the listeners that its agent keeps open.
 *
 * They are opened with the start and stay for the VM's life, whatever happens to the guest
 * meanwhile. For others:
 *
 *	const struct forward *f = forwards_find(&agent->forwards, "ssh");
 *
 * is the forward that `publish = ssh` asked for (the guest's port 22), or NULL; f->host is where
 * it is listened on, hostaddr_text() makes "127.0.0.1:40022" of it and hostaddr_port() 40022. A
 * connection there leads to the guest and is a stranger's in every respect. Outside of the agent,
 * also while the VM does not run, the same port is portbook_port(&vm, "ssh") (host/portbook.h).
 */
#ifndef HOST_FORWARDS_H
#define HOST_FORWARDS_H

#include "host/autoforward.h"
#include "host/dialler.h"
#include "host/flow.h"
#include "host/forward.h"
#include "host/forwardrule.h"
#include "host/portbook.h"
#include "host/tunnel.h"

enum { FORWARDS_MAX = 512 };

struct forwards;

/* What there is to tell. Each may be called within every function here. */
struct forwards_news {
	/* It listens; or, closed, does not any more. detail: what a person should know, or "". */
	void (*said)(struct forwards *fs, const struct forward *f, const char *detail);
	/* It cannot listen: like says what was wanted, why is a sentence. */
	void (*failed)(struct forwards *fs, const struct forward *like, const char *why);
};

struct forwards {
	struct loop *loop;	/* borrowed */
	const struct vmref *vm; /* borrowed; or NULL */
	struct dialler dialler;
	struct tunnels *tunnels; /* owned; NULL while closed */
	struct flows *flows;	 /* owned; NULL while closed */
	int is_full;		 /* no tunnel has a place: whoever comes waits in the backlog */
	struct forward *first;	 /* owned, in the order they came */
	struct forward *leaving; /* closed, with connections that go on */
	unsigned count;
	uint32_t last_id;
	struct autoforward automatic;
	struct portbook book;
	const struct forwards_news *news; /* borrowed */
};

#define FORWARDS_NONE ((struct forwards){ 0 })

/* vm: where ports are kept; NULL: nowhere. 0 or negative with *e filled. */
int forwards_open(struct forwards *fs, struct loop *l, int sockets_dir, const struct vmref *vm,
		  const struct forwards_news *news, struct err *e);

/* No-op for one that was never open. */
void forwards_close(struct forwards *fs);

/* All that the rule asks for, or nothing of it. 0 or negative with *e filled: a port that is in
 * use is told with its owner. */
int forwards_add(struct forwards *fs, const struct forwardrule *r, struct err *e);

/* which: a name, or the address as shown ("127.0.0.1:8080", "8080", "unix:/PATH"; of udp with
 * "/udp" behind it). What is connected goes on. 0 or -ENOENT with *e filled. */
int forwards_remove(struct forwards *fs, const char *which, struct err *e);

const struct forward *forwards_find(const struct forwards *fs, const char *name);

/* The one that a person means by a name or an address; NULL when there is none. */
const struct forward *forwards_meant(const struct forwards *fs, const char *which);

/* The guest answers, or does not: see dialler.h. */
void forwards_guest_is_up(struct forwards *fs, int up);

/* --- for its parts --- */

/* One more, that has what `like` has, and listens. NULL with *e filled. */
struct forward *forwards_listen(struct forwards *fs, const struct forward *like, struct err *e);

/* One less. */
void forwards_withdraw(struct forwards *fs, struct forward *f, int is_told);

/* A connection has come to it. */
void forwards_take(struct forwards *fs, struct forward *f, int fd);

/* One has ended. f may be gone afterwards. */
void forwards_left(struct forwards *fs, struct forward *f);

#endif
