/*
 * agentd - the host's hand in the guest.
 */
#include "guest/agentd.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/sparse.h"
#include "base/util.h"
#include "guest/procnet.h"
#include "guest/witness.h"
#include "proto/refusal.h"

enum {
	GRACE_MAX_MS = 3600 * 1000,
	IDLE_MS = 60000,
	SIGNAL_MAX = 64,
};

int agentd_is_awaited(const struct agentd *d)
{
	for (size_t i = 0; i < AGENTD_CONNS; i++)
		if (d->conns[i].peer.w.fd >= 0 && d->conns[i].wants_synced)
			return 1;
	return 0;
}

/* --- a connection's life --- */

/* The place is free again: the last line of whoever calls it. */
static void conn_release(struct agent_conn *c)
{
	struct agentd *d = c->d;

	if (c->watches)
		ports_unwatch(&d->ports);
	c->watches = c->wants_synced = 0;
	loop_cancel(d->listener.loop, &c->idle);
	end_close(&c->peer);
	listener_release(&d->listener);
	if (d->options.poweroff)
		poweroff_check(d->options.poweroff);
}

static void idle_due(struct timer *t)
{
	conn_release(CONTAINER(t, struct agent_conn, idle));
}

/* What this connection waits for now. 0 or a negative errno. */
static int conn_settle(struct agent_conn *c)
{
	struct loop *l = c->d->listener.loop;

	if (c->caller.is_leaving)
		loop_after(l, &c->idle, CALLER_LINGER_MS);
	else if (c->watches || c->wants_synced)
		loop_cancel(l, &c->idle);
	else
		loop_after(l, &c->idle, c->d->options.idle_ms);
	return caller_settle(&c->caller);
}

/* --- to the peer --- */

static int refuse(struct agent_conn *c, uint16_t why, int rc, const char *text)
{
	const struct refusal f = { why, (uint32_t)-rc, text };

	return caller_refuse(&c->caller, &f);
}

static int send_ports(struct agent_conn *c)
{
	struct agentd *d = c->d;

	c->is_behind = 0;
	return caller_send(&c->caller, FRAME_PORTS, d->frame,
			   agent_ports_encode(&d->ports.now, d->frame, sizeof(d->frame)));
}

/* Whoever has not read what he got before gets no more of it: a snapshot, once he has. */
static int send_change(struct agent_conn *c, const struct agent_ports_change *change)
{
	struct agentd *d = c->d;

	if (c->caller.out.len > 0) {
		c->is_behind = 1;
		return 0;
	}
	if (!change)
		return send_ports(c);
	return caller_send(&c->caller, FRAME_PORTS_CHANGE, d->frame,
			   agent_ports_change_encode(change, d->frame, sizeof(d->frame)));
}

static void ports_changed(struct ports *p, const struct agent_ports_change *change)
{
	struct agentd *d = CONTAINER(p, struct agentd, ports);

	for (size_t i = 0; i < AGENTD_CONNS; i++) {
		struct agent_conn *c = &d->conns[i];
		int rc;

		if (!c->watches || c->caller.is_leaving)
			continue;
		rc = send_change(c, change);
		if (rc == 0)
			rc = conn_settle(c);
		if (rc < 0) /* gone: its own handler finds out, and may be the one that runs now */
			shutdown(c->peer.w.fd, SHUT_RDWR);
	}
}

/* --- frames of the peer --- */

static int take_heartbeat(struct agent_conn *c, const struct frame *f)
{
	return caller_send(&c->caller, f->type, f->data, f->len);
}

static int take_info(struct agent_conn *c, const struct frame *f)
{
	struct agentd *d = c->d;

	if (f->len > 0)
		return -EPROTO;
	return caller_send(&c->caller, FRAME_INFO, d->frame,
			   info_write(&d->options.info, &d->clock, d->frame, sizeof(d->frame)));
}

static int take_ports(struct agent_conn *c, const struct frame *f)
{
	if (f->len > 0)
		return -EPROTO;
	if (!c->watches)
		ports_watch(&c->d->ports);
	c->watches = 1;
	return send_ports(c);
}

