/*
 * successor - the agent of a VM after the one that was asked and did not answer.
 */
#include "host/successor.h"

#include <errno.h>

#include "base/clock.h"
#include "host/orphan.h"

int successor_may_answer(long rc)
{
	return rc == -ECONNREFUSED || rc == -ENOENT || rc == -ECONNRESET || rc == -EPIPE;
}

int successor_find(struct vmref *v, struct state *s, struct news *news, int64_t deadline_ms)
{
	struct err unread = ERR_NONE;
	struct state now;

	if (clock_ms() >= deadline_ms || (store_is_locked(v) && news_wait(news, deadline_ms) < 0) ||
	    state_read(&now, v, &unread) < 0)
		return 0;
	if (orphan_care(v, &now, &unread) < 0)
		return 0;
	*s = now;
	return state_is_live(s->state) && s->orphan == ORPHAN_NOT;
}
