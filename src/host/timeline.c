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
#include "host/forward.h"
#include "host/text.h"

/* One boot is told in less: beacon stages are limited in number, and so are their texts. */
enum { PAST_MAX = 128 * 1024 };

const char timeline_file[] = "events.jsonl";

/* The number of a line that is an event's, or 0. */
static uint64_t seq_of(const char *line)
{
	json_t *j = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	json_int_t seq = json_integer_value(json_object_get(j, "seq"));

	json_decref(j);
	return seq > 0 ? (uint64_t)seq : 0;
}

/* Of the last event among these bytes; *from is where the first of their lines begins that is
 * whole, if it is not the file's first. */
static uint64_t last_seq_in(char *text, size_t len, int is_first, size_t *from)
{
	uint64_t seq = 0;
	size_t end = len;

	while (end > 0 && !seq) {
		size_t at = end - (text[end - 1] == '\n');

		text[at] = '\0';
		while (at > 0 && text[at - 1] != '\n')
			at--;
		if (at == 0 && !is_first)
			break; /* perhaps the rest of a longer line */
		seq = seq_of(text + at);
		*from = end = at;
	}
	return seq;
}

/* Backwards, for a crash or a person may have left anything at the end. */
static uint64_t last_seq(int file, off_t size)
{
	char text[2 * EVENT_MAX + 1];
	uint64_t seq = 0;

	while (size > 0 && !seq) {
		size_t len = (size_t)MIN(size, 2 * EVENT_MAX), whole = len;
		ssize_t n = pread(file, text, len, size - (off_t)len);

		if (n != (ssize_t)len)
			break;
		seq = last_seq_in(text, len, size == (off_t)len, &whole);
		/* A line longer than all of this is none of ours. */
		size -= (off_t)(whole < len ? len - whole : len);
	}
	return seq;
}

/* A line that a crash cut short is ended, so that it stays alone. */
static void end_last_line(int file, off_t size)
{
	char last;

	if (size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n')
		(void)fd_write_all(file, "\n", 1);
}

int timeline_open(struct timeline *t, const struct vmref *v, const char *boot, int64_t start_ms,
		  struct err *e)
{
	struct stat st;

	*t = (struct timeline){
		.vm = v->name,
		.boot = boot,
		.leash = t->leash,
		.kept = t->kept,
		.start_ms = start_ms,
	};
	t->file = openat(v->dir, timeline_file, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
			 0600);
	if (t->file < 0)
		return err_sys(e, "open events.jsonl");
	if (fstat(t->file, &st) < 0)
		return err_sys(e, "look at events.jsonl");
	t->seq = last_seq(t->file, st.st_size);
	end_last_line(t->file, st.st_size);
	return 0;
}

static int says(const json_t *j, const char *key, const char *value)
{
	const char *text = json_string_value(json_object_get(j, key));

	return text && strcmp(text, value) == 0;
}

static void recall_line(struct timeline *t, struct timeline_past *past, const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, 0, NULL);

	if (says(j, "boot", t->boot) && says(j, "event", "stage")) {
		if (says(j, "origin", "guest")) {
			json_int_t ms = json_integer_value(json_object_get(j, "guest_ms"));

			past->hello = 1;
			past->guest_ms = MAX(past->guest_ms, (uint64_t)ms + 1);
		} else if (says(j, "stage", "guest")) {
			past->hello = 1; /* that stage begins with it */
		}
	}
	past->troubles += says(j, "boot", t->boot) && says(j, "event", "disk");
	json_decref(j);
}

void timeline_recall(struct timeline *t, struct timeline_past *past)
{
	static char text[PAST_MAX];
	struct stat st;
	char *line = text, *end;
	ssize_t n;

	*past = (struct timeline_past){ 0 };
	if (fstat(t->file, &st) < 0)
		return;
	n = pread(t->file, text, sizeof(text), MAX(0, st.st_size - PAST_MAX));
	while (n > 0 && (end = memchr(line, '\n', (size_t)(text + n - line)))) {
		recall_line(t, past, line, (size_t)(end - line));
		line = end + 1;
	}
}

void timeline_close(struct timeline *t)
{
	fd_close(&t->file);
}

/* A line as a whole, or nothing of it. */
static int append(int file, const char *line, size_t len)
{
	struct stat st;
	int rc = fstat(file, &st) < 0 ? -errno : fd_write_all(file, line, len);

	/* Half a line would swallow the next; a full disk can always be given something back. */
	if (rc < 0 && ftruncate(file, st.st_size) < 0)
		log_error("timeline: half an event stays in events.jsonl");
	return rc;
}

