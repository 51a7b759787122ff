/*
 * ready - the guest's beacon (host port 4088).
 */
#include "proto/ready.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

const char *stage_state_name(uint8_t state)
{
	static const char *const names[] = { "?", "begin", "done", "failed" };

	return names[state <= STAGE_FAILED ? state : 0];
}

long beacon_hello_encode(const struct beacon_hello *h, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be16(&w, h->protocol);
	wr_str(&w, h->boot);
	wr_str(&w, h->version);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int beacon_hello_decode(struct beacon_hello *h, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	h->protocol = rd_be16(&r);
	h->boot = rd_str(&r);
	h->version = rd_str(&r);
	return rd_done(&r) && strlen(h->boot) == BOOT_ID_LEN ? 0 : -EPROTO;
}

long beacon_stage_encode(const struct beacon_stage *s, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_str(&w, s->name);
	wr_u8(&w, s->state);
	wr_be64(&w, s->guest_ms);
	wr_str(&w, s->detail);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int beacon_stage_decode(struct beacon_stage *s, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	s->name = rd_str(&r);
	s->state = rd_u8(&r);
	s->guest_ms = rd_be64(&r);
	s->detail = rd_str(&r);
	if (!rd_done(&r) || s->state < STAGE_BEGIN || s->state > STAGE_FAILED)
		return -EPROTO;
	if (s->name[0] == '\0' || strlen(s->name) >= STAGE_NAME_MAX ||
	    strlen(s->detail) >= STAGE_DETAIL_MAX)
		return -EPROTO;
	return 0;
}
