/*
 * forwardrule - what is to be reached where, as people write it.
 */
#include "host/forwardrule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"

int portset_has(const struct portset *s, uint16_t port)
{
	int names_some = 0, is_named = 0;

	for (unsigned i = 0; i < s->count; i++) {
		int is_in = port >= s->range[i].first && port <= s->range[i].last;

		if (is_in && s->range[i].is_left_out)
			return 0;
		names_some |= !s->range[i].is_left_out;
		is_named |= is_in;
	}
	return is_named || !names_some;
}

/* What is being read, and how to complain about it. */
struct reading {
	struct forwardrule *r;
	const char *what, *whole;
	char text[RULE_TEXT_MAX];
	struct err *e;
};

static int bad(struct reading *x, const char *why)
{
	return err_usage(x->e, "%s: '%s': %s", x->what, x->whole, why);
}

/* "80" or "80-90", for `where` ("the guest's port"). 0 or wrong usage. */
static int read_ports(struct reading *x, const char *where, char *text, uint16_t *first,
		      uint16_t *last)
{
	char what[RULE_TEXT_MAX + 80], *dash = strchr(text, '-');
	uint32_t a, b;

	snprintf(what, sizeof(what), "%s: '%s': %s", x->what, x->whole, where);
	if (dash)
		*dash = '\0';
	if (parse_u32(&a, what, text, 1, UINT16_MAX, x->e) < 0)
		return x->e->code;
	b = a;
	if (dash && parse_u32(&b, what, dash + 1, 1, UINT16_MAX, x->e) < 0)
		return x->e->code;
	if (b < a)
		return bad(x, "the range ends before it begins");
	*first = (uint16_t)a;
	*last = (uint16_t)b;
	return 0;
}

/* --- the guest's side --- */

static int read_vsock(struct reading *x, const char *text)
{
	char what[RULE_TEXT_MAX + 80];

	snprintf(what, sizeof(what), "%s: '%s': the guest's vsock port", x->what, x->whole);
	if (x->r->is_udp)
		return bad(x, "a vsock port has streams, no datagrams");
	x->r->to.kind = TO_VSOCK;
	return parse_u32(&x->r->to.port, what, text, 1, UINT32_MAX - 1, x->e);
}

static int read_guest_path(struct reading *x, const char *path)
{
	struct destination *to = &x->r->to;

	if (x->r->is_udp)
		return bad(x, "a unix socket has streams, no datagrams");
	if (path[0] != '/')
		return bad(x, "the path of the guest's socket is absolute: unix:/PATH");
	if (strlen(path) >= STREAM_PATH_MAX)
		return bad(x, "a unix socket's path has at most 107 bytes");
	to->kind = TO_UNIX;
	memcpy(to->address, path, strlen(path) + 1);
	return 0;
}

/* "HOST:PORT", with HOST in brackets when there are colons in it. */
static int split_guest(struct reading *x, char *text, char **address, char **port)
{
	char *colon = strrchr(text, ':');

	*address = NULL;
	*port = colon ? colon + 1 : text;
	if (!colon)
		return 0;
	*colon = '\0';
	*address = text;
	if (text[0] == '[' && colon > text + 2 && colon[-1] == ']') {
		colon[-1] = '\0';
		*address = text + 1;
	} else if (strpbrk(text, ":[]") || !*text) {
		return bad(x, "the guest's side is [HOST:]PORT, an IPv6 address in brackets");
	}
	if (strlen(*address) >= STREAM_ADDRESS_MAX)
		return bad(x, "the guest's host name is longer than any");
	return 0;
}

static int read_guest(struct reading *x, char *text)
{
	struct destination *to = &x->r->to;
	char *address, *port;
	uint16_t first, last;
	int rc;

	if (!strncmp(text, "unix:", 5))
		return read_guest_path(x, text + 5);
	if (!strncmp(text, "vsock:", 6))
		return read_vsock(x, text + 6);
	rc = split_guest(x, text, &address, &port);
	if (rc == 0)
		rc = read_ports(x, "the guest's port", port, &first, &last);
	if (rc < 0)
		return rc;
	to->kind = x->r->is_udp ? TO_UDP : TO_TCP;
	to->port = first;
	snprintf(to->address, sizeof(to->address), "%s", address ? address : "localhost");
	x->r->count = 1u + last - first;
	return x->r->count > RULE_PORTS_MAX ? bad(x, "a range has at most 256 ports") : 0;
}

/* --- the host's side --- */

/* Cuts the text at its first ':' outside of brackets; what is behind it, or NULL. */
static char *cut(char *text)
{
	char *close = text[0] == '[' ? strchr(text, ']') : NULL;
	char *colon = strchr(close ? close : text, ':');

	if (colon)
		*colon++ = '\0';
	return colon;
}

static int is_ports(const char *text)
{
	return strspn(text, "0123456789-") == strlen(text);
}

static int read_host_path(struct reading *x, char *path)
{
	char *guest = cut(path);
	int rc = hostaddr_unix(&x->r->host, path);

	if (rc == -ENAMETOOLONG)
		return bad(x, "a unix socket's path has at most 107 bytes");
	if (rc < 0)
		return bad(x, "the path of the host's socket is absolute: unix:/PATH:GUEST");
	if (x->r->is_udp)
		return bad(x, "a unix socket has streams, no datagrams");
	if (!guest)
		return bad(x, "the guest's side is missing: unix:/PATH:GUEST, or :unix:/PATH for a "
			      "socket of the guest's");
	rc = read_guest(x, guest);
	return rc == 0 && x->r->count > 1 ? bad(x, "one socket cannot be a range of ports") : rc;
}

