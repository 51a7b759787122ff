/*
 * endpoint - where a server is: HOST[:PORT], unix:PATH, vsock:CID:PORT or vsock-mux:PATH:PORT.
 */
#include "ssh/endpoint.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"

/* After libc's headers: kernel headers must come last. */
#include <linux/vm_sockets.h>

static int parse_port(uint32_t *port, const char *text, struct err *e)
{
	return parse_u32(port, "PORT", text, 1, UINT16_MAX, e);
}

static int take_path(struct endpoint *p, const char *path, size_t len, struct err *e)
{
	if (len == 0)
		return err_usage(e, "the path of a socket is missing");
	if (len >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_usage(e, "%.60s...: a socket's path has at most %zu bytes", path,
				 sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	snprintf(p->path, sizeof(p->path), "%.*s", (int)len, path);
	return 0;
}

static int take_unix(struct endpoint *p, const char *text, struct err *e)
{
	return take_path(p, text, strlen(text), e);
}

static int take_vsock(struct endpoint *p, const char *text, struct err *e)
{
	struct sockaddr_vm sa = { .svm_family = AF_VSOCK };
	const char *colon = strchr(text, ':');
	char cid[16];

	if (!colon)
		return err_usage(e, "write vsock:CID:PORT");
	snprintf(cid, sizeof(cid), "%.*s", (int)(colon - text), text);
	if (parse_u32(&sa.svm_cid, "CID", cid, 0, UINT32_MAX - 1, e) < 0 ||
	    parse_u32(&sa.svm_port, "PORT", colon + 1, 1, UINT32_MAX - 1, e) < 0)
		return e->code;
	p->port = sa.svm_port;
	p->addresses.count = 1;
	p->addresses.at[0].len = sizeof(sa);
	memcpy(&p->addresses.at[0].sa, &sa, sizeof(sa));
	return 0;
}

static int take_mux(struct endpoint *p, const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');

	if (!colon)
		return err_usage(e, "write vsock-mux:PATH:PORT");
	if (parse_u32(&p->port, "PORT", colon + 1, 1, UINT32_MAX - 1, e) < 0)
		return e->code;
	return take_path(p, text, (size_t)(colon - text), e);
}

/* An address that is written as digits needs nobody to be asked. */
static void take_literal(struct endpoint *p)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found;
	char port[8];

	snprintf(port, sizeof(port), "%u", p->port);
	if (getaddrinfo(p->host, port, &hints, &found) != 0)
		return;
	p->addresses.count = 1;
	p->addresses.at[0].len = found->ai_addrlen;
	memcpy(&p->addresses.at[0].sa, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
}

/* [ADDRESS]:PORT, NAME:PORT, or either alone; what has several colons is an IPv6 address. */
static int take_tcp(struct endpoint *p, const char *text, struct err *e)
{
	int bracket = *text == '[';
	const char *host = text + bracket;
	const char *end = bracket ? strchr(host, ']') : strchr(host, ':');
	const char *port = NULL;

	if (bracket && !end)
		return err_usage(e, "a ] is missing");
	if (!bracket && end && strchr(end + 1, ':'))
		end = NULL;
	if (end)
		port = end + bracket;
	else
		end = host + strlen(host);
	if (end == host)
		return err_usage(e, "a host is missing");
	if ((size_t)(end - host) >= sizeof(p->host))
		return err_usage(e, "a host's name has at most %zu bytes", sizeof(p->host) - 1);
	snprintf(p->host, sizeof(p->host), "%.*s", (int)(end - host), host);
	if (port && *port && *port != ':')
		return err_usage(e, "behind ] comes :PORT");
	if (port && *port && parse_port(&p->port, port + 1, e) < 0)
		return e->code;
	take_literal(p);
	return 0;
}

static const struct {
	const char *prefix;
	enum endpoint_kind kind;
	int (*take)(struct endpoint *p, const char *text, struct err *e);
} kinds[] = {
	{ "unix:", ENDPOINT_UNIX, take_unix },
	{ "vsock:", ENDPOINT_VSOCK, take_vsock },
	{ "vsock-mux:", ENDPOINT_MUX, take_mux },
	{ "", ENDPOINT_TCP, take_tcp },
};

int endpoint_parse(struct endpoint *p, const char *text, struct err *e)
{
	size_t i = 0;

	while (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
		i++;
	*p = (struct endpoint){ .kind = kinds[i].kind, .port = ENDPOINT_PORT };
	if (kinds[i].take(p, text + strlen(kinds[i].prefix), e) < 0)
		return err_in(e, "'%.100s'", text);
	return 0;
}

int endpoint_is_name(const struct endpoint *p)
{
	return p->kind == ENDPOINT_TCP && p->addresses.count == 0;
}

static int is_loopback(const struct address *a)
{
	const struct sockaddr_in *in = (const void *)&a->sa;
	const struct sockaddr_in6 *in6 = (const void *)&a->sa;

	if (a->sa.ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	return a->sa.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

int endpoint_is_local(const struct endpoint *p, const struct addresses *a)
{
	if (p->kind != ENDPOINT_TCP)
		return 1;
	for (unsigned i = 0; i < a->count; i++)
		if (!is_loopback(&a->at[i]))
			return 0;
	return a->count > 0;
}

static void tcp_text(char *out, const struct address *at)
{
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";

	getnameinfo((const struct sockaddr *)&at->sa, at->len, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(out, ENDPOINT_TEXT_ROOM, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static void vsock_text(char *out, const struct address *at)
{
	const struct sockaddr_vm *sa = (const void *)&at->sa;

	snprintf(out, ENDPOINT_TEXT_ROOM, "vsock:%u:%u", sa->svm_cid, sa->svm_port);
}

void endpoint_text(char out[ENDPOINT_TEXT_ROOM], const struct endpoint *p, const struct address *at)
{
	switch (p->kind) {
	case ENDPOINT_UNIX:
		snprintf(out, ENDPOINT_TEXT_ROOM, "unix:%s", p->path);
		break;
	case ENDPOINT_MUX:
		snprintf(out, ENDPOINT_TEXT_ROOM, "vsock-mux:%s:%u", p->path, p->port);
		break;
	case ENDPOINT_VSOCK:
		vsock_text(out, at);
		break;
	case ENDPOINT_TCP:
		if (at)
			tcp_text(out, at);
		else
			snprintf(out, ENDPOINT_TEXT_ROOM, "%s:%u", p->host, p->port);
	}
}
