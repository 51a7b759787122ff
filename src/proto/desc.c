/*
 * desc - what a guest is to become, as its host describes it.
 */
#include "proto/desc.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/ready.h"

enum { DESC_MAGIC = 0x766d6764 }; /* "vmgd" */

/* 0, and the cursor bad, when there are more than most. */
static uint32_t rd_count(struct rd *r, uint32_t most)
{
	uint32_t count = rd_be32(r);

	if (count <= most)
		return count;
	r->bad = 1;
	return 0;
}

static void wr_addr(struct wr *w, const struct desc_addr *a)
{
	wr_u8(w, a->family);
	wr_u8(w, a->prefix);
	for (size_t i = 0; i < sizeof(a->bytes); i++)
		wr_u8(w, a->bytes[i]);
}

static void rd_addr(struct rd *r, struct desc_addr *a)
{
	a->family = rd_u8(r);
	a->prefix = rd_u8(r);
	for (size_t i = 0; i < sizeof(a->bytes); i++)
		a->bytes[i] = rd_u8(r);
	if ((a->family != 4 && a->family != 6) || a->prefix > (a->family == 4 ? 32 : 128))
		r->bad = 1;
}

static void wr_nic(struct wr *w, const struct desc_nic *n)
{
	wr_str(w, n->name);
	for (size_t i = 0; i < sizeof(n->mac); i++)
		wr_u8(w, n->mac[i]);
	wr_u8(w, n->dhcp);
	wr_be32(w, n->naddrs);
	for (uint32_t i = 0; i < n->naddrs; i++)
		wr_addr(w, &n->addrs[i]);
	wr_be32(w, n->ngateways);
	for (uint32_t i = 0; i < n->ngateways; i++)
		wr_addr(w, &n->gateways[i]);
}

static void rd_nic(struct rd *r, struct desc_nic *n)
{
	static const uint8_t no_mac[sizeof(n->mac)];

	n->name = rd_str(r);
	for (size_t i = 0; i < sizeof(n->mac); i++)
		n->mac[i] = rd_u8(r);
	n->dhcp = rd_u8(r);
	n->naddrs = rd_count(r, DESC_ADDRS_MAX);
	for (uint32_t i = 0; i < n->naddrs; i++)
		rd_addr(r, &n->addrs[i]);
	n->ngateways = rd_count(r, DESC_GATEWAYS_MAX);
	for (uint32_t i = 0; i < n->ngateways; i++)
		rd_addr(r, &n->gateways[i]);
	if (n->dhcp > 1 || strlen(n->name) > DESC_IFNAME_MAX ||
	    (n->name[0] == '\0' && !memcmp(n->mac, no_mac, sizeof(no_mac))))
		r->bad = 1;
}

static void wr_root(struct wr *w, const struct desc_root *o)
{
	wr_u8(w, o->kind);
	wr_str(w, o->source);
	wr_str(w, o->type);
	wr_str(w, o->options);
	wr_str(w, o->upper);
	wr_str(w, o->upper_type);
	wr_be64(w, o->upper_bytes);
}

static void rd_root(struct rd *r, struct desc_root *o)
{
	o->kind = rd_u8(r);
	o->source = rd_str(r);
	o->type = rd_str(r);
	o->options = rd_str(r);
	o->upper = rd_str(r);
	o->upper_type = rd_str(r);
	o->upper_bytes = rd_be64(r);
	if (o->kind > ROOT_OVERLAY || (o->kind != ROOT_INITRAMFS) != (o->source[0] != '\0'))
		r->bad = 1;
}

static void wr_mount(struct wr *w, const struct desc_mount *m)
{
	wr_str(w, m->source);
	wr_str(w, m->target);
	wr_str(w, m->type);
	wr_str(w, m->options);
}

static void rd_mount(struct rd *r, struct desc_mount *m)
{
	m->source = rd_str(r);
	m->target = rd_str(r);
	m->type = rd_str(r);
	m->options = rd_str(r);
	if (m->target[0] != '/' || m->type[0] == '\0')
		r->bad = 1;
}

static void wr_service(struct wr *w, const struct desc_service *s)
{
	wr_str(w, s->name);
	wr_u8(w, s->restart);
	wr_str(w, s->user);
	wr_be32(w, s->argc);
	for (uint32_t i = 0; i < s->argc; i++)
		wr_str(w, s->argv[i]);
}

static void rd_service(struct rd *r, struct desc_service *s)
{
	s->name = rd_str(r);
	s->restart = rd_u8(r);
	s->user = rd_str(r);
	s->argc = rd_count(r, DESC_SERVICE_ARGS_MAX);
	for (uint32_t i = 0; i < s->argc; i++)
		s->argv[i] = rd_str(r);
	s->argv[s->argc] = NULL;
	if (s->restart > RESTART_ALWAYS || s->argc == 0 || r->bad || s->argv[0][0] == '\0' ||
	    strlen(s->name) > DESC_SERVICE_NAME_MAX || !exec_id_is_valid(s->name))
		r->bad = 1;
}

static void wr_ssh(struct wr *w, const struct desc_ssh *s)
{
	wr_str(w, s->user);
	wr_str(w, s->authorized);
	wr_str(w, s->host_key);
}

