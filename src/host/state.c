/*
 * state - what is true about a VM: state.json, written before the step it names.
 */
#include "host/state.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"

enum { STATE_BYTES_MAX = 64 * 1024 };

static const char file_name[] = "state.json";

static const char *const names[] = {
	[VM_CREATED] = "created",   [VM_STARTING] = "starting", [VM_RUNNING] = "running",
	[VM_STOPPING] = "stopping", [VM_STOPPED] = "stopped",	[VM_FAILED] = "failed",
};

const char *state_name(enum vm_state s)
{
	return names[s];
}

int state_of_name(const char *name)
{
	size_t at = 0;

	while (at < COUNT(names) && strcmp(name, names[at]) != 0)
		at++;
	return at < COUNT(names) ? (int)at : -EINVAL;
}

int state_condition(const struct state *s, const char *name)
{
	return conditions_value(&s->conditions, name);
}

int state_is_live(enum vm_state s)
{
	return s == VM_STARTING || s == VM_RUNNING || s == VM_STOPPING;
}

static json_t *procid_json(const struct procid *p)
{
	return p->pid ? json_pack("{s:i, s:I}", "pid", (int)p->pid, "start", (json_int_t)p->start)
		      : json_null();
}

static json_t *to_json(const struct state *s)
{
	return json_pack(
		"{s:s, s:b, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:s, s:s, s:I, s:i, s:I, s:s, s:s, s:o}",
		"state", state_name(s->state), "ready", s->ready, "conditions",
		conditions_values(&s->conditions), "condition_details",
		state_is_live(s->state) ? conditions_list(&s->conditions) : json_array(),
		"provision", scripts_json(&s->scripts), "degraded",
		s->degraded[0] ? json_string(s->degraded) : json_null(), "boot", s->boot,
		"host_boot", s->host_boot, "agent", procid_json(&s->agent), "vmm",
		procid_json(&s->vmm), "sockets", s->sockets, "started", s->started, "started_ms",
		(json_int_t)s->started_ms, "cpus", (int)s->cpus, "memory_bytes",
		(json_int_t)s->memory_bytes, "reason", s->reason, "detail", s->detail, "status",
		s->has_status ? json_integer(s->status) : json_null());
}

int state_write(const struct state *s, const struct vmref *v, struct err *e)
{
	json_t *j = to_json(s);
	char *text;
	int rc;

	json_object_set_new(j, "diagnosis", diagnosis_json(&s->diagnosis));
	text = j ? json_dumps(j, JSON_INDENT(1)) : NULL;
	if (text)
		rc = path_replace(v->dir, file_name, text, strlen(text), 0600, e);
	else
		rc = err_set(e, -ENOMEM, "write state.json: out of memory");
	if (rc < 0)
		err_in(e, "%s", v->name);
	free(text);
	json_decref(j);
	return rc;
}

static void copy_text(char *out, size_t cap, const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	snprintf(out, cap, "%s", text ? text : "");
}

static void copy_procid(struct procid *p, const json_t *j, const char *key)
{
	const json_t *id = json_object_get(j, key);

	p->pid = (pid_t)json_integer_value(json_object_get(id, "pid"));
	p->start = (uint64_t)json_integer_value(json_object_get(id, "start"));
}

static int from_json(struct state *s, const json_t *j)
{
	const char *name = json_string_value(json_object_get(j, "state"));
	const json_t *status = json_object_get(j, "status");
	int at = name ? state_of_name(name) : -EINVAL;

	if (at < 0)
		return -EPROTO;
	s->state = (enum vm_state)at;
	s->ready = json_is_true(json_object_get(j, "ready"));
	conditions_read(&s->conditions, json_object_get(j, "conditions"),
			json_object_get(j, "condition_details"));
	scripts_read(&s->scripts, json_object_get(j, "provision"));
	copy_text(s->degraded, sizeof(s->degraded), j, "degraded");
	copy_text(s->boot, sizeof(s->boot), j, "boot");
	copy_text(s->host_boot, sizeof(s->host_boot), j, "host_boot");
	copy_procid(&s->agent, j, "agent");
	copy_procid(&s->vmm, j, "vmm");
	copy_text(s->sockets, sizeof(s->sockets), j, "sockets");
	copy_text(s->started, sizeof(s->started), j, "started");
	s->started_ms = json_integer_value(json_object_get(j, "started_ms"));
	s->cpus = (uint32_t)json_integer_value(json_object_get(j, "cpus"));
	s->memory_bytes = (uint64_t)json_integer_value(json_object_get(j, "memory_bytes"));
	copy_text(s->reason, sizeof(s->reason), j, "reason");
	copy_text(s->detail, sizeof(s->detail), j, "detail");
	s->has_status = json_is_integer(status);
	s->status = (int)json_integer_value(status);
	diagnosis_take(&s->diagnosis, json_object_get(j, "diagnosis"));
	return 0;
}

static void tell_the_truth(struct state *s, const struct vmref *v)
{
	if (!state_is_live(s->state) || store_is_locked(v))
		return;
	snprintf(s->reason, sizeof(s->reason), "agent_died");
	snprintf(s->detail, sizeof(s->detail), "its agent (pid %d) died while it was %s",
		 (int)s->agent.pid, state_name(s->state));
	s->state = VM_FAILED;
	s->ready = 0;
	s->degraded[0] = '\0';
	conditions_drop(&s->conditions, s->detail);
}

int state_read(struct state *s, const struct vmref *v, struct err *e)
{
	char text[STATE_BYTES_MAX];
	json_t *j;
	ssize_t n;
	int rc;

	*s = (struct state){ .state = VM_CREATED };
	conditions_init(&s->conditions);
	n = fd_slurp(v->dir, file_name, text, sizeof(text));
	if (n == -ENOENT)
		return 0; /* made, and not yet started */
	if (n < 0)
		return err_set(e, (int)n, "%s: read state.json: %s", v->name, strerror((int)-n));
	j = json_loadb(text, (size_t)n, 0, NULL);
	rc = from_json(s, j);
	json_decref(j);
	if (rc < 0)
		return err_set(e, rc, "%s: state.json is damaged\n  try: vmtool rm -f %s", v->name,
			       v->name);
	tell_the_truth(s, v);
	return 0;
}
