/*
 * vsock - sockets between the guest and its host.
 */
#ifndef GUEST_VSOCK_H
#define GUEST_VSOCK_H

#include <stdint.h>

/* A non-blocking listening socket, or a negative errno (-EAFNOSUPPORT: no vsock here). */
int vsock_listen(uint32_t port);

/* A non-blocking socket that connects to the host, becoming writable when done; or a negative
 * errno. */
int vsock_connect(uint32_t port);

/* Nonzero for a connection from the host: the only one that may be served. */
int vsock_peer_is_host(int fd);

#endif