/* Of somebody with no key, or a key of nobody's, nothing could be made. */
static void rd_ssh(struct rd *r, struct desc_ssh *s)
{
	s->user = rd_str(r);
	s->authorized = rd_str(r);
	s->host_key = rd_str(r);
	if (!s->user[0] != !s->authorized[0] || (!s->user[0] && s->host_key[0]) ||
	    strchr(s->authorized, '\n'))
		r->bad = 1;
}

/* In its own encoding, and last: it takes all the room there is. */
static void wr_main(struct wr *w, const struct guest_desc *g)
{
	long n;

	wr_u8(w, g->has_main != 0);
	if (!g->has_main || w->bad)
		return;
	n = exec_req_encode(&g->main, w->at, (size_t)(w->end - w->at));
	if (n < 0)
		w->bad = 1;
	else
		w->at += n;
}

static void rd_main(struct rd *r, struct guest_desc *g)
{
	uint8_t has = rd_u8(r);

	g->has_main = has == 1;
	if (has > 1)
		r->bad = 1;
	if (!g->has_main || r->bad)
		return;
	if (exec_req_decode(&g->main, r->at, (size_t)(r->end - r->at)) < 0)
		r->bad = 1;
	r->at = r->end;
}

void guest_desc_init(struct guest_desc *g)
{
	memset(g, 0, sizeof(*g));
	g->boot = g->hostname = "";
	g->root = (struct desc_root){ ROOT_INITRAMFS, "", "", "", "", "", 0 };
	g->ssh = (struct desc_ssh){ "", "", "" };
	g->main.id = g->main.user = g->main.cwd = "";
}

long guest_desc_encode(const struct guest_desc *g, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be32(&w, DESC_MAGIC);
	wr_be16(&w, DESC_VERSION);
	wr_str(&w, g->boot);
	wr_str(&w, g->hostname);
	wr_be32(&w, g->nsysctls);
	for (uint32_t i = 0; i < g->nsysctls; i++) {
		wr_str(&w, g->sysctls[i].name);
		wr_str(&w, g->sysctls[i].value);
	}
	wr_be32(&w, g->nnics);
	for (uint32_t i = 0; i < g->nnics; i++)
		wr_nic(&w, &g->nics[i]);
	wr_be32(&w, g->ndns);
	for (uint32_t i = 0; i < g->ndns; i++)
		wr_addr(&w, &g->dns[i]);
	wr_be32(&w, g->nsearch);
	for (uint32_t i = 0; i < g->nsearch; i++)
		wr_str(&w, g->search[i]);
	wr_root(&w, &g->root);
	wr_be32(&w, g->nmounts);
	for (uint32_t i = 0; i < g->nmounts; i++)
		wr_mount(&w, &g->mounts[i]);
	wr_be32(&w, g->nservices);
	for (uint32_t i = 0; i < g->nservices; i++)
		wr_service(&w, &g->services[i]);
	wr_ssh(&w, &g->ssh);
	wr_be32(&w, g->ninit);
	for (uint32_t i = 0; i < g->ninit; i++)
		wr_str(&w, g->init[i]);
	wr_main(&w, g);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

static void rd_all(struct rd *r, struct guest_desc *g)
{
	g->hostname = rd_str(r);
	g->nsysctls = rd_count(r, DESC_SYSCTLS_MAX);
	for (uint32_t i = 0; i < g->nsysctls; i++) {
		g->sysctls[i].name = rd_str(r);
		g->sysctls[i].value = rd_str(r);
	}
	g->nnics = rd_count(r, DESC_NICS_MAX);
	for (uint32_t i = 0; i < g->nnics; i++)
		rd_nic(r, &g->nics[i]);
	g->ndns = rd_count(r, DESC_DNS_MAX);
	for (uint32_t i = 0; i < g->ndns; i++)
		rd_addr(r, &g->dns[i]);
	g->nsearch = rd_count(r, DESC_SEARCH_MAX);
	for (uint32_t i = 0; i < g->nsearch; i++)
		g->search[i] = rd_str(r);
	rd_root(r, &g->root);
	g->nmounts = rd_count(r, DESC_MOUNTS_MAX);
	for (uint32_t i = 0; i < g->nmounts; i++)
		rd_mount(r, &g->mounts[i]);
	g->nservices = rd_count(r, DESC_SERVICES_MAX);
	for (uint32_t i = 0; i < g->nservices; i++)
		rd_service(r, &g->services[i]);
	rd_ssh(r, &g->ssh);
	g->ninit = rd_count(r, DESC_INIT_MAX);
	for (uint32_t i = 0; i < g->ninit; i++)
		g->init[i] = rd_str(r);
	g->init[g->ninit] = NULL;
	rd_main(r, g);
}

int guest_desc_decode(struct guest_desc *g, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);
	uint32_t magic = rd_be32(&r);
	uint16_t version = rd_be16(&r);

	guest_desc_init(g);
	g->boot = rd_str(&r);
	if (r.bad || magic != DESC_MAGIC || version < DESC_VERSION ||
	    strlen(g->boot) != BOOT_ID_LEN)
		return -EPROTO;
	if (version > DESC_VERSION)
		return -EPROTONOSUPPORT;
	rd_all(&r, g);
	if (!rd_done(&r) || strlen(g->hostname) > DESC_HOSTNAME_MAX ||
	    (g->ninit && g->init[0][0] != '/') || (g->ninit && (g->has_main || g->nservices)))
		return -EPROTO;
	return 0;
}
