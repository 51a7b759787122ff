/*
 * packet - SSH's binary packets as they are before keys were agreed upon: taken as they arrive, and
 * made (RFC 4253, section 6).
 *
 * The bytes are the peer's and hostile; a length is believed up to PACKET_MAX.
 */
#ifndef SSH_PACKET_H
#define SSH_PACKET_H

#include "base/bytes.h"

enum { PACKET_MAX = 35000 }; /* all of it; what everybody must be able to take */

struct packet {
	size_t used;	/* of mem */
	size_t payload; /* its length, once the packet is whole; else 0 */
	uint8_t mem[PACKET_MAX];
};

/* Takes what belongs to the packet at hand, or the next one when that is whole. How many bytes, or
 * -EPROTO. */
long packet_take(struct packet *p, const void *data, size_t len);

/* What a whole packet says. */
struct rd packet_read(const struct packet *p);

/* One packet around a payload; w->bad when there is no room. */
void packet_put(struct wr *w, const void *payload, size_t len);

#endif
