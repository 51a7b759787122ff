/*
 * agent - what is said on port 4088, the host's hand in the guest.
 */
#include "proto/agent.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/ready.h"

static_assert(sizeof(struct port) == PORT_BYTES, "ports are compared as bytes");

/* --- info --- */

static void write_status(struct wr *w, const struct exec_status *s)
{
	uint8_t mem[EXEC_STATUS_BYTES];

	exec_status_encode(s, mem);
	wr_blob(w, mem, sizeof(mem));
}

static void write_service(struct wr *w, const struct info_service *s)
{
	wr_str(w, s->name);
	wr_u8(w, s->state);
	wr_be32(w, s->pid);
	wr_be32(w, s->starts);
	if (s->state != INFO_SERVICE_RUNNING)
		write_status(w, &s->status);
}

long agent_info_encode(const struct agent_info *i, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be16(&w, i->protocol);
	wr_str(&w, i->vmtool);
	wr_str(&w, i->kernel);
	wr_str(&w, i->boot);
	wr_str(&w, i->hostname);
	wr_u8(&w, i->pid1_is_ours);
	wr_be64(&w, i->uptime_ms);
	wr_str(&w, i->stage);
	wr_u8(&w, i->stage_state);
	wr_u8(&w, i->main);
	wr_be32(&w, i->main_pid);
	if (i->main == INFO_MAIN_ENDED)
		write_status(&w, &i->main_status);
	wr_be32(&w, i->nservices);
	for (uint32_t k = 0; k < i->nservices; k++)
		write_service(&w, &i->services[k]);
	for (size_t k = 0; k < 3; k++)
		wr_be32(&w, i->load[k]);
	wr_be64(&w, i->memory_total);
	wr_be64(&w, i->memory_available);
	wr_u8(&w, i->clock_is_known);
	wr_be64(&w, (uint64_t)i->clock_ns);
	wr_be64(&w, i->clock_bound_ns);
	wr_be32(&w, i->nfeatures);
	for (uint32_t k = 0; k < i->nfeatures; k++)
		wr_str(&w, i->features[k]);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

static int read_status(struct rd *r, struct exec_status *s)
{
	size_t len;
	const uint8_t *mem = rd_blob(r, &len);

	return r->bad ? -EPROTO : exec_status_decode(s, mem, len);
}

static int read_service(struct rd *r, struct info_service *s)
{
	s->name = rd_str(r);
	s->state = rd_u8(r);
	s->pid = rd_be32(r);
	s->starts = rd_be32(r);
	if (s->state >= INFO_SERVICE_STATES)
		return -EPROTO;
	return s->state == INFO_SERVICE_RUNNING ? 0 : read_status(r, &s->status);
}

int agent_info_decode(struct agent_info *i, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	*i = (struct agent_info){ .protocol = rd_be16(&r) };
	i->vmtool = rd_str(&r);
	i->kernel = rd_str(&r);
	i->boot = rd_str(&r);
	i->hostname = rd_str(&r);
	i->pid1_is_ours = rd_u8(&r);
	i->uptime_ms = rd_be64(&r);
	i->stage = rd_str(&r);
	i->stage_state = rd_u8(&r);
	i->main = rd_u8(&r);
	i->main_pid = rd_be32(&r);
	if (i->main == INFO_MAIN_ENDED && read_status(&r, &i->main_status) < 0)
		return -EPROTO;
	i->nservices = rd_be32(&r);
	if (i->nservices > INFO_SERVICES_MAX)
		return -EPROTO;
	for (uint32_t k = 0; k < i->nservices; k++)
		if (read_service(&r, &i->services[k]) < 0)
			return -EPROTO;
	for (size_t k = 0; k < 3; k++)
		i->load[k] = rd_be32(&r);
	i->memory_total = rd_be64(&r);
	i->memory_available = rd_be64(&r);
	i->clock_is_known = rd_u8(&r);
	i->clock_ns = (int64_t)rd_be64(&r);
	i->clock_bound_ns = rd_be64(&r);
	i->nfeatures = rd_be32(&r);
	if (i->nfeatures > INFO_FEATURES_MAX)
		return -EPROTO;
	for (uint32_t k = 0; k < i->nfeatures; k++)
		i->features[k] = rd_str(&r);
	if (!rd_done(&r) || i->stage_state > STAGE_FAILED || i->main > INFO_MAIN_ENDED)
		return -EPROTO;
	return (i->stage[0] != '\0') == (i->stage_state != 0) ? 0 : -EPROTO;
}

/* --- ports --- */

static void write_port(struct wr *w, const struct port *p)
{
	wr_u8(w, p->proto);
	wr_u8(w, p->family);
	wr_be16(w, p->port);
	wr_be32(w, p->uid);
	for (size_t i = 0; i < sizeof(p->addr); i++)
		wr_u8(w, p->addr[i]);
}

/* 0 or -EPROTO. */
static int read_port(struct rd *r, struct port *p)
{
	static const uint8_t zero[12];

	p->proto = rd_u8(r);
	p->family = rd_u8(r);
	p->port = rd_be16(r);
	p->uid = rd_be32(r);
	for (size_t i = 0; i < sizeof(p->addr); i++)
		p->addr[i] = rd_u8(r);
	if (r->bad || p->port == 0 || (p->proto != PORT_TCP && p->proto != PORT_UDP))
		return -EPROTO;
	if (p->family == 4)
		return memcmp(p->addr + 4, zero, sizeof(zero)) == 0 ? 0 : -EPROTO;
	return p->family == 6 ? 0 : -EPROTO;
}

/* Sorted, each once. */
static int read_ports(struct rd *r, struct port *p, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (read_port(r, &p[i]) < 0)
			return -EPROTO;
		if (i > 0 && memcmp(&p[i - 1], &p[i], sizeof(*p)) >= 0)
			return -EPROTO;
	}
	return 0;
}

