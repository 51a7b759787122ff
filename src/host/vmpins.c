/*
 * vmpins - the names under which host keys of one VM may be pinned.
 */
#include "host/vmpins.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "host/config.h"
#include "host/portbook.h"
#include "host/vmid.h"

/* A name that is none, or for which there is no room, is nobody's pin. */
static void add(struct vmpins *p, const char *host, unsigned port)
{
	char name[KNOWNNAME_ROOM];
	struct err none = ERR_NONE;
	const char *kept;

	if (p->count == VMPINS_MAX || knownname(name, host, port, &none) < 0)
		return;
	kept = strings_keep(&p->bag, name, strlen(name));
	if (kept)
		p->name[p->count++] = kept;
}

static int is_local(const char *host)
{
	return !strncmp(host, "127.", 4) || !strcmp(host, "::1") || !strcmp(host, "0.0.0.0") ||
	       !strcmp(host, "::");
}

/* What listens on every address of this host is called by the nearest ones. */
static void add_address(struct vmpins *p, const char *host, unsigned port)
{
	add(p, host, port);
	if (is_local(host)) {
		add(p, "localhost", port);
		add(p, "127.0.0.1", port);
		add(p, "::1", port);
	}
}

static void add_banner(struct vmpins *p, const char *text)
{
	struct err none = ERR_NONE;
	struct endpoint where;

	if (endpoint_parse(&where, text, &none) == 0 && where.kind == ENDPOINT_TCP)
		add_address(p, where.host, where.port);
}

/* "127.0.0.1:2222" or "[::1]:0": which port it is the row says. */
static void add_forward(struct vmpins *p, const struct portbook_row *r)
{
	char host[HOSTADDR_TEXT];
	size_t front = r->host[0] == '[';

	snprintf(host, sizeof(host), "%s", r->host + front);
	*strrchr(host, ':') = '\0';
	host[strcspn(host, "]")] = '\0';
	add_address(p, host, r->port);
}

/* As people say it, and as ssh does. */
static void add_name(struct vmpins *p, const char *name, unsigned port)
{
	char dotted[VM_NAME_ROOM + 4];

	snprintf(dotted, sizeof(dotted), "%s.vm", name);
	add(p, name, port);
	add(p, dotted, port);
}

static void add_own(struct vmpins *p, const struct vmref *v, unsigned port)
{
	char id[VMID_LEN + 1];

	add_name(p, v->name, port);
	if (vmid_read(v->home->vms, v->name, id) == 0)
		add_name(p, id, port);
}

static void add_networks(struct vmpins *p, const struct guest_desc *d)
{
	for (uint32_t n = 0; n < d->nnics; n++)
		for (uint32_t i = 0; i < d->nics[n].naddrs; i++) {
			const struct desc_addr *a = &d->nics[n].addrs[i];
			char text[INET6_ADDRSTRLEN];

			if (inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, text, sizeof(text)))
				add(p, text, 0);
		}
}

static void add_forwards(struct vmpins *p, const struct vmref *v)
{
	struct portbook b = PORTBOOK_NONE;
	struct err none = ERR_NONE;

	if (portbook_read(&b, v, &none) == 0)
		for (unsigned i = 0; i < b.count; i++) {
			if (b.row[i].is_udp || !strncmp(b.row[i].host, "unix:", 5))
				continue;
			add_forward(p, &b.row[i]);
			add_own(p, v, b.row[i].port); /* for those that are hashed */
		}
	portbook_close(&b);
}

void vmpins_of_vm(struct vmpins *p, const struct vmref *v)
{
	struct config *c = calloc(1, sizeof(*c));
	struct err none = ERR_NONE;
	int is_known = c && config_load(c, v, NULL, &none) == 0;

	p->count = 0;
	p->bag.used = 0;
	add_own(p, v, 0);
	if (is_known)
		add_networks(p, &c->guest.desc);
	p->hosts = p->count;
	if (is_known && c->proof.banner[0])
		add_banner(p, c->proof.banner);
	add_forwards(p, v);
	p->name[p->count] = NULL;
	free(c);
}

void vmpins_of_server(struct vmpins *p, const struct vmref *v, const struct endpoint *where)
{
	p->count = p->hosts = 0;
	p->bag.used = 0;
	add_own(p, v, 0);
	if (where->kind == ENDPOINT_TCP) {
		add_own(p, v, where->port);
		add_address(p, where->host, where->port);
	}
	p->name[p->count] = NULL;
}

static int is_meant(const struct knownline *l, const void *arg)
{
	const struct vmpins *p = arg;

	if (knownline_has_pattern(l))
		return 0;
	for (unsigned i = 0; i < p->count; i++)
		if ((i < p->hosts && knownline_names(l, p->name[i])) || knownline_matches(l, p->name[i]))
			return 1;
	return 0;
}

static struct vmpins *new_pins(struct err *e)
{
	struct vmpins *p = calloc(1, sizeof(*p));

	if (!p)
		err_set(e, -ENOMEM, "no memory for the pins of a VM");
	return p;
}

static int drop(struct vmpins *p, const struct home *h, struct err *e)
{
	int rc = pins_drop_where(h, is_meant, p, e);

	free(p);
	return rc;
}

int vmpins_drop(const struct vmref *v, struct err *e)
{
	struct vmpins *p = new_pins(e);

	if (!p)
		return e->code;
	vmpins_of_vm(p, v);
	return drop(p, v->home, e);
}

int vmpins_drop_name(const struct home *h, const char *name, struct err *e)
{
	struct vmpins *p = new_pins(e);

	if (!p)
		return e->code;
	add_name(p, name, 0);
	p->hosts = p->count;
	return drop(p, h, e);
}
