/*
 * hostaddr - where on this host somebody listens: an IP address and a port, or a unix socket.
 */
#ifndef HOST_HOSTADDR_H
#define HOST_HOSTADDR_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/un.h>

#include "base/err.h"

struct hostaddr {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
	};
};

enum { HOSTADDR_TEXT = 128 };

/* "127.0.0.1" or "::1", with port 0. 0 or -EINVAL. */
int hostaddr_ip(struct hostaddr *a, const char *text);

/* An absolute path that fits a unix socket. 0, -EINVAL, or -ENAMETOOLONG. */
int hostaddr_unix(struct hostaddr *a, const char *path);

/* What bind(2) and connect(2) want to hear. */
socklen_t hostaddr_len(const struct hostaddr *a);

int hostaddr_is_unix(const struct hostaddr *a);

/* 0 of a unix socket. */
uint16_t hostaddr_port(const struct hostaddr *a);
void hostaddr_set_port(struct hostaddr *a, uint16_t port);

/* The same address of the same family, and the same port. */
int hostaddr_same(const struct hostaddr *a, const struct hostaddr *b);

/* "127.0.0.1:8080", "[::1]:8080", "unix:/run/x.sock". Returns out. */
char *hostaddr_text(char out[HOSTADDR_TEXT], const struct hostaddr *a);

/* A non-blocking socket bound there: of streams it listens, of datagrams (never of unix) it may
 * receive. Port 0 becomes the one that was free. A socket file that nobody listens on any more is
 * replaced; what is no socket is left alone. The fd, or negative with *e filled: -EADDRINUSE,
 * -EACCES, -EADDRNOTAVAIL, ... */
int hostaddr_listen(struct hostaddr *a, int is_udp, struct err *e);

#endif