long agent_ports_encode(const struct agent_ports *p, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be64(&w, p->epoch);
	wr_u8(&w, p->truncated);
	wr_be32(&w, p->count);
	for (uint32_t i = 0; i < p->count; i++)
		write_port(&w, &p->port[i]);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int agent_ports_decode(struct agent_ports *p, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	p->epoch = rd_be64(&r);
	p->truncated = rd_u8(&r);
	p->count = rd_be32(&r);
	if (r.bad || p->count > PORTS_MAX || read_ports(&r, p->port, p->count) < 0)
		return -EPROTO;
	return rd_done(&r) ? 0 : -EPROTO;
}

long agent_ports_change_encode(const struct agent_ports_change *c, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be64(&w, c->epoch);
	wr_u8(&w, c->truncated);
	wr_be32(&w, c->nadded);
	wr_be32(&w, c->nremoved);
	for (uint32_t i = 0; i < c->nadded + c->nremoved; i++)
		write_port(&w, &c->port[i]);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int agent_ports_change_decode(struct agent_ports_change *c, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	c->epoch = rd_be64(&r);
	c->truncated = rd_u8(&r);
	c->nadded = rd_be32(&r);
	c->nremoved = rd_be32(&r);
	if (r.bad || c->nadded > PORTS_MAX || c->nremoved > PORTS_MAX - c->nadded)
		return -EPROTO;
	if (read_ports(&r, c->port, c->nadded) < 0 ||
	    read_ports(&r, c->port + c->nadded, c->nremoved) < 0)
		return -EPROTO;
	return rd_done(&r) ? 0 : -EPROTO;
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct port));
}

void agent_ports_sort(struct agent_ports *p)
{
	uint32_t kept = 0;

	qsort(p->port, p->count, sizeof(p->port[0]), order);
	for (uint32_t i = 0; i < p->count; i++)
		if (kept == 0 || order(&p->port[kept - 1], &p->port[i]) != 0)
			p->port[kept++] = p->port[i];
	p->count = kept;
}

static int put(struct port *out, uint32_t *count, const struct port *p)
{
	if (*count == PORTS_MAX)
		return -EMSGSIZE;
	out[(*count)++] = *p;
	return 0;
}

/* Those of `a` that are not in `b`, which are both sorted. 0 or -EMSGSIZE. */
static int put_missing(struct port *out, uint32_t *count, const struct agent_ports *a,
		       const struct agent_ports *b)
{
	uint32_t j = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		while (j < b->count && order(&b->port[j], &a->port[i]) < 0)
			j++;
		if (j < b->count && order(&b->port[j], &a->port[i]) == 0)
			continue;
		if (put(out, count, &a->port[i]) < 0)
			return -EMSGSIZE;
	}
	return 0;
}

