/*
 * published - the forwards that a VM's agent keeps.
 */
#include "host/published.h"

#include "base/util.h"
#include "host/agent_parts.h"

static struct agent *agent_of(struct forwards *fs)
{
	return CONTAINER(fs, struct agent, forwards);
}

static void said(struct forwards *fs, const struct forward *f, const char *detail)
{
	timeline_forward(&agent_of(fs)->tl, f,
			 f->state == FORWARD_LISTENING ? "listening" : "closed", detail);
}

static void failed(struct forwards *fs, const struct forward *like, const char *why)
{
	timeline_forward(&agent_of(fs)->tl, like, "failed", why);
}

static const struct forwards_news news = { said, failed };

static int add_all(struct agent *a, struct err *e)
{
	const struct settings *s = &a->config.settings;
	int rc = 0;

	for (uint32_t i = 0; i < s->count && rc == 0; i++) {
		struct forwardrule r;

		if (!setting_is(&s->at[i], KEY_PUBLISH, NULL))
			continue;
		rc = forwardrule_parse(&r, "publish", s->at[i].text, e);
		if (rc == 0)
			rc = forwards_add(&a->forwards, &r, e);
	}
	return rc;
}

int published_open(struct agent *a, struct err *e)
{
	int rc = forwards_open(&a->forwards, &a->loop, a->sockets.dir, &a->vm, &news, e);

	if (rc == 0)
		rc = add_all(a, e);
	return rc < 0 ? err_in(e, "publish") : 0;
}

void published_ready(struct agent *a, int is_up)
{
	if (a->forwards.tunnels)
		forwards_guest_is_up(&a->forwards, is_up);
}
