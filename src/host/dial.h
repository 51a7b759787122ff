/*
 * dial - a connection to a port of a running VM, through its vsock.sock.
 *
 * The socket speaks the Firecracker dialect: "CONNECT port\n", answered by "OK n\n"; what
 * follows is the guest's, so not one byte of that is read here.
 */
#ifndef HOST_DIAL_H
#define HOST_DIAL_H

#include <stdint.h>

#include "base/err.h"

/*
 * Waits at most until deadline_ms (clock_ms()). A non-blocking fd, the caller's; or negative with
 * *e filled: -ENOENT or -ECONNREFUSED: no VM behind the socket; -ECONNRESET: nobody listens on
 * that port in the guest (yet); -EPROTO: it is no vsock.sock; -ETIMEDOUT.
 */
int dial_vsock(const char *path, uint32_t port, int64_t deadline_ms, struct err *e);

#endif
