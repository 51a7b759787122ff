/*
 * vconns - the socket device's connections: a fixed table of them, found by their ports, and the
 * line of those that have something for the guest.
 */
#include "virtio/vconns.h"

#include <stddef.h>
#include <string.h>

void vconns_init(struct vconns *t, void *buffers)
{
	*t = (struct vconns){ .ready = VSOCK_NONE, .ready_tail = VSOCK_NONE, .buffers = buffers };
	memset(t->hash, 0xff, sizeof(t->hash)); /* VSOCK_NONE everywhere */
	for (unsigned i = 0; i < VSOCK_CONNS; i++)
		t->conn[i].next_ready = (uint16_t)(i + 1 < VSOCK_CONNS ? i + 1 : VSOCK_NONE);
}

static uint16_t *hash_slot(struct vconns *t, uint32_t guest_port, uint32_t host_port)
{
	return &t->hash[(guest_port * 31 + host_port) % VSOCK_HASH];
}

struct vconn *vconns_find(struct vconns *t, uint32_t guest_port, uint32_t host_port)
{
	for (uint16_t i = *hash_slot(t, guest_port, host_port); i != VSOCK_NONE;) {
		struct vconn *c = &t->conn[i];

		if (c->guest_port == guest_port && c->host_port == host_port)
			return c;
		i = c->next_hash;
	}
	return NULL;
}

struct vconn *vconns_take(struct vconns *t, uint32_t guest_port, uint32_t host_port)
{
	uint16_t *slot = hash_slot(t, guest_port, host_port);
	uint16_t i = t->free;
	struct vconn *c;
	uint8_t *mem;

	if (i == VSOCK_NONE)
		return NULL;
	c = &t->conn[i];
	mem = t->buffers + (size_t)i * VSOCK_MEMORY;
	t->free = c->next_ready;
	*c = (struct vconn){
		.guest_port = guest_port,
		.host_port = host_port,
		.appetite = 1,
		.next_hash = *slot,
	};
	fifo_init(&c->out, mem, VSOCK_BUF);
	fifo_init(&c->in, mem + VSOCK_BUF, VSOCK_BUF);
	ends_init(&c->ends, mem + 2 * VSOCK_BUF);
	*slot = i;
	return c;
}

void vconns_forget(struct vconns *t, struct vconn *c)
{
	uint16_t *p = hash_slot(t, c->guest_port, c->host_port);

	while (*p != VSOCK_NONE && *p != vconns_index(t, c))
		p = &t->conn[*p].next_hash;
	if (*p != VSOCK_NONE)
		*p = c->next_hash;
}

void vconns_give_back(struct vconns *t, struct vconn *c)
{
	c->next_ready = t->free;
	t->free = (uint16_t)vconns_index(t, c);
}

void vconns_enqueue(struct vconns *t, struct vconn *c)
{
	uint16_t i = (uint16_t)vconns_index(t, c);

	if (c->queued)
		return;
	c->queued = 1;
	c->next_ready = VSOCK_NONE;
	if (t->ready == VSOCK_NONE)
		t->ready = i;
	else
		t->conn[t->ready_tail].next_ready = i;
	t->ready_tail = i;
}

void vconns_dequeue(struct vconns *t, struct vconn *c)
{
	uint16_t *p = &t->ready, prev = VSOCK_NONE;

	if (!c->queued)
		return;
	while (*p != vconns_index(t, c)) {
		prev = *p;
		p = &t->conn[*p].next_ready;
	}
	*p = c->next_ready;
	if (t->ready_tail == vconns_index(t, c))
		t->ready_tail = prev;
	c->queued = 0;
}

struct vconn *vconns_next(struct vconns *t)
{
	struct vconn *c = t->ready == VSOCK_NONE ? NULL : &t->conn[t->ready];

	if (c)
		vconns_dequeue(t, c);
	return c;
}
