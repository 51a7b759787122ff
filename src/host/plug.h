/*
 * plug - a connection whose other end is our stdin and stdout, as inetd and ssh have it.
 */
#ifndef HOST_PLUG_H
#define HOST_PLUG_H

#include "base/err.h"

/* Until both ways have ended, each for itself; or nobody reads our stdout any more. fd is
 * non-blocking and taken over. 0, 128+n after a signal, or negative with *e filled (-ECONNRESET). */
int plug_run(int fd, struct err *e);

/* Hands the connection to whoever has the other end of our stdout, a unix socket (ssh_config(5),
 * ProxyUseFdpass). fd stays the caller's. 0 or negative with *e filled. */
int plug_pass(int fd, struct err *e);

#endif
