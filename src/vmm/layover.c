/*
 * layover - an overlay file (proto/overlay) laid over the disk it belongs to.
 */
#include "vmm/layover.h"

#include <errno.h>
#include <unistd.h>

#include "proto/overlay.h"

_Static_assert((int)OVERLAY_UNIT == (int)OVERLAY_BLOCK, "the file's blocks are the device's");

int layover_open(struct overlay *o, int base, int delta, uint64_t bytes)
{
	struct overlay_place place = { OVERLAY_MAP_AT, overlay_map_bytes(bytes),
				       overlay_data_at(bytes) };
	uint8_t head[OVERLAY_HEADER];
	struct overlay_header h;
	ssize_t n = pread(delta, head, sizeof(head), 0);

	if (n != (ssize_t)sizeof(head))
		return n < 0 ? -errno : -EIO;
	if (overlay_decode(&h, head) < 0 || h.base.bytes != bytes)
		return -EPROTO;
	if (h.state != OVERLAY_LIVE)
		return -EBUSY;
	return overlay_open(o, base, delta, bytes, &place);
}
