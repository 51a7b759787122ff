/*
 * notify - what a guest's systemd says of its boot (host port 4094; sd_notify(3), vmm.notify_socket
 * in systemd.system-credentials(7)).
 *
 * One message is one connection, and systemd waits for our close before it goes on: so each is read
 * to its end and closed at once, and none may last. Any process in the guest can say the same:
 * it is the guest's word, no more. Hostile bytes.
 */
#ifndef HOST_NOTIFY_H
#define HOST_NOTIFY_H

#include "base/listener.h"

enum {
	NOTIFY_CONNS = 4,
	NOTIFY_BYTES_MAX = 1024, /* of a message: what is longer is cut */
	NOTIFY_TEXT_MAX = 128,
};

/* What a message says, as far as it concerns us. */
struct notify_words {
	int is_ready;		      /* READY=1: the job queue of the boot is empty */
	char unit[NOTIFY_TEXT_MAX];   /* X_SYSTEMD_UNIT_ACTIVE=: a target that is reached; or "" */
	char status[NOTIFY_TEXT_MAX]; /* STATUS=, or "" */
};

/* Lines of KEY=VALUE; whatever is none of the above is passed over. */
void notify_parse(struct notify_words *w, const void *data, size_t len);

struct notify;

struct notify_conn {
	struct notify *notify; /* borrowed: embeds us */
	struct watch peer;     /* owned fd; -1 while free */
	struct timer late;
	size_t have;
	char text[NOTIFY_BYTES_MAX];
};

struct notify {
	struct loop *loop; /* borrowed; NULL before the start */
	struct listener listener;
	struct notify_conn conns[NOTIFY_CONNS];
	void (*said)(struct notify *n, const struct notify_words *w);
};

#define NOTIFY_NONE ((struct notify){ .listener = LISTENER_INIT })

/* Takes over the listening socket. 0 or a negative errno. */
int notify_start(struct notify *n, struct loop *l, int listen_fd,
		 void (*said)(struct notify *n, const struct notify_words *w));
void notify_stop(struct notify *n);

#endif