/* The line of an event, its newline included; 0 when it cannot be. Takes over `keys`. */
static size_t compose(struct timeline *t, char line[EVENT_MAX], const char *event, json_t *keys)
{
	char now[CLOCK_TEXT];
	json_t *j;
	size_t n;

	clock_rfc3339(now);
	j = json_pack("{s:I, s:s, s:I, s:s, s:s, s:s}", "seq", (json_int_t)++t->seq, "time", now,
		      "t_ms", (json_int_t)(clock_ms() - t->start_ms), "vm", t->vm, "boot", t->boot,
		      "event", event);
	json_object_update(j, keys);
	n = json_dumpb(j, line, EVENT_MAX - 1, JSON_COMPACT);
	json_decref(keys);
	json_decref(j);
	if (n == 0 || n >= EVENT_MAX) {
		log_error("timeline: an event could not be written event=%s", event);
		return 0;
	}
	line[n++] = '\n';
	return n;
}

/* How many are missing in front of this one, once there is room again: 0 or a negative errno. */
static int tell_lost(struct timeline *t)
{
	char line[EVENT_MAX];
	size_t n = compose(
		t, line, "lost",
		json_pack("{s:I, s:s}", "count", (json_int_t)t->lost, "reason", strerror(-t->why)));
	int rc = append(t->file, line, n);

	if (rc < 0)
		t->seq--; /* it was not said after all */
	else
		t->lost = 0;
	return rc;
}

static void keep(struct timeline *t, const char *line, size_t len)
{
	int rc = append(t->file, line, len);

	if (rc < 0) {
		if (t->lost++ == 0)
			log_warn("timeline: an event could not be kept why=%s", strerror(-rc));
		t->why = rc;
	}
}

static void say(struct timeline *t, const char *event, json_t *keys)
{
	char line[EVENT_MAX];
	size_t n;

	if (t->file >= 0 && t->lost)
		(void)tell_lost(t);
	n = compose(t, line, event, keys);
	if (n > 0 && t->file >= 0)
		keep(t, line, n);
	/* Never waits for the starter: the events of a boot are limited in number and size, and
	 * fit into the socket of one that is stopped. One that has died shows on the leash. */
	if (n > 0 && t->leash >= 0)
		(void)fd_write(t->leash, line, n);
	if (t->kept)
		t->kept(t);
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

void timeline_guest_unit(struct timeline *t, const char *unit)
{
	remember(t, "guest ", unit, STAGE_DONE);
	say(t, "stage",
	    json_pack("{s:s, s:s, s:s, s:s}", "origin", "systemd", "stage", unit, "state",
		      stage_state_name(STAGE_DONE), "detail", ""));
}

void timeline_script(struct timeline *t, const struct script_report *r)
{
	int is_over = r->state == SCRIPT_DONE || r->state == SCRIPT_FAILED;
	json_t *j = json_pack("{s:s, s:s, s:s}", "script", r->name, "state",
			      script_state_name(r->state), "detail", r->said);

	if (is_over) {
		json_object_set_new(j, "code", json_integer(r->code));
		json_object_set_new(j, "ms", json_integer(r->ms));
	}
	say(t, "provision", j);
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

void timeline_degraded(struct timeline *t, const char *reason)
{
	say(t, "degraded", json_pack("{s:s}", "reason", reason));
}

void timeline_agent(struct timeline *t, const char *who, const char *what)
{
	say(t, "agent", json_pack("{s:s, s:s}", "who", who, "state", what));
}

void timeline_disk(struct timeline *t, const char *disk, const char *work, const char *error)
{
	say(t, "disk",
	    json_pack("{s:s, s:s, s:s, s:s}", "disk", disk, "state", "failed", "work", work, "detail",
		      error));
}

void timeline_pause(struct timeline *t, int paused)
{
	say(t, "pause", json_pack("{s:s}", "state", paused ? "paused" : "resumed"));
}

void timeline_clock(struct timeline *t, const char *did, int64_t ahead_ns, uint64_t bound_ns)
{
	say(t, "clock",
	    json_pack("{s:s, s:f, s:f}", "did", did, "ahead_ms", (double)ahead_ns / 1e6, "bound_ms",
		      (double)bound_ns / 1e6));
}

void timeline_forward(struct timeline *t, const struct forward *f, const char *state,
		      const char *detail)
{
	char host[HOSTADDR_TEXT], to[DESTINATION_TEXT], clean[EVENT_MAX / 4];

	say(t, "forward",
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "state", state, "name", f->name,
		      "proto", forward_proto(f), "host", hostaddr_text(host, &f->host), "guest",
		      destination_text(to, &f->to), "auto", f->is_auto, "detail",
		      text_clean(clean, sizeof(clean), detail, strlen(detail))));
}

void timeline_exit(struct timeline *t, const struct timeline_end *x)
{
	say(t, "exit",
	    json_pack("{s:s, s:o, s:s, s:s, s:b, s:i, s:I, s:o}", "reason", x->reason, "status",
		      x->has_status ? json_integer(x->status) : json_null(), "detail", x->detail,
		      "rung", x->rung ? x->rung : "none", "ran", x->ran, "code", x->code, "console_from", (json_int_t)x->console_from,
		      "diagnosis", diagnosis_json(&x->diagnosis)));
}