static int read_address(struct reading *x, char *text)
{
	size_t len = strlen(text);

	if (text[0] == '[' && text[len - 1] == ']') {
		text[len - 1] = '\0';
		text++;
	}
	if (!strcmp(text, "localhost"))
		text = "127.0.0.1";
	if (!strcmp(text, "*"))
		return bad(x, "'*' is no address: write 0.0.0.0 or [::] for all of them");
	return hostaddr_ip(&x->r->host, text) < 0
		       ? bad(x, "the host's address is an IPv4 address, or an IPv6 one in brackets")
		       : 0;
}

/* text: [ADDR:][PORT]:GUEST, or GUEST alone. */
static int read_ip(struct reading *x, char *text)
{
	struct forwardrule *r = x->r;
	uint16_t first = 0, last = 0;
	char *port = text, *guest;
	int rc;

	hostaddr_ip(&r->host, "127.0.0.1");
	if (!strncmp(text, "vsock:", 6) || (is_ports(text) && text[0]))
		return read_guest(x, text);
	guest = cut(text);
	if (guest && !is_ports(text)) {
		rc = read_address(x, text);
		if (rc < 0)
			return rc;
		port = guest;
		guest = cut(port);
	}
	if (!guest || !*guest)
		return bad(x, "the guest's side is missing: write 8080:80, or :80 for a free port");
	if (*port && !is_ports(port))
		return bad(x, "the host's side is [ADDR:]PORT, an IPv6 address in brackets");
	rc = *port ? read_ports(x, "the host's port", port, &first, &last) : 0;
	if (rc == 0)
		rc = read_guest(x, guest);
	if (rc == 0 && *port && 1u + last - first != r->count)
		rc = bad(x, "both ranges have to be of the same length");
	hostaddr_set_port(&r->host, first);
	return rc;
}

/* --- the whole --- */

/* Behind "auto": nothing, or ":PORTS". */
static int read_auto(struct reading *x, char *list)
{
	struct portset *s = &x->r->ports;
	char *next;

	if (x->r->name[0])
		return bad(x, "what is forwarded by itself has no name");
	x->r->is_auto = 1;
	if (*list == '\0')
		return 0;
	for (char *at = list + 1; at; at = next) {
		int is_left_out = *at == '~', rc;

		next = strchr(at, ',');
		if (next)
			*next++ = '\0';
		if (s->count == RULE_RANGES_MAX)
			return bad(x, "more than 32 ranges");
		rc = read_ports(x, "a port", at + is_left_out, &s->range[s->count].first,
				&s->range[s->count].last);
		if (rc < 0)
			return rc;
		s->range[s->count++].is_left_out = is_left_out;
	}
	return 0;
}

/* "NAME=" in front, unless the "=" is in a path. Puts what is behind it at *rest. */
static int take_name(struct reading *x, char **rest)
{
	char *equals = strchr(x->text, '=');
	struct err no = ERR_NONE;

	*rest = x->text;
	if (!equals || strcspn(x->text, ":/[") < (size_t)(equals - x->text))
		return 0;
	*equals = '\0';
	*rest = equals + 1;
	if (parse_name(x->text, &no) < 0)
		return bad(x, "a name has 1 to 63 of a-z, 0-9 and -, with no - at either end");
	memcpy(x->r->name, x->text, strlen(x->text) + 1);
	return 0;
}

/* "/tcp" or "/udp" at the end, unless it is the end of a path. */
static void take_protocol(struct reading *x, char *text)
{
	char *colon = strrchr(text, ':'), *last = colon ? colon + 1 : text;
	char *slash = strchr(last, '/');

	if (!slash || slash == last)
		return;
	x->r->is_udp = !strcmp(slash, "/udp");
	if (x->r->is_udp || !strcmp(slash, "/tcp"))
		*slash = '\0';
}

int forwardrule_parse(struct forwardrule *r, const char *what, const char *text, struct err *e)
{
	struct reading x = { .r = r, .what = what, .whole = text, .e = e };
	char *rest;
	int rc;

	*r = (struct forwardrule){ .count = 1, .text = text };
	if ((size_t)snprintf(x.text, sizeof(x.text), "%s", text) >= sizeof(x.text))
		return err_usage(e, "%s: longer than %d bytes", what, RULE_TEXT_MAX - 1);
	if (!strcmp(text, "ssh"))
		snprintf(x.text, sizeof(x.text), "ssh=:22");
	rc = take_name(&x, &rest);
	if (rc < 0)
		return rc;
	take_protocol(&x, rest);
	if (!strcmp(rest, "auto") || !strncmp(rest, "auto:", 5))
		return read_auto(&x, rest + 4);
	rc = !strncmp(rest, "unix:", 5) ? read_host_path(&x, rest + 5) : read_ip(&x, rest);
	return rc == 0 && r->count > 1 && r->name[0]
		       ? bad(&x, "one name cannot be that of many ports")
		       : rc;
}
