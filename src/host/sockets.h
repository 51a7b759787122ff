/*
 * sockets - the folder a running VM's unix sockets live in.
 *
 * A unix socket's path has at most 107 bytes, a folder's name may be longer: so all binding and
 * connecting goes through /proc/self/fd/N of the folder.
 */
#ifndef HOST_SOCKETS_H
#define HOST_SOCKETS_H

#include "host/home.h"

enum { SOCKET_PATH_ROOM = 64 };

struct sockets {
	char path[PATH_ROOM]; /* of the folder; "" while there is none */
	int dir;	      /* owned */
	int lock; /* owned: two state homes may share one runtime folder; -1 while the vmm has it */
};

#define SOCKETS_NONE ((struct sockets){ .dir = -1, .lock = -1 })

/* Makes the folder and makes it ours; sockets that a dead owner left there are removed. 0 or
 * negative with *e filled. */
int sockets_open(struct sockets *s, const struct home *h, const char *name, struct err *e);

/* The same folder for another agent, while a vmm still serves in it: its socket stays. 0 or
 * negative with *e filled. */
int sockets_rejoin(struct sockets *s, const char *path, struct err *e);

/* Of a folder that was rejoined, and whose vmm has ended: the lock is ours again. 0 or negative with
 * *e filled. */
int sockets_relock(struct sockets *s, struct err *e);

/* Listens on the socket of this name. The fd, owned by the caller, or negative with *e filled. */
int sockets_listen(const struct sockets *s, const char *name, struct err *e);

/* The same with a socket of messages (SOCK_SEQPACKET). */
int sockets_listen_messages(const struct sockets *s, const char *name, struct err *e);

/* Removes the sockets and the folder, and lets go of it. */
void sockets_remove(struct sockets *s);

/* Removes what a dead owner left behind; nothing when there is a live one. */
void sockets_clear(const char *path);

/* The path to hand to bind or connect: "/proc/self/fd/DIRFD/NAME". Returns out. */
char *sockets_path(char out[SOCKET_PATH_ROOM], int dirfd, const char *name);

#endif
