/*
 * timeline - events.jsonl: what happened to a VM, a line each (contracts.md, "Events").
 */
#include "host/timeline.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"

static const char file_name[] = "events.jsonl";

/* The last whole line's number. A line that a crash cut short is ended, so that it stays alone. */
static uint64_t last_seq(int file)
{
	char text[EVENT_MAX + 1];
	struct stat st;
	json_t *j = NULL;
	uint64_t seq;
	ssize_t n;

	if (fstat(file, &st) < 0 || st.st_size == 0)
		return 0;
	n = pread(file, text, EVENT_MAX, MAX(0, st.st_size - EVENT_MAX));
	if (n > 0 && text[n - 1] != '\n')
		(void)fd_write_all(file, "\n", 1);
	while (n > 0 && !j) {
		text[n] = '\0';
		while (n > 0 && text[n - 1] != '\n')
			n--;
		j = json_loads(text + n, JSON_DISABLE_EOF_CHECK, NULL);
		if (n > 0)
			n--;
	}
	seq = (uint64_t)json_integer_value(json_object_get(j, "seq"));
	json_decref(j);
	return seq;
}

int timeline_open(struct timeline *t, const struct vmref *v, const char *boot, int64_t start_ms,
		  struct err *e)
{
	*t = (struct timeline){
		.vm = v->name,
		.boot = boot,
		.leash = t->leash,
		.start_ms = start_ms,
	};
	t->file = openat(v->dir, file_name, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
			 0600);
	if (t->file < 0)
		return err_sys(e, "open events.jsonl");
	t->seq = last_seq(t->file);
	return 0;
}

void timeline_close(struct timeline *t)
{
	fd_close(&t->file);
}

static void keep(struct timeline *t, const char *line, size_t len)
{
	int rc = t->file < 0 ? 0 : fd_write_all(t->file, line, len);

	if (rc < 0 && !t->failed) {
		log_warn("timeline: an event could not be kept why=%s", strerror(-rc));
		t->failed = 1;
	}
	/* Never waits for the starter: the events of a boot are limited in number and size, and
	 * fit into the socket of one that is stopped. One that has died shows on the leash. */
	if (t->leash >= 0)
		(void)fd_write(t->leash, line, len);
}

/* Takes over `keys`: what this kind of event adds. */
static void say(struct timeline *t, const char *event, json_t *keys)
{
	char line[EVENT_MAX], now[CLOCK_TEXT];
	json_t *j;
	size_t n;

	clock_rfc3339(now);
	j = json_pack("{s:I, s:s, s:I, s:s, s:s, s:s}", "seq", (json_int_t)++t->seq, "time", now,
		      "t_ms", (json_int_t)(clock_ms() - t->start_ms), "vm", t->vm, "boot", t->boot,
		      "event", event);
	json_object_update(j, keys);
	n = json_dumpb(j, line, sizeof(line) - 1, JSON_COMPACT);
	json_decref(keys);
	json_decref(j);
	if (n == 0 || n >= sizeof(line)) {
		log_error("timeline: an event could not be written event=%s", event);
		return;
	}
	line[n++] = '\n';
	keep(t, line, n);
}

static void remember(struct timeline *t, const char *whose, const char *stage,
		     enum stage_state state)
{
	snprintf(t->last, sizeof(t->last), "%s%s %s", whose, stage,
		 stage_state_name((uint8_t)state));
}

void timeline_stage(struct timeline *t, const char *stage, enum stage_state state,
		    const char *detail)
{
	remember(t, "", stage, state);
	say(t, "stage",
	    json_pack("{s:s, s:s, s:s, s:s}", "origin", "host", "stage", stage, "state",
		      stage_state_name((uint8_t)state), "detail", detail));
}

void timeline_guest_stage(struct timeline *t, const char *stage, enum stage_state state,
			  const char *detail, uint64_t guest_ms)
{
	/* JSON's integers are signed here; no guest is that old. */
	json_int_t ms = (json_int_t)(guest_ms & INT64_MAX);

	remember(t, "guest ", stage, state);
	say(t, "stage",
	    json_pack("{s:s, s:s, s:s, s:s, s:I}", "origin", "guest", "stage", stage, "state",
		      stage_state_name((uint8_t)state), "detail", detail, "guest_ms", ms));
}

void timeline_condition(struct timeline *t, const char *name, int value, const char *reason)
{
	say(t, "condition",
	    json_pack("{s:s, s:b, s:s}", "name", name, "value", value, "reason", reason));
}

void timeline_ready(struct timeline *t)
{
	say(t, "ready", json_object());
}

void timeline_agent(struct timeline *t, const char *what)
{
	say(t, "agent", json_pack("{s:s}", "state", what));
}

void timeline_clock(struct timeline *t, const char *did, int64_t ahead_ns, uint64_t bound_ns)
{
	say(t, "clock",
	    json_pack("{s:s, s:f, s:f}", "did", did, "ahead_ms", (double)ahead_ns / 1e6, "bound_ms",
		      (double)bound_ns / 1e6));
}

void timeline_exit(struct timeline *t, const struct timeline_end *x)
{
	say(t, "exit",
	    json_pack("{s:s, s:o, s:s, s:b, s:i, s:I}", "reason", x->reason, "status",
		      x->has_status ? json_integer(x->status) : json_null(), "detail", x->detail,
		      "ran", x->ran, "code", x->code, "console_from", (json_int_t)x->console_from));
}
