/*
 * stream - what is said on port 4093: a connection from the guest to somewhere it can reach.
 */
#include "proto/stream.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

/* What the fields say of one another. */
static int is_sane(const struct stream_req *q)
{
	size_t len = strlen(q->address);

	if (q->timeout_ms == 0 || q->timeout_ms > STREAM_TIMEOUT_MAX)
		return 0;
	switch (q->kind) {
	case STREAM_TCP:
	case STREAM_UDP:
		return q->port > 0 && len > 0 && len < STREAM_ADDRESS_MAX;
	case STREAM_UNIX:
		return q->port == 0 && q->address[0] == '/' && len < STREAM_PATH_MAX;
	}
	return 0;
}

long stream_req_encode(const struct stream_req *q, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_u8(&w, q->kind);
	wr_be16(&w, q->port);
	wr_be32(&w, q->timeout_ms);
	wr_str(&w, q->address);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int stream_req_decode(struct stream_req *q, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	q->kind = rd_u8(&r);
	q->port = rd_be16(&r);
	q->timeout_ms = rd_be32(&r);
	q->address = rd_str(&r);
	return rd_done(&r) && is_sane(q) ? 0 : -EPROTO;
}

long stream_opened_encode(const struct stream_opened *o, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_str(&w, o->peer);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int stream_opened_decode(struct stream_opened *o, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	o->peer = rd_str(&r);
	return rd_done(&r) && strlen(o->peer) < STREAM_ADDRESS_MAX ? 0 : -EPROTO;
}
