/*
 * published - the forwards that a VM's agent keeps.
 */
#include "host/published.h"

#include "base/log.h"
#include "base/util.h"
#include "host/agent_parts.h"
#include "host/rulebook.h"

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

static int add(struct agent *a, const char *text, struct err *e)
{
	struct forwardrule r;
	int rc = forwardrule_parse(&r, "publish", text, e);

	return rc < 0 ? rc : forwards_add(&a->forwards, &r, e);
}

/* Up to the first that cannot be; or, where that is no reason to stop, all that can. */
static int add_all(struct agent *a, int whatever_can_be, struct err *e)
{
	const struct settings *s = &a->config.settings;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->at[i].is_live && setting_is(&s->at[i], KEY_PUBLISH, NULL) &&
		    add(a, s->at[i].text, e) < 0 && !whatever_can_be)
			return err_in(e, "publish");
	return 0;
}

/* Whoever has a public door for ssh wants to know that it opens. */
int published_expect_ssh(struct agent *a, struct err *e)
{
	const struct forward *ssh = forwards_find(&a->forwards, "ssh");
	char text[HOSTADDR_TEXT];
	struct endpoint where;
	int rc;

	if (!ssh || ssh->is_udp || a->config.proof.banner[0])
		return 0;
	rc = endpoint_parse(&where, hostaddr_text(text, &ssh->host), e);
	if (rc == 0)
		ready_expect_ssh(&a->ready, &where);
	return rc;
}

int published_open(struct agent *a, struct err *e)
{
	int rc = forwards_open(&a->forwards, &a->loop, a->sockets.dir, &a->vm, &news, e);

	rulebook_drop(&a->vm);
	if (rc == 0)
		rc = add_all(a, 0, e);
	return rc < 0 ? rc : published_expect_ssh(a, e);
}

static void take_rule(void *arg, const char *rule)
{
	struct err e = ERR_NONE;

	if (add(arg, rule, &e) < 0)
		log_warn("agent: %s", e.text);
}

void published_rejoin(struct agent *a)
{
	struct err e = ERR_NONE;

	if (forwards_open(&a->forwards, &a->loop, a->sockets.dir, &a->vm, &news, &e) == 0 &&
	    !rulebook_read(&a->vm, take_rule, a))
		add_all(a, 1, &e);
	if (published_expect_ssh(a, &e) < 0 || e.code < 0)
		log_warn("agent: %s", e.text);
	published_ready(a, ready_holds(&a->ready, AGENT_UP));
}

void published_ready(struct agent *a, int is_up)
{
	if (a->forwards.tunnels)
		forwards_guest_is_up(&a->forwards, is_up);
}
