/*
 * known - one VM as it is now: its folder, and what is true of it.
 */
#include "host/known.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "host/mend.h"
#include "host/news.h"
#include "host/orphan.h"

/* From a start's lock to its first state there is no more than files to be opened. */
enum { SETTLE_MS = 10000 };

int known_find(struct known *k, const char *name, struct err *e)
{
	int rc = home_open(&k->home, 0, e);

	if (rc == 0)
		rc = store_find(&k->ref, &k->home, name, e);
	if (rc == 0)
		rc = mend_read(&k->state, &k->ref, e);
	return rc < 0 ? rc : orphan_care(&k->ref, &k->state, e);
}

/* A lock that is let go before the look at the state has left there what it came to. */
static int settle(struct known *k, struct news *n, struct err *e)
{
	int64_t deadline_ms = clock_ms() + SETTLE_MS;
	int rc = 0, busy;

	do {
		busy = store_is_locked(&k->ref);
		rc = mend_read(&k->state, &k->ref, e);
		if (rc < 0 || !busy || state_is_live(k->state.state))
			return rc < 0 ? rc : orphan_care(&k->ref, &k->state, e);
	} while (news_wait(n, deadline_ms) == 0);
	return store_busy(&k->ref, e);
}

int known_find_settled(struct known *k, const char *name, struct err *e)
{
	struct news n = NEWS_NONE;
	int rc = known_find(k, name, e);

	if (rc < 0 || state_is_live(k->state.state) || !store_is_locked(&k->ref))
		return rc;
	rc = news_open(&n, &k->ref);
	rc = rc < 0 ? err_set(e, rc, "%s: watch its folder: %s", k->ref.name, strerror(-rc))
		    : settle(k, &n, e);
	news_close(&n);
	return rc;
}

int known_find_live(struct known *k, const char *name, struct err *e)
{
	int rc = known_find_settled(k, name, e);

	if (rc < 0 || state_is_live(k->state.state))
		return rc;
	return err_set(e, -ESRCH, "%s: is not running (%s)", k->ref.name,
		       state_name(k->state.state));
}

void known_close(struct known *k)
{
	store_close(&k->ref);
	home_close(&k->home);
}
