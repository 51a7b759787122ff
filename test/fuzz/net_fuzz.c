/*
 * The network device under a guest that writes anything into its rings, and a host that gives it frames
 * of any length and is busy now and then. Input: 1 byte, what is agreed on; then acts of 8 bytes. What
 * was in no buffer to be filled keeps its zeroes, no turn takes more than its share, and whatever was
 * done before, a frame reaches the next driver.
 */
#include <stdlib.h>

#include "../unit/net_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UNIT = 64, UNITS = NET_RAM / UNIT };

static uint8_t may_fill[UNITS];

static void allow(const struct ring_desc *d)
{
	for (uint64_t at = d->addr / UNIT; at < UNITS && at * UNIT < d->addr + d->len; at++)
		may_fill[at] = 1;
}

/* A descriptor, and whether it is offered. */
static void act_buffer(unsigned q, const uint8_t a[8])
{
	struct ring_desc *d = &w.desc[q][a[1] % 32];

	*d = (struct ring_desc){
		.addr = NET_DATA_AT + (uint64_t)(a[2] | (a[3] & 31) << 8) * UNIT,
		.len = a[3] & 32 ? a[4] : a[4] * 300u,
		.flags = a[5] & (DESC_NEXT | DESC_WRITE),
		.next = a[6] % 33,
	};
	allow(d);
	if (a[7] & 1)
		net_offer(q, a[7] >> 1 & 31);
	if (a[7] == 254)
		w.avail[q]->idx = (uint16_t)(w.avail[q]->idx + a[6] * 256u);
}

/* A frame of the guest's with a header of these bytes, where transmit buffers lie at the end of RAM. */
static void act_frame(const uint8_t a[8])
{
	uint32_t at = NET_RAM - 4096;

	memset(net_ram + at, 0, NET_HEADER);
	memcpy(net_ram + at, a + 1, 7);
	w.desc[NET_TX][40] = (struct ring_desc){ at, 12 + a[4] * 16u, 0, 0 };
	net_offer(NET_TX, 40);
}

static void act(const uint8_t a[8])
{
	switch (a[0] & 7) {
	case 0:
	case 1:
		act_buffer(NET_RX, a);
		break;
	case 2:
		act_buffer(NET_TX, a);
		break;
	case 3:
		w.frames = w.given + a[1] % 80;
		w.frame_len = MIN((size_t)(a[2] | a[3] << 8 | (a[4] & 1) << 16), (size_t)NET_TAKES);
		break;
	case 4:
		act_frame(a);
		break;
	case 5:
		w.is_busy = a[1] & 1;
		break;
	case 6:
		net_late(&w.net);
		break;
	case 7:
		net_link(&w.net, a[1] & 1);
		break;
	}
}

static void turn(uint8_t which)
{
	unsigned reads = w.reads, sent = w.sent;

	if (which & 8)
		net_readable(&w.net);
	else
		vdev_notify(&w.net.dev, NET_RX);
	if (which & 16)
		net_writable(&w.net);
	else
		vdev_notify(&w.net.dev, NET_TX);
	if (w.reads - reads > 64 || w.sent - sent > 2 * 64)
		abort();
	if (!(w.net.dev.status & VDEV_NEEDS_RESET))
		return;
	net_readable(&w.net);
	if (w.wants)
		abort(); /* the loop would turn for ever */
}

static void the_next_driver_is_served(uint64_t features)
{
	vdev_set_status(&w.net.dev, 0);
	vdev_run(&w.net.dev);
	net_up(features);
	w.desc[NET_RX][3] = (struct ring_desc){ NET_DATA_AT, 2000, DESC_WRITE, 0 };
	net_offer(NET_RX, 3);
	w.frames = w.given + 1;
	w.frame_len = 100;
	net_readable(&w.net);
	if (w.used[NET_RX]->idx != 1 || w.used[NET_RX]->ring[0].len != 100)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t features = size ? (data[0] & 1 ? NET_F_MRG_RXBUF : 0) |
					   (data[0] & 2 ? NET_F_OFFLOADS : 0) |
					   (data[0] & 4 ? VDEV_F_EVENT_IDX : 0)
				 : 0;

	memset(may_fill, 0, sizeof(may_fill));
	memset(may_fill + (NET_RAM - 4096) / UNIT, 1, 4096 / UNIT);
	net_begin(features);
	for (size_t at = 1; at + 8 <= size && at < 2000; at += 8) {
		act(data + at);
		turn(data[at]);
	}
	for (size_t at = NET_DATA_AT; at < NET_RAM; at++)
		if (net_ram[at] && !may_fill[at / UNIT])
			abort();
	the_next_driver_is_served(features);
	return 0;
}
