/*
 * dial - a connection to a port of a running VM, through its vsock.sock; for those who may wait.
 */
#ifndef HOST_DIAL_H
#define HOST_DIAL_H

#include "base/dial.h"
#include "base/err.h"

/*
 * Waits at most until deadline_ms (clock_ms()). A non-blocking fd, the caller's; or negative with
 * *e filled: -ENOENT or -ECONNREFUSED: no VM behind the socket; -ECONNRESET: nobody listens on
 * that port in the guest (yet); -EPROTO: it is no vsock.sock; -ETIMEDOUT.
 */
int dial_vsock(const char *path, uint32_t port, int64_t deadline_ms, struct err *e);

#endif
