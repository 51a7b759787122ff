/*
 * The memory balloon under a guest that writes anything into its ring. Input: 1 byte, which queue it is; then
 * acts of 8 bytes: a descriptor, its place and whether it is offered. No page may go of which no buffer, and
 * no number in one, spoke.
 */
#include <stdlib.h>

#include "../unit/balloon_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUES = 5, INFLATE = 0, DEFLATE = 1 };

/* Pages of either piece of memory that may be the host's now. */
static uint8_t may_go[BW_HIGH_AT / BW_PAGE + BW_HIGH / BW_PAGE];

static void allow(uint64_t page)
{
	if (page < sizeof(may_go))
		may_go[page] = 1;
}

/* All that lies in memory the driver wrote to, read as the device might read it. */
static void allow_numbers(const struct ring_desc *d)
{
	const uint8_t *at = gmem_span(&bw_mem, d->addr, d->len);
	uint32_t pfn;

	for (size_t i = 0; at && i + 1 <= d->len; i++) {
		memcpy(&pfn, at + i, MIN(sizeof(pfn), d->len - i));
		allow(pfn);
	}
}

static void act(unsigned queue, const uint8_t a[8])
{
	struct ring_desc *d = &bw_ring.desc[a[0] % BALLOON_QUEUE];

	*d = (struct ring_desc){
		.addr = BW_PAGE + (uint64_t)a[1] * (BW_PAGE / 2) + (a[0] & 0xc0), /* the ring is read by nobody as numbers */
		.len = (uint32_t)(a[2] | (a[3] & 63) << 8) * 4,
		.flags = a[4] & (DESC_NEXT | DESC_WRITE),
		.next = a[5],
	};
	if (queue > DEFLATE)
		for (uint64_t p = d->addr / BW_PAGE; p <= (d->addr + d->len) / BW_PAGE; p++)
			allow(p);
	if (a[7] & 64 && d->addr + 4 <= BW_LOW) {
		memcpy(bw_low + d->addr, (const uint32_t[]){ a[6] }, 4);
		allow(a[6]);
	}
	if (queue == INFLATE)
		allow_numbers(d);
	if (a[7] & 1)
		ring_offer(&bw_ring, a[7] >> 1 & 31);
	if (a[7] & 128)
		bw_ring.avail->idx = (uint16_t)(bw_ring.avail->idx + a[6]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned queue = size ? data[0] % QUEUES : 0;

	memset(may_go, 0, sizeof(may_go));
	bw_begin(queue);
	for (size_t at = 1; at + 8 <= size && at < 1000; at += 8) {
		act(queue, data + at);
		vdev_notify(&bw.dev, queue);
	}
	for (size_t page = 1; page < sizeof(may_go); page++) {
		const uint8_t *at = gmem_span(&bw_mem, page * BW_PAGE, BW_PAGE);

		if (at && !may_go[page] && at[0] == 0 && at[BW_PAGE - 1] == 0 && at[BW_PAGE / 2] == 0)
			abort();
	}
	return 0;
}