static int take_clock(struct agent_conn *c, const struct frame *f)
{
	struct clock_sample s;
	uint8_t mem[CLOCK_SAMPLE_BYTES];

	if (clock_sample_decode(&s, f->data, f->len) < 0)
		return -EPROTO;
	s.guest_ns = (uint64_t)clock_now(&c->d->clock);
	clock_sample_encode(&s, mem);
	return caller_send(&c->caller, FRAME_CLOCK, mem, sizeof(mem));
}

static int take_clock_set(struct agent_conn *c, const struct frame *f)
{
	struct clock_set s;
	struct clock_done done;
	uint8_t mem[CLOCK_DONE_BYTES];

	if (clock_set_decode(&s, f->data, f->len) < 0)
		return -EPROTO;
	if (!c->d->options.clock)
		return refuse(c, REFUSED_UNSUPPORTED, 0, "this guest's clock is in other hands");
	clock_correct(&c->d->clock, &s, &done);
	clock_done_encode(&done, mem);
	return caller_send(&c->caller, FRAME_CLOCK_SET, mem, sizeof(mem));
}

static int take_signal_main(struct agent_conn *c, const struct frame *f)
{
	struct execd *const *execd = c->d->options.info.execd;
	struct rd r = rd_init(f->data, f->len);
	uint32_t sig = rd_be32(&r);
	pid_t pid;

	if (!rd_done(&r) || sig == 0 || sig > SIGNAL_MAX)
		return -EPROTO;
	pid = execd && *execd ? sessions_main(execd_sessions(*execd)).pid : 0;
	if (pid == 0)
		return refuse(c, REFUSED_NOT_FOUND, -ESRCH, "no main process runs here");
	if (kill(-pid, (int)sig) < 0)
		return refuse(c, REFUSED_FAILED, -errno, "the main process cannot be signalled");
	return caller_send(&c->caller, FRAME_SIGNAL_MAIN, NULL, 0);
}

static int take_poweroff(struct agent_conn *c, const struct frame *f)
{
	struct poweroff *p = c->d->options.poweroff;
	struct rd r = rd_init(f->data, f->len);
	uint32_t grace_ms = rd_be32(&r);
	int rc;

	if (!rd_done(&r) || grace_ms > GRACE_MAX_MS)
		return -EPROTO;
	if (!p)
		return refuse(c, REFUSED_UNSUPPORTED, 0, "this guest's power is in other hands");
	c->wants_synced = 1;
	rc = poweroff_begin(p, RB_POWER_OFF, grace_ms);
	if (rc < 0)
		return refuse(c, REFUSED_FAILED, rc,
			      "this guest's init cannot be asked to power off");
	if (p->others)
		witness_leave(c->peer.w.fd);
	return 0;
}

/* Files are a child's from here on: the connection ends for us, and only for us. */
static int take_files(struct agent_conn *c, const struct frame *f)
{
	const struct poweroff *p = c->d->options.poweroff;
	struct refusal no;
	int rc;

	if (inbox_is_partial(&c->caller.in) || c->caller.out.len > 0)
		return -EPROTO; /* what is in here would be lost */
	if (p && p->phase != POWER_ON)
		return refuse(c, REFUSED_SHUTDOWN, 0, "the guest is powering off");
	rc = files_take(&c->d->files, c->peer.w.fd, f, &no);
	if (rc == -EREMOTEIO)
		return refuse(c, no.why, -(int)no.sys, no.text);
	return rc < 0 ? rc : -ECONNABORTED;
}

