/*
 * state - what is true about a VM: state.json, written before the step it names.
 */
#include "host/state.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/console.h"
#include "host/scratchjson.h"
#include "host/skim.h"
#include "host/vmmfile.h"

enum { STATE_BYTES_MAX = 64 * 1024 };

static const char file_name[] = "state.json";
static char file_text[STATE_BYTES_MAX]; /* of one that is read: on the stack it would be cleared for each VM */

static const char *const names[] = {
	[VM_CREATED] = "created",   [VM_STARTING] = "starting", [VM_RUNNING] = "running",
	[VM_PAUSED] = "paused",	    [VM_STOPPING] = "stopping", [VM_STOPPED] = "stopped",	[VM_FAILED] = "failed",
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
	return s == VM_STARTING || s == VM_RUNNING || s == VM_PAUSED ||
	       s == VM_STOPPING;
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

/* What another agent would have to know of the start, and of the end. */
static json_t *start_json(const struct state *s)
{
	return json_pack("{s:I, s:I, s:b, s:b, s:b, s:o, s:s}", "deadline_ms",
			 (json_int_t)s->deadline_ms, "console_from", (json_int_t)s->console_from,
			 "fresh", s->fresh, "tied", s->tied, "keep", s->keep, "starter",
			 procid_json(&s->starter), "rung", s->rung);
}

int state_write(const struct state *s, const struct vmref *v, struct err *e)
{
	json_t *j = to_json(s);
	char *text;
	int rc;

	json_object_set_new(j, "diagnosis", diagnosis_json(&s->diagnosis));
	json_object_update_new(j, start_json(s));
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

void state_sweep(const struct vmref *v)
{
	path_sweep(v->dir, file_name);
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
	s->deadline_ms = json_integer_value(json_object_get(j, "deadline_ms"));
	s->console_from = json_integer_value(json_object_get(j, "console_from"));
	s->fresh = json_is_true(json_object_get(j, "fresh"));
	s->tied = json_is_true(json_object_get(j, "tied"));
	s->keep = json_is_true(json_object_get(j, "keep"));
	copy_procid(&s->starter, j, "starter");
	copy_text(s->rung, sizeof(s->rung), j, "rung");
	s->cpus = (uint32_t)json_integer_value(json_object_get(j, "cpus"));
	s->memory_bytes = (uint64_t)json_integer_value(json_object_get(j, "memory_bytes"));
	copy_text(s->reason, sizeof(s->reason), j, "reason");
	copy_text(s->detail, sizeof(s->detail), j, "detail");
	s->has_status = json_is_integer(status);
	s->status = (int)json_integer_value(status);
	diagnosis_take(&s->diagnosis, json_object_get(j, "diagnosis"));
	return 0;
}

enum vm_state state_after(const char *reason)
{
	static const char *const wished[] = { "guest_poweroff", "guest_reboot", "main_exited",
					      "killed" };

	for (size_t i = 0; i < COUNT(wished); i++)
		if (strcmp(reason, wished[i]) == 0)
			return VM_STOPPED;
	return VM_FAILED;
}

static void set_end(struct state *s, const char *reason, const char *detail)
{
	int failed = s->state == VM_STARTING && strcmp(reason, "killed") != 0;

	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	snprintf(s->detail, sizeof(s->detail), "%s", detail);
	s->state = failed ? VM_FAILED : state_after(reason);
}

/* With panic=-1 a panicked kernel resets the machine. */
static int explain_panic(struct state *s, const struct vmref *v, const char *reason)
{
	char line[200];

	if ((strcmp(reason, "guest_reboot") != 0 && strcmp(reason, "panic") != 0) ||
	    !console_panic(v, (off_t)s->console_from, line, sizeof(line)))
		return 0;
	set_end(s, "panic", line);
	return 1;
}

/* Neither the agent nor the vmm is there: what they left says how it ended. */
static void find_end(struct state *s, const struct vmref *v)
{
	char boot[HOST_BOOT_ROOM];
	struct vmmwords w;
	int fd = vmmfile_open(v);

	host_boot_id(boot);
	vmmfile_read(&w, fd);
	fd_close(&fd);
	if (w.reason && explain_panic(s, v, w.reason))
		return;
	if (w.reason && s->has_status && strcmp(w.reason, "guest_poweroff") == 0)
		set_end(s, "main_exited", w.detail);
	else if (w.reason)
		set_end(s, w.reason, w.detail);
	else if (s->host_boot[0] && strcmp(boot, s->host_boot) != 0)
		set_end(s, "host_reboot", "the host was restarted, or lost its power, under it");
	else if (s->state == VM_STOPPING)
		set_end(s, "killed", "its agent died while it was being stopped");
	else if (w.ran)
		set_end(s, "vmm_crash", "the vmm process ended without a word, and its agent before");
	else
		set_end(s, "agent_died", "its agent died before the machine ran");
}

void state_settle(struct state *s, const struct vmref *v)
{
	if (!state_is_live(s->state))
		return;
	s->orphan = vmmfile_is_held(v) > 0 ? ORPHAN_LIVES : ORPHAN_DIED;
	if (s->orphan == ORPHAN_LIVES)
		return;
	find_end(s, v);
	s->ready = 0;
	s->degraded[0] = '\0';
	conditions_drop(&s->conditions, s->detail);
	s->agent = s->vmm = (struct procid){ 0 };
}

/* By one path, of which no part is a link: a VM is a folder. */
static int open_at_once(const struct home *h, const char *name)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	char path[VM_NAME_ROOM + sizeof(file_name)];

	snprintf(path, sizeof(path), "%s/%s", name, file_name);
	return (int)syscall(SYS_openat2, h->vms, path, &how, sizeof(how));
}

static int is_word(const struct skim *v, const char *word)
{
	return v->at && v->len == strlen(word) && memcmp(v->at, word, v->len) == 0;
}

/* What a listing shows; its text ends in a 0. */
static int glance(struct state *s, size_t len)
{
	enum { STATE, READY, STARTED, CPUS, MEMORY, REASON };
	struct skim v[] = {
		[STATE] = { .key = "state" },	     [READY] = { .key = "ready" },
		[STARTED] = { .key = "started_ms" }, [CPUS] = { .key = "cpus" },
		[MEMORY] = { .key = "memory_bytes" }, [REASON] = { .key = "reason" },
	};
	size_t at = 0;

	if (skim(file_text, len, v, COUNT(v)) < 0)
		return -EPROTO;
	for (size_t i = 0; i < COUNT(v); i++)
		if (!v[i].at)
			return -EPROTO;
	while (at < COUNT(names) && !is_word(&v[STATE], names[at]))
		at++;
	if (at == COUNT(names))
		return -EPROTO;
	s->state = (enum vm_state)at;
	s->ready = is_word(&v[READY], "true");
	s->started_ms = strtoll(v[STARTED].at, NULL, 10);
	s->cpus = (uint32_t)strtoul(v[CPUS].at, NULL, 10);
	s->memory_bytes = strtoull(v[MEMORY].at, NULL, 10);
	snprintf(s->reason, sizeof(s->reason), "%.*s", (int)v[REASON].len, v[REASON].at);
	return 0;
}

int state_glance(struct state *s, const struct home *h, const char *name)
{
	int fd = open_at_once(h, name);
	ssize_t n = fd < 0 ? -1 : fd_read(fd, file_text, sizeof(file_text) - 1);

	fd_close(&fd);
	if (n <= 0)
		return 0;
	file_text[n] = '\0';
	/* What has its closing brace is whole: there was no more to be read. */
	if (glance(s, (size_t)n) < 0)
		return 0;
	return !state_is_live(s->state) || store_is_locked_by_name(h, name);
}

int state_read(struct state *s, const struct vmref *v, struct err *e)
{
	json_t *j;
	ssize_t n;
	int rc;

	*s = (struct state){ .state = VM_CREATED };
	conditions_init(&s->conditions);
	n = fd_slurp(v->dir, file_name, file_text, sizeof(file_text));
	if (n == -ENOENT)
		return 0; /* made, and not yet started */
	if (n < 0)
		return err_set(e, (int)n, "%s: read state.json: %s", v->name, strerror((int)-n));
	j = scratchjson_parse(file_text, (size_t)n);
	rc = from_json(s, j);
	scratchjson_drop(j);
	if (rc < 0)
		return err_set(e, rc, "%s: state.json is damaged\n  try: vmtool rm -f %s", v->name,
			       v->name);
	if (state_is_live(s->state) && !store_is_locked(v))
		state_settle(s, v);
	return 0;
}
