/*
 * fileconn - the connection of a process that does something to files, on a user's behalf.
 *
 * Files block and PID 1 must not: the agent hands the connection and the request to a child,
 * which becomes the user, and ends with the connection.
 */
#ifndef GUEST_FILECONN_H
#define GUEST_FILECONN_H

#include "tree/wire.h"

enum { FILECONN_FD = 3 }; /* the connection, in that child */

/* This process becomes the user, in his home, and the host hears that it has the connection. 0; or
 * negative with *e filled. */
int fileconn_open(struct wire *w, struct report *r, const char *user, struct err *e);

/* Nonzero while somebody is there to be told. */
int fileconn_is_wanted(void);

/* Tells the host what ended it, if something did. */
void fileconn_refuse(struct wire *w, const struct err *e);

/* Lets the host read to the end: closing with bytes unread would reset. e->code. */
int fileconn_close(struct wire *w, const struct err *e);

#endif
