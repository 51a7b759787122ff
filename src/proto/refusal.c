/*
 * refusal - the payload of FRAME_ERROR: why a server did not do what it was asked for.
 */
#include "proto/refusal.h"

#include <errno.h>

#include "base/bytes.h"

long refusal_encode(const struct refusal *f, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be16(&w, f->why);
	wr_be32(&w, f->sys);
	wr_str(&w, f->text);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int refusal_decode(struct refusal *f, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	f->why = rd_be16(&r);
	f->sys = rd_be32(&r);
	f->text = rd_str(&r);
	return rd_done(&r) && f->why >= REFUSED_NOT_FOUND && f->why <= REFUSED_FAILED ? 0 : -EPROTO;
}

int refusal_code(const struct refusal *f)
{
	switch (f->why) {
	case REFUSED_NOT_FOUND:
		return 127;
	case REFUSED_NOT_EXECUTABLE:
		return 126;
	}
	return 125;
}
