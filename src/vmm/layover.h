/*
 * layover - an overlay file (proto/overlay) laid over the disk it belongs to.
 *
 * The file is as little believed as any: it may be cut, or another's.
 */
#ifndef VMM_LAYOVER_H
#define VMM_LAYOVER_H

#include "virtio/overlay.h"

/* bytes: of the base. 0; -EPROTO: no overlay, or one of a disk of another size; -EBUSY: its base is
 * being committed to; -EIO: it was cut; or a negative errno of reading it. */
int layover_open(struct overlay *o, int base, int delta, uint64_t bytes);

#endif