int agent_ports_compare(struct agent_ports_change *c, const struct agent_ports *from,
			const struct agent_ports *to)
{
	uint32_t count = 0;

	c->epoch = to->epoch;
	c->truncated = to->truncated;
	if (put_missing(c->port, &count, to, from) < 0)
		return -EMSGSIZE;
	c->nadded = count;
	if (put_missing(c->port, &count, from, to) < 0)
		return -EMSGSIZE;
	c->nremoved = count - c->nadded;
	return 0;
}

static int has(const struct port *list, uint32_t count, const struct port *p)
{
	return bsearch(p, list, count, sizeof(*list), order) != NULL;
}

int agent_ports_apply(struct agent_ports *p, const struct agent_ports_change *c)
{
	const struct port *added = c->port, *removed = c->port + c->nadded;
	uint32_t kept = 0;

	if (c->epoch != p->epoch + 1 || c->nremoved > p->count ||
	    p->count - c->nremoved > PORTS_MAX - c->nadded)
		return -ESTALE;
	for (uint32_t i = 0; i < c->nremoved; i++)
		if (!has(p->port, p->count, &removed[i]))
			return -ESTALE;
	for (uint32_t i = 0; i < c->nadded; i++)
		if (has(p->port, p->count, &added[i]))
			return -ESTALE;
	for (uint32_t i = 0; i < p->count; i++)
		if (!has(removed, c->nremoved, &p->port[i]))
			p->port[kept++] = p->port[i];
	memcpy(p->port + kept, added, c->nadded * sizeof(*added));
	p->count = kept + c->nadded;
	p->epoch = c->epoch;
	p->truncated = c->truncated;
	agent_ports_sort(p);
	return 0;
}

/* --- clock --- */

void clock_sample_encode(const struct clock_sample *s, uint8_t out[CLOCK_SAMPLE_BYTES])
{
	struct wr w = wr_init(out, CLOCK_SAMPLE_BYTES);

	wr_be64(&w, s->host_ns);
	wr_be64(&w, s->guest_ns);
}

int clock_sample_decode(struct clock_sample *s, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	s->host_ns = rd_be64(&r);
	s->guest_ns = rd_be64(&r);
	/* What is kept within half the range can be subtracted as signed numbers. */
	return rd_done(&r) && s->host_ns <= INT64_MAX / 2 && s->guest_ns <= INT64_MAX / 2 ? 0
											  : -EPROTO;
}

void clock_set_encode(const struct clock_set *s, uint8_t out[CLOCK_SET_BYTES])
{
	struct wr w = wr_init(out, CLOCK_SET_BYTES);

	wr_be64(&w, (uint64_t)s->ahead_ns);
	wr_be64(&w, s->bound_ns);
	wr_be32(&w, s->step_ms);
}

int clock_set_decode(struct clock_set *s, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	s->ahead_ns = (int64_t)rd_be64(&r);
	s->bound_ns = rd_be64(&r);
	s->step_ms = rd_be32(&r);
	return rd_done(&r) && s->ahead_ns > INT64_MIN / 2 && s->ahead_ns < INT64_MAX / 2 &&
			       s->bound_ns < INT64_MAX / 2
		       ? 0
		       : -EPROTO;
}

void clock_done_encode(const struct clock_done *d, uint8_t out[CLOCK_DONE_BYTES])
{
	struct wr w = wr_init(out, CLOCK_DONE_BYTES);

	wr_u8(&w, d->did);
	wr_u8(&w, d->source);
	wr_be32(&w, d->sys);
	wr_be64(&w, (uint64_t)d->ahead_ns);
	wr_be64(&w, d->bound_ns);
}

int clock_done_decode(struct clock_done *d, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	d->did = rd_u8(&r);
	d->source = rd_u8(&r);
	d->sys = rd_be32(&r);
	d->ahead_ns = (int64_t)rd_be64(&r);
	d->bound_ns = rd_be64(&r);
	return rd_done(&r) && d->did >= CLOCK_KEPT && d->did <= CLOCK_FAILED &&
			       d->source >= CLOCK_BY_EXCHANGE && d->source <= CLOCK_BY_PTP
		       ? 0
		       : -EPROTO;
}

const char *clock_did_name(uint8_t did)
{
	static const char *const names[] = { "?", "kept", "slewed", "stepped", "left", "failed" };

	return names[did <= CLOCK_FAILED ? did : 0];
}
