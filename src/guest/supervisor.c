/*
 * supervisor - the services of vm.ini: commands that run beside the main process, and are started again.
 */
#include "guest/supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "guest/syscon.h"

_Static_assert((int)DESC_SERVICES_MAX <= (int)INFO_SERVICES_MAX, "all can be told of");
_Static_assert(sizeof(SERVICE_ID) + DESC_SERVICE_NAME_MAX <= EXEC_ID_MAX, "a session's id");

static void id_of(const struct supervised *x, char out[EXEC_ID_MAX])
{
	snprintf(out, EXEC_ID_MAX, SERVICE_ID "%s", x->name);
}

/* --- one start --- */

/* The request is as large as the largest there can be, and is needed for a moment. */
static struct exec_req *make_request(const struct supervised *x, const char *id)
{
	struct exec_req *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->policy = EXEC_DETACH;
	q->id = id;
	q->user = x->user;
	q->cwd = "";
	q->argc = x->argc;
	for (uint32_t i = 0; i < x->argc; i++)
		q->argv[i] = x->argv[i];
	return q;
}

/* As a shell would have it. */
static uint32_t code_of(const struct refusal *why)
{
	return why->why == REFUSED_NOT_FOUND ? 127 : why->why == REFUSED_NOT_EXECUTABLE ? 126 : 125;
}

/* 0 or negative with *e filled. */
static int start(struct supervised *x, struct err *e)
{
	struct sessions *all = x->of->sessions;
	char id[EXEC_ID_MAX];
	struct exec_req *q;
	struct session *s;
	struct refusal why = { .text = "no memory to start it" };

	id_of(x, id);
	s = session_find(all, id);
	if (s)
		session_disown(s);
	x->starts++;
	x->since_ms = clock_ms();
	q = make_request(x, id);
	s = q ? session_start(all, q, 0, &why) : NULL;
	free(q);
	if (!s) {
		x->status = (struct exec_status){ .end = EXEC_EXITED, .value = code_of(&why) };
		return err_set(e, why.sys ? -(int)why.sys : -EINVAL, "service %s: %s", x->name,
			       why.text);
	}
	session_set_heir(s, &x->heir);
	x->pid = session_pid(s);
	return 0;
}

/* --- what becomes of it --- */

static int is_wanted_again(const struct supervised *x)
{
	if (x->of->is_over || x->restart == RESTART_NO)
		return 0;
	return x->restart == RESTART_ALWAYS || exec_status_code(&x->status) != 0;
}

/* It does not run. how: "ended with 3", a clause for the console. */
static void go_on(struct supervised *x, const char *how)
{
	if (!is_wanted_again(x)) {
		syscon_say("service %s %s", x->name, how);
		return;
	}
	if (clock_ms() - x->since_ms >= SUPERVISED_STEADY_MS)
		x->wait_ms = 0;
	x->wait_ms = x->wait_ms ? MIN(2 * x->wait_ms, (unsigned)SUPERVISED_LATE_MS)
				: SUPERVISED_FIRST_MS;
	syscon_say("service %s %s; again in %u ms", x->name, how, x->wait_ms);
	loop_after(x->of->loop, &x->again, x->wait_ms);
}

static void ended(struct session_heir *h, const struct exec_status *s)
{
	struct supervised *x = CONTAINER(h, struct supervised, heir);
	char how[32];

	x->pid = 0;
	x->status = *s;
	snprintf(how, sizeof(how), "ended with %d", exec_status_code(s));
	go_on(x, how);
}

static void again_due(struct timer *t)
{
	struct supervised *x = CONTAINER(t, struct supervised, again);
	struct err e = ERR_NONE;

	if (start(x, &e) < 0)
		go_on(x, "could not be started");
}

/* --- the whole --- */

static void drop(struct supervised *x)
{
	free(x->name);
	free(x->user);
	for (uint32_t i = 0; i < x->argc; i++)
		free(x->argv[i]);
}

/* A copy: the description is given back when the boot is over. 0 or -ENOMEM. */
static int add(struct supervisor *s, const struct desc_service *d)
{
	struct supervised *x = &s->list[s->count++];
	int lacks;

	*x = (struct supervised){
		.of = s,
		.name = strdup(d->name),
		.user = strdup(d->user),
		.argc = d->argc,
		.restart = d->restart,
		.heir = { ended },
		.again = { .due = again_due },
	};
	lacks = !x->name || !x->user;
	for (uint32_t i = 0; i < d->argc; i++) {
		x->argv[i] = strdup(d->argv[i]);
		lacks |= !x->argv[i];
	}
	if (!lacks)
		return 0;
	drop(x);
	s->count--;
	return -ENOMEM;
}

int supervisor_begin(struct supervisor *s, struct loop *l, struct sessions *sessions,
		     const struct guest_desc *d, struct err *e)
{
	*s = (struct supervisor){ .loop = l, .sessions = sessions };
	for (uint32_t i = 0; i < d->nservices; i++)
		if (add(s, &d->services[i]) < 0)
			return err_set(e, -ENOMEM, "service %s: no memory for it",
				       d->services[i].name);
	for (uint32_t i = 0; i < s->count; i++) {
		struct err one = ERR_NONE;

		if (start(&s->list[i], &one) == 0)
			continue;
		if (e->code == 0)
			*e = one;
		go_on(&s->list[i], "could not be started");
	}
	return e->code;
}

void supervisor_stop(struct supervisor *s)
{
	s->is_over = 1;
	for (uint32_t i = 0; i < s->count; i++)
		if (s->list[i].again.at_ms)
			loop_cancel(s->loop, &s->list[i].again);
}

void supervisor_close(struct supervisor *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		drop(&s->list[i]);
	s->count = 0;
}

uint32_t supervisor_info(const struct supervisor *s, struct info_service out[INFO_SERVICES_MAX])
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct supervised *x = &s->list[i];

		out[i] = (struct info_service){
			.name = x->name,
			.state = x->pid		  ? INFO_SERVICE_RUNNING
				 : x->again.at_ms ? INFO_SERVICE_WAITING
						  : INFO_SERVICE_ENDED,
			.pid = (uint32_t)x->pid,
			.starts = x->starts,
			.status = x->status,
		};
	}
	return s->count;
}
