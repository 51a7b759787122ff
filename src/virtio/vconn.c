/*
 * vconn - one connection of the socket device: what it may do, and how it ends.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/util.h"
#include "virtio/vsock_parts.h"

static void forget_bytes(struct vconn *c)
{
	if (c->type == VSOCK_SEQPACKET)
		ends_drop_all(&c->ends, &c->out);
	else
		fifo_drop(&c->out, c->out.len);
}

void vconn_move(struct vsock *v, struct vconn *c, enum vconn_state to)
{
	if (c->state == VCONN_DIALING || c->state == VCONN_OPEN)
		if (to == VCONN_DRAINING || to == VCONN_FREE)
			vconns_forget(&v->conns, c);
	c->state = (uint8_t)to;
	if (to != VCONN_FREE)
		return;
	forget_bytes(c);
	vconns_dequeue(&v->conns, c);
	vconns_give_back(&v->conns, c);
	v->host->close(v->host, vconn_index(v, c));
}

/* --- what it may do ------------------------------------------------------------------------- */

/* The guest's numbers are its own affair, but not beyond 2^31: a window that shrank below what is
 * under way counts as closed (section 5.10.6.3). */
uint32_t vconn_credit(const struct vconn *c)
{
	uint32_t under_way = c->tx - c->peer_fwd;

	return under_way < c->peer_buf ? c->peer_buf - under_way : 0;
}

int vconn_may_send_data(const struct vconn *c)
{
	return c->state == VCONN_OPEN && c->readable && !(c->guest_shut & SHUT_RCV) &&
	       !(c->host_shut & SHUT_SEND) && !(c->todo & TODO_RESPONSE) && vconn_credit(c) > 0;
}

/* Reading is asked for only while the bytes could go somewhere: a level-triggered wait for bytes that
 * must lie spins. So does one for a socket that could take what is no whole message yet. */
void vconn_refresh(struct vsock *v, struct vconn *c)
{
	int in = c->state == VCONN_OPEN && !c->readable && !(c->guest_shut & SHUT_RCV) &&
		 !(c->host_shut & SHUT_SEND);
	int out = vconn_waiting(c) > 0;

	/* Asked once per closed window: a guest whose reader sleeps would answer for ever. */
	if (vconn_credit(c) > 0) {
		c->asked = 0;
	} else if (c->state == VCONN_OPEN && c->readable && !c->asked) {
		c->asked = 1;
		c->todo |= TODO_ASK;
	}
	if (c->todo || vconn_may_send_data(c))
		vconns_enqueue(&v->conns, c);
	if (in != c->wants_in || out != c->wants_out)
		v->host->want(v->host, vconn_index(v, c), in, out);
	c->wants_in = (uint8_t)in;
	c->wants_out = (uint8_t)out;
}

void vconn_owe(struct vsock *v, struct vconn *c, uint8_t what)
{
	c->todo |= what;
	vconns_enqueue(&v->conns, c);
}

/* --- how it ends ---------------------------------------------------------------------------- */

/* When the line is full the guest's own timeout has to do. */
void vconn_owe_reset(struct vsock *v, uint32_t guest_port, uint32_t host_port, uint16_t type)
{
	if (v->resets == VSOCK_RESETS)
		return;
	v->reset[v->resets].guest_port = guest_port;
	v->reset[v->resets].host_port = host_port;
	v->reset[v->resets++].type = type;
}

void vconn_reset(struct vsock *v, struct vconn *c)
{
	/* Unless the guest never heard of it, or its ports are free for another by now. */
	if (!(c->todo & TODO_REQUEST) && c->state != VCONN_DRAINING)
		vconn_owe_reset(v, c->guest_port, c->host_port, c->type);
	vconn_move(v, c, VCONN_FREE);
}

void vconn_shut(struct vsock *v, struct vconn *c, uint8_t flags)
{
	if ((c->host_shut & flags) == flags)
		return;
	c->host_shut |= flags;
	vconn_owe(v, c, TODO_SHUTDOWN);
	if (c->host_shut == SHUT_BOTH)
		v->host->after(v->host, vconn_index(v, c), VSOCK_PATIENCE_MS);
}

void vconn_broke(struct vsock *v, struct vconn *c)
{
	c->host_gone = 1;
	forget_bytes(c);
	c->fwd = c->rx;
	if (c->state == VCONN_DRAINING)
		vconn_move(v, c, VCONN_FREE);
	else if (c->guest_shut == SHUT_BOTH)
		vconn_reset(v, c); /* it only waited for its bytes to be written */
	else if (c->guest_shut & SHUT_RCV)
		vconn_shut(v, c, SHUT_BOTH);
	else
		/* What the host sent before is still read; the end follows when read(2) says so. */
		vconn_shut(v, c, SHUT_RCV);
}

void vconn_ended(struct vsock *v, struct vconn *c)
{
	if (c->state == VCONN_DRAINING || c->guest_shut & SHUT_SEND)
		vconn_consumed(v, c, ends_drop_open(&c->ends, &c->out));
	if (c->out.len > 0)
		return;
	if (c->state == VCONN_DRAINING)
		vconn_move(v, c, VCONN_FREE);
	else if (c->guest_shut == SHUT_BOTH)
		vconn_reset(v, c); /* the RST that ends an orderly close: section 5.10.6.5 */
	else if (c->guest_shut & SHUT_SEND)
		v->host->shut(v->host, vconn_index(v, c), SHUT_WR);
}

/* --- its bytes to the host ------------------------------------------------------------------ */

void vconn_tell_credit(struct vsock *v, struct vconn *c)
{
	if (c->state == VCONN_OPEN && c->fwd != c->fwd_told &&
	    c->rx - c->fwd_told > c->window / 2)
		vconn_owe(v, c, TODO_CREDIT);
}

void vconn_consumed(struct vsock *v, struct vconn *c, size_t len)
{
	c->fwd += (uint32_t)len;
	vconn_tell_credit(v, c);
}

/* All of a stream may go at once; a message goes by itself, and whole. */
static ssize_t write_some(struct vsock *v, struct vconn *c)
{
	int is_stream = c->type == VSOCK_STREAM;
	struct iovec span[2];
	int n = fifo_first(&c->out, is_stream ? c->out.len : ends_first(&c->ends, &c->out), span);
	ssize_t done = v->host->write(v->host, vconn_index(v, c), span, n);

	if (done <= 0)
		return done;
	if (is_stream)
		fifo_drop(&c->out, (size_t)done);
	else
		ends_drop_first(&c->ends, &c->out);
	vconn_consumed(v, c, (size_t)done);
	return done;
}

void vconn_flush(struct vsock *v, struct vconn *c)
{
	while (vconn_waiting(c) > 0) {
		ssize_t done = write_some(v, c);

		if (done == -EAGAIN)
			return;
		if (done <= 0) {
			vconn_broke(v, c);
			return;
		}
	}
	if (c->guest_shut & SHUT_SEND || c->state == VCONN_DRAINING)
		vconn_ended(v, c);
}
