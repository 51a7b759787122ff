/*
 * hostaddr - where on this host somebody listens: an IP address and a port, or a unix socket.
 */
#include "host/hostaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

enum { BACKLOG = 128 };

int hostaddr_ip(struct hostaddr *a, const char *text)
{
	*a = (struct hostaddr){ 0 };
	if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1)
		a->any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) == 1)
		a->any.sa_family = AF_INET6;
	else
		return -EINVAL;
	return 0;
}

int hostaddr_unix(struct hostaddr *a, const char *path)
{
	*a = (struct hostaddr){ .un.sun_family = AF_UNIX };
	if (path[0] != '/')
		return -EINVAL;
	if (strlen(path) >= sizeof(a->un.sun_path))
		return -ENAMETOOLONG;
	memcpy(a->un.sun_path, path, strlen(path));
	return 0;
}

socklen_t hostaddr_len(const struct hostaddr *a)
{
	switch (a->any.sa_family) {
	case AF_INET:
		return sizeof(a->v4);
	case AF_INET6:
		return sizeof(a->v6);
	}
	return sizeof(a->un);
}

int hostaddr_is_unix(const struct hostaddr *a)
{
	return a->any.sa_family == AF_UNIX;
}

uint16_t hostaddr_port(const struct hostaddr *a)
{
	if (hostaddr_is_unix(a))
		return 0;
	return ntohs(a->any.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

void hostaddr_set_port(struct hostaddr *a, uint16_t port)
{
	if (a->any.sa_family == AF_INET)
		a->v4.sin_port = htons(port);
	else if (a->any.sa_family == AF_INET6)
		a->v6.sin6_port = htons(port);
}

int hostaddr_same(const struct hostaddr *a, const struct hostaddr *b)
{
	if (a->any.sa_family != b->any.sa_family || hostaddr_port(a) != hostaddr_port(b))
		return 0;
	switch (a->any.sa_family) {
	case AF_INET:
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	case AF_INET6:
		return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
	}
	return strcmp(a->un.sun_path, b->un.sun_path) == 0;
}

char *hostaddr_text(char out[HOSTADDR_TEXT], const struct hostaddr *a)
{
	char ip[INET6_ADDRSTRLEN] = "?";

	switch (a->any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &a->v4.sin_addr, ip, sizeof(ip));
		snprintf(out, HOSTADDR_TEXT, "%s:%u", ip, hostaddr_port(a));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &a->v6.sin6_addr, ip, sizeof(ip));
		snprintf(out, HOSTADDR_TEXT, "[%s]:%u", ip, hostaddr_port(a));
		break;
	default:
		snprintf(out, HOSTADDR_TEXT, "unix:%s", a->un.sun_path);
	}
	return out;
}

/* --- listening --- */

/* Whoever listened there has died without removing it. */
static int is_left_behind(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return 0;
	fd = unix_connect(path, 1);
	if (fd == -ECONNREFUSED)
		return 1;
	fd_close(&fd);
	return 0;
}

static int listen_unix(const char *path, struct err *e)
{
	if (is_left_behind(path))
		unlink(path);
	return unix_listen(path, BACKLOG, e);
}

static int explain(const struct hostaddr *a, struct err *e)
{
	char text[HOSTADDR_TEXT];
	int rc = -errno;

	hostaddr_text(text, a);
	switch (rc) {
	case -EACCES:
		return err_set(e, rc,
			       "%s: a port below 1024 is root's to listen on\n  try: one above, or "
			       "sysctl net.ipv4.ip_unprivileged_port_start",
			       text);
	case -EADDRNOTAVAIL:
		return err_set(e, rc, "%s: this host has no such address", text);
	case -EADDRINUSE:
		return err_set(e, rc, "%s: is in use", text);
	}
	return err_set(e, rc, "listen on %s: %s", text, strerror(-rc));
}

/* Each address is of the family it was said in: [::] leaves IPv4 alone. Reusing an address means,
 * for streams, not to wait for old connections of it; for datagrams it would be to share it. */
static int set_options(int fd, const struct hostaddr *a, int is_udp)
{
	int on = 1;

	if (a->any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -1;
	return is_udp ? 0 : setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

int hostaddr_listen(struct hostaddr *a, int is_udp, struct err *e)
{
	int type = (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, fd, rc;
	socklen_t len = hostaddr_len(a);

	if (hostaddr_is_unix(a))
		return listen_unix(a->un.sun_path, e);
	fd = socket(a->any.sa_family, type, 0);
	if (fd < 0)
		return explain(a, e);
	if (set_options(fd, a, is_udp) < 0 || bind(fd, &a->any, len) < 0 ||
	    (!is_udp && listen(fd, BACKLOG) < 0) || getsockname(fd, &a->any, &len) < 0) {
		rc = explain(a, e);
		fd_close(&fd);
		return rc;
	}
	return fd;
}
