/*
 * cond - what somebody waits for: NAME, or NAME=true, or NAME=false.
 */
#include "host/cond.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"

static const struct {
	const char *name;
	enum cond_kind kind;
} words[] = {
	{ "ready", COND_READY },	  { "running", COND_RUNNING },
	{ "stopped", COND_STOPPED },	  { "exit", COND_EXIT },
	{ "exists", COND_EXISTS },	  { "gone", COND_GONE },
	{ "vm_alive", COND_CONDITION },	  { "agent_up", COND_CONDITION },
	{ "ssh_banner", COND_CONDITION }, { "boot_done", COND_CONDITION },
};

static int is_probe(const char *name)
{
	return strncmp(name, "probe:", 6) == 0 && name[6] &&
	       strspn(name + 6,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
		       strlen(name + 6);
}

int cond_parse(struct cond *c, const char *what, const char *text, struct err *e)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text), at = 0;

	*c = (struct cond){ .text = text, .value = 1 };
	if (equals && strcmp(equals + 1, "true") != 0 && strcmp(equals + 1, "false") != 0)
		return err_usage(e, "%s: '%s': behind = stands true or false", what, text);
	c->value = !equals || strcmp(equals + 1, "true") == 0;
	if (len < sizeof(c->name)) {
		memcpy(c->name, text, len);
		while (at < COUNT(words) && strcmp(words[at].name, c->name) != 0)
			at++;
		if (at < COUNT(words) || is_probe(c->name)) {
			c->kind = at < COUNT(words) ? words[at].kind : COND_CONDITION;
			return 0;
		}
	}
	return err_usage(
		e,
		"%s: '%s' is none of ready, running, stopped, exit, exists, gone, vm_alive, "
		"agent_up, ssh_banner, boot_done, probe:NAME",
		what, text);
}

static int is_so(const struct cond *c, const struct state *s)
{
	if (c->kind == COND_EXISTS || c->kind == COND_GONE)
		return (s != NULL) == (c->kind == COND_EXISTS);
	if (!s)
		return 0;
	switch (c->kind) {
	case COND_READY:
		return s->ready;
	case COND_RUNNING:
		return s->state == VM_RUNNING;
	case COND_STOPPED:
	case COND_EXIT:
		return !state_is_live(s->state);
	default:
		return state_condition(s, c->name);
	}
}

int cond_holds(const struct cond *c, const struct state *s)
{
	return is_so(c, s) == c->value;
}

int cond_is_met_by(const struct cond *c, const struct event *x)
{
	const char *event = event_text(x, "event");
	int is_exit = strcmp(event, "exit") == 0;

	switch (c->kind) {
	case COND_READY:
	case COND_RUNNING:
		return c->value ? strcmp(event, "ready") == 0 : is_exit;
	case COND_STOPPED:
	case COND_EXIT:
		return c->value ? is_exit : strcmp(event, "ready") == 0;
	case COND_CONDITION:
		return strcmp(event, "condition") == 0 &&
		       strcmp(event_text(x, "name"), c->name) == 0 &&
		       json_is_true(json_object_get(x->json, "value")) == c->value;
	default:
		return 0; /* a folder comes and goes without an event */
	}
}

int cond_dies_with_vm(const struct cond *c)
{
	int wants_life = c->kind == COND_CONDITION || c->kind == COND_READY ||
			 c->kind == COND_RUNNING;

	return wants_life && c->value;
}

static const struct condition *find(const struct conditions *t, const char *name)
{
	for (unsigned i = 0; i < t->count; i++)
		if (strcmp(t->list[i].name, name) == 0)
			return &t->list[i];
	return NULL;
}

static void say_condition(const struct cond *c, const struct state *s, char *out, size_t cap)
{
	const struct condition *k = find(&s->conditions, c->name);
	const char *why = k && k->last_error[0] ? k->last_error : k ? k->reason : "";

	if (!k)
		snprintf(out, cap, "%s: the VM, which is %s, has no such condition", c->text,
			 state_name(s->state));
	else
		snprintf(out, cap, "%s: it is %s%s%s%s%.120s while the VM is %s", c->text,
			 k->value ? "true" : "false", k->since[0] ? " since " : "", k->since,
			 *why ? ": " : "", why, state_name(s->state));
}

char *cond_instead(const struct cond *c, const struct state *s, char *out, size_t cap)
{
	if (!s)
		snprintf(out, cap, "%s: there is no VM of this name", c->text);
	else if (c->kind == COND_CONDITION)
		say_condition(c, s, out, cap);
	else
		snprintf(out, cap, "%s: the VM is %s%s", c->text, state_name(s->state),
			 s->ready ? ", and ready" : "");
	return out;
}
