/*
 * requests - what others ask of a VM's agent over agent.sock: a table of ops.
 */
#include "host/requests.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "host/agent_parts.h"
#include "host/forwardops.h"

static json_t *status_answer(const struct agent *a)
{
	return json_pack("{s:b, s:s, s:b, s:o, s:s, s:I}", "ok", 1, "state",
			 state_name(a->st.state), "ready", a->st.ready, "conditions",
			 conditions_values(&a->ready.conditions), "boot", a->st.boot, "t_ms",
			 (json_int_t)agent_elapsed_ms(a));
}

static void asked_status(struct agent *a, struct client *c, const json_t *request)
{
	(void)request;
	client_answer(c, status_answer(a));
}

/* Each with all that is known of it. */
static void asked_conditions(struct agent *a, struct client *c, const json_t *request)
{
	(void)request;
	client_answer(c, json_pack("{s:b, s:b, s:o}", "ok", 1, "ready", a->st.ready, "conditions",
				   conditions_list(ready_conditions(&a->ready))));
}

static void asked_stop(struct agent *a, struct client *c, const json_t *request)
{
	const json_t *ms = json_object_get(request, "timeout_ms");
	json_int_t wait_ms = json_is_integer(ms) ? json_integer_value(ms) : STOP_MS;

	if (wait_ms < 0 || wait_ms > INT32_MAX) {
		client_answer(
			c, json_pack("{s:b, s:s}", "ok", 0, "error", "timeout_ms: out of range"));
		return;
	}
	client_waits(c);
	agent_stop(a, (unsigned)wait_ms, json_is_true(json_object_get(request, "force")));
}

/* {"since":N,"follow":true}: all from that number on, a line each behind the answer. */
static void asked_events(struct agent *a, struct client *c, const json_t *request)
{
	const json_t *since = json_object_get(request, "since");
	const json_t *follow = json_object_get(request, "follow");
	struct eventstream *s;
	struct err e = ERR_NONE;

	if ((since && (!json_is_integer(since) || json_integer_value(since) < 0)) ||
	    (follow && !json_is_boolean(follow))) {
		client_answer(c, json_pack("{s:b, s:s}", "ok", 0, "error",
					   "since: not a number; or follow: not true or false"));
		return;
	}
	s = eventstream_open(&a->vm, (uint64_t)json_integer_value(since), json_is_true(follow), &e);
	if (!s) {
		client_answer(c, json_pack("{s:b, s:s}", "ok", 0, "error", e.text));
		return;
	}
	client_answer(c, json_pack("{s:b}", "ok", 1));
	client_stream(c, s);
}

static void asked_forward_add(struct agent *a, struct client *c, const json_t *request)
{
	client_answer(c, forwardops_add(&a->forwards, request));
}

static void asked_forward_ls(struct agent *a, struct client *c, const json_t *request)
{
	client_answer(c, forwardops_ls(&a->forwards, request));
}

static void asked_forward_rm(struct agent *a, struct client *c, const json_t *request)
{
	client_answer(c, forwardops_rm(&a->forwards, request));
}

/* --- pause and resume --- */

enum { WAITS_PAUSED = 2, WAITS_RESUMED = 3 };

static json_t *state_answer(const struct agent *a)
{
	return json_pack("{s:b, s:s}", "ok", 1, "state", state_name(a->st.state));
}

static void set_pause(struct agent *a, struct client *c, int paused)
{
	char text[100];

	if (a->st.state == (paused ? VM_PAUSED : VM_RUNNING)) {
		client_answer(c, state_answer(a));
	} else if (a->st.state == (paused ? VM_RUNNING : VM_PAUSED)) {
		client_waits_for(c, paused ? WAITS_PAUSED : WAITS_RESUMED);
		vmmchild_signal(&a->vmm, paused ? VMM_SIG_PAUSE : VMM_SIG_RESUME);
	} else {
		snprintf(text, sizeof(text), "it is %s: only a VM that runs can be paused",
			 state_name(a->st.state));
		client_answer(c, json_pack("{s:b, s:s}", "ok", 0, "error", text));
	}
}

static void asked_pause(struct agent *a, struct client *c, const json_t *request)
{
	(void)request;
	set_pause(a, c, 1);
}

static void asked_resume(struct agent *a, struct client *c, const json_t *request)
{
	(void)request;
	set_pause(a, c, 0);
}

void requests_tell_pause(struct agent *a)
{
	control_tell(&a->control, a->vmm.paused ? WAITS_PAUSED : WAITS_RESUMED, state_answer(a));
}

static const struct {
	const char *op;
	/* To be answered with client_answer(), or later after client_waits(). */
	void (*asked)(struct agent *a, struct client *c, const json_t *request);
} ops[] = {
	{ "status", asked_status },
	{ "conditions", asked_conditions },
	{ "stop", asked_stop },
	{ "events", asked_events },
	{ "forward_add", asked_forward_add },
	{ "forward_ls", asked_forward_ls },
	{ "forward_rm", asked_forward_rm },
	{ "pause", asked_pause },
	{ "resume", asked_resume },
};

static void refuse_op(struct client *c)
{
	char text[256] = "op: not one of";

	for (size_t i = 0; i < COUNT(ops); i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s %s", i ? "," : "", ops[i].op);
	}
	client_answer(c, json_pack("{s:b, s:s}", "ok", 0, "error", text));
}

void requests_take(struct client *c, const json_t *request)
{
	struct agent *a = CONTAINER(c->control, struct agent, control);
	const char *op = json_string_value(json_object_get(request, "op"));

	for (size_t i = 0; op && i < COUNT(ops); i++) {
		if (strcmp(op, ops[i].op) != 0)
			continue;
		ops[i].asked(a, c, request);
		return;
	}
	refuse_op(c);
}

static json_t *stop_answer(const struct agent *a)
{
	return json_pack("{s:b, s:s, s:s, s:b, s:I}", "ok", 1, "reason", a->verdict.reason, "rung",
			 rung_name(a->ladder.rung), "synced", a->ladder.synced, "ms",
			 a->ladder.rung ? (json_int_t)(clock_ms() - a->ladder.began_ms) : 0);
}

void requests_tell_end(struct agent *a)
{
	control_tell_waiting(&a->control, stop_answer(a));
}