static int take_frame(struct agent_conn *c, const struct frame *f)
{
	static const struct {
		uint8_t type;
		int (*take)(struct agent_conn *c, const struct frame *f);
	} table[] = {
		{ FRAME_HEARTBEAT, take_heartbeat },
		{ FRAME_POWEROFF, take_poweroff },
		{ FRAME_INFO, take_info },
		{ FRAME_PORTS, take_ports },
		{ FRAME_CLOCK, take_clock },
		{ FRAME_CLOCK_SET, take_clock_set },
		{ FRAME_SIGNAL_MAIN, take_signal_main },
		{ FRAME_COPY_PUT, take_files },
		{ FRAME_COPY_GET, take_files },
		{ FRAME_FS, take_files },
	};

	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].type == f->type)
			return table[i].take(c, f);
	return -EPROTO;
}

static int take_frames(struct agent_conn *c)
{
	int rc = caller_read(&c->caller);
	struct frame f;

	if (rc <= 0)
		return rc;
	while (!c->caller.is_leaving && (rc = frame_next(&c->caller.in, &f)) > 0) {
		rc = take_frame(c, &f);
		if (rc < 0)
			break;
	}
	if (rc == -EPROTO || rc == -EMSGSIZE)
		rc = refuse(c, REFUSED_PROTOCOL, 0, "a frame that cannot be");
	return rc;
}

static int flush(struct agent_conn *c)
{
	int rc = caller_flush(&c->caller);

	return rc == 0 && c->is_behind && c->caller.out.len == 0 ? send_ports(c) : rc;
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct agent_conn *c = CONTAINER(w, struct agent_conn, peer.w);
	int rc = 0;

	if (events & EPOLLOUT)
		rc = flush(c);
	if (rc >= 0 && (events & ~(uint32_t)EPOLLOUT))
		rc = c->caller.is_leaving ? caller_await_close(&c->caller) : take_frames(c);
	if (rc >= 0)
		rc = conn_settle(c);
	if (rc < 0)
		conn_release(c);
}

/* --- the server --- */

static void accepted(struct listener *l, int fd)
{
	struct agentd *d = CONTAINER(l, struct agentd, listener);
	struct agent_conn *c = d->conns;
	size_t i;

	while (c->peer.w.fd >= 0)
		c++; /* the listener counts: one is free */
	i = (size_t)(c - d->conns);
	caller_init(&c->caller, &c->peer, d->in_mem[i], AGENTD_IN, d->out_mem[i], AGENTD_OUT);
	c->is_behind = 0;
	end_open(&c->peer, fd);
	if (conn_settle(c) < 0)
		conn_release(c);
}

struct agentd *agentd_open(struct loop *l, struct reap *r, int listen_fd,
			   const struct agentd_options *o)
{
	struct agentd *d;
	int rc;

	d = sparse_map(sizeof(*d));
	if (!d)
		return NULL;
	d->options = *o;
	if (d->options.idle_ms == 0)
		d->options.idle_ms = IDLE_MS;
	d->clock = (struct clock){ .ops = o->clock ? o->clock : &clock_ops_machine };
	files_init(&d->files, r);
	ports_init(&d->ports, l, o->scan ? o->scan : procnet_scan, ports_changed);
	for (size_t i = 0; i < AGENTD_CONNS; i++)
		d->conns[i] = (struct agent_conn){
			.d = d,
			.peer = END_INIT(l, peer_ready),
			.idle = { .due = idle_due },
		};
	rc = listener_open(&d->listener, l, listen_fd, AGENTD_CONNS, accepted);
	if (rc == 0)
		return d;
	munmap(d, sizeof(*d));
	errno = -rc;
	return NULL;
}

static int say_synced(struct agent_conn *c, int settled)
{
	if (!settled)
		return refuse(c, REFUSED_FAILED, 0, "the disks did not settle in time");
	c->caller.is_leaving = 1;
	return caller_send(&c->caller, FRAME_SYNCED, NULL, 0);
}

void agentd_say_synced(struct agentd *d, int settled)
{
	for (size_t i = 0; i < AGENTD_CONNS; i++) {
		struct agent_conn *c = &d->conns[i];

		if (c->peer.w.fd < 0 || !c->wants_synced)
			continue;
		if (say_synced(c, settled) < 0 || conn_settle(c) < 0)
			c->wants_synced = 0; /* gone; its handler will find out */
	}
}
