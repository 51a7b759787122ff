/*
 * The console device under a guest that writes anything into its rings while somebody types. Input: acts of
 * 8 bytes: a descriptor, its ring and place and whether it is offered, and how much is typed. All that is typed
 * is in the device or was in buffers to be filled, each byte once.
 */
#include <stdlib.h>

#include "../unit/console_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void act(const uint8_t a[8])
{
	struct ring *r = a[0] & 1 ? &cw_tx : &cw_rx;

	r->desc[a[0] >> 1 & (CONSOLE_QUEUE - 1)] = (struct ring_desc){
		.addr = CW_DATA_AT + (uint64_t)(a[1] | a[2] << 8),
		.len = a[3] | (uint32_t)(a[4] & 15) << 8,
		.flags = a[5] & (DESC_NEXT | DESC_WRITE | DESC_INDIRECT),
		.next = a[6] & 31,
	};
	if (a[7] & 1)
		ring_offer(r, a[6] >> 3);
	if ((a[7] & 0xc0) == 0xc0)
		r->avail->idx = (uint16_t)(r->avail->idx + a[6]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t text[64] = "typed";
	uint64_t typed = 0, arrived = 0;
	uint16_t seen = 0;

	cw_begin(VDEV_F_VERSION_1 | VDEV_F_INDIRECT_DESC);
	for (size_t at = 0; at + 8 <= size && at < 1000; at += 8) {
		act(data + at);
		typed += console_receive(&cw, text, data[at + 7] >> 1 & 31);
		vdev_notify(&cw.dev, CW_RECEIVE);
		for (; seen != cw_rx.used->idx; seen++)
			arrived += cw_rx.used->ring[seen % CONSOLE_QUEUE].len;
		if (arrived + cw.typed != typed)
			abort();
		vdev_notify(&cw.dev, CW_TRANSMIT);
	}
	return 0;
}
