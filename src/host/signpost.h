/*
 * signpost - where scripts learn that a VM is ready without asking again and again.
 *
 * A file `ready` in the VM's folder, there exactly while it is ready. And a socket, ready.sock:
 * whoever connects gets the line "ready" as soon as it is so, and the end of the stream when it is
 * not so any more; also when the agent dies, which leaves the file behind until the next command.
 */
#ifndef HOST_SIGNPOST_H
#define HOST_SIGNPOST_H

#include "base/listener.h"

enum { SIGNPOST_CONNS = 32 };

struct signpost;

struct signpost_conn {
	struct signpost *post; /* borrowed: embeds us */
	struct watch peer;     /* owned fd; -1 while free */
};

struct signpost {
	struct loop *loop; /* borrowed */
	int vm_dir;	   /* borrowed */
	const char *boot;  /* borrowed: the file says which boot it is */
	int is_ready;
	struct listener listener;
	struct signpost_conn conns[SIGNPOST_CONNS];
};

#define SIGNPOST_NONE ((struct signpost){ .vm_dir = -1, .listener = LISTENER_INIT })

/* Takes over the listening socket. What an earlier agent left is removed. 0 or a negative errno. */
int signpost_start(struct signpost *s, struct loop *l, int listen_fd, int vm_dir, const char *boot);

void signpost_turn(struct signpost *s, int is_ready);
void signpost_stop(struct signpost *s);

/* The file that an agent left when it was killed. */
void signpost_clear(int vm_dir);

#endif
