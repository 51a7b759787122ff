/*
 * waterfall - one boot as bars on a line of time, from what events.jsonl has of it.
 */
#include "host/waterfall.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/lines.h"
#include "base/util.h"
#include "host/text.h"

/* Damaged numbers must not become a chart of a century. */
enum { LATEST_MS = 7 * 24 * 3600 * 1000 };

void waterfall_init(struct waterfall *w)
{
	*w = (struct waterfall){ .offset_ms = INT64_MAX, .guest_ms = -1 };
}

/* --- events --- */

static const char *text_of(const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	return text ? text : "";
}

static int is(const json_t *j, const char *key, const char *value)
{
	return !strcmp(text_of(j, key), value);
}

/* Nothing in the file is believed to be clean. What to try stands on lines of its own, which is no place
 * for a picture. */
static void copy_text(char *out, size_t cap, const json_t *j, const char *key)
{
	const char *text = text_of(j, key);

	text_clean(out, cap, text, strcspn(text, "\n"));
}

static int64_t time_of(const json_t *j, const char *key)
{
	json_int_t ms = json_integer_value(json_object_get(j, key));

	return MAX(0, MIN(ms, LATEST_MS));
}

static struct bar *find_open(struct waterfall *w, enum bar_lane lane, const char *name)
{
	for (unsigned i = w->count; i-- > 0;)
		if (w->bar[i].lane == lane && w->bar[i].state == STAGE_BEGIN &&
		    !strcmp(w->bar[i].name, name))
			return &w->bar[i];
	return NULL;
}

static struct bar *add(struct waterfall *w, enum bar_lane lane, const char *name, int64_t at_ms)
{
	struct bar *b = &w->bar[w->count];

	if (w->count == BARS_MAX) {
		w->left_off++;
		return NULL;
	}
	w->count++;
	*b = (struct bar){ .lane = lane, .state = STAGE_BEGIN, .begin_ms = at_ms, .end_ms = at_ms };
	snprintf(b->name, sizeof(b->name), "%s", name);
	return b;
}

/* The guest tells the beginning only of what it has to wait for; its stages follow each other. */
static int64_t untold_begin(const struct waterfall *w, enum bar_lane lane, int64_t at_ms)
{
	return lane == LANE_GUEST && w->guest_ms >= 0 ? MIN(w->guest_ms, at_ms) : at_ms;
}

static void take_stage(struct waterfall *w, const json_t *j)
{
	enum bar_lane lane = is(j, "origin", "guest") ? LANE_GUEST : LANE_HOST;
	int64_t at_ms = time_of(j, lane == LANE_GUEST ? "guest_ms" : "t_ms");
	int begins = is(j, "state", "begin");
	char name[sizeof(w->bar[0].name)];
	struct bar *b;

	copy_text(name, sizeof(name), j, "stage");
	if (lane == LANE_GUEST)
		w->offset_ms = MIN(w->offset_ms, time_of(j, "t_ms") - at_ms);
	b = begins ? NULL : find_open(w, lane, name);
	if (!b)
		b = add(w, lane, name, begins ? at_ms : untold_begin(w, lane, at_ms));
	if (lane == LANE_GUEST)
		w->guest_ms = at_ms;
	if (!b || begins)
		return;
	b->end_ms = MAX(b->begin_ms, at_ms);
	b->state = is(j, "state", "failed") ? STAGE_FAILED : STAGE_DONE;
	copy_text(b->detail, sizeof(b->detail), j, "detail");
}

/* A bar for as long as it holds. */
static void take_condition(struct waterfall *w, const json_t *j)
{
	int64_t at_ms = time_of(j, "t_ms");
	char name[sizeof(w->bar[0].name)];
	struct bar *b;

	copy_text(name, sizeof(name), j, "name");
	b = find_open(w, LANE_CONDITIONS, name);
	if (json_is_true(json_object_get(j, "value"))) {
		if (!b)
			b = add(w, LANE_CONDITIONS, name, at_ms);
		if (b)
			copy_text(b->detail, sizeof(b->detail), j, "reason");
	} else if (b) {
		b->end_ms = MAX(b->begin_ms, at_ms);
		b->state = STAGE_FAILED;
		copy_text(b->detail, sizeof(b->detail), j, "reason");
	}
}

static void take_ready(struct waterfall *w, const json_t *j)
{
	(void)j;
	w->outcome = OUTCOME_READY;
}

static void take_exit(struct waterfall *w, const json_t *j)
{
	w->outcome = OUTCOME_FAILED;
	copy_text(w->reason, sizeof(w->reason), j, "reason");
	copy_text(w->detail, sizeof(w->detail), j, "detail");
	diagnosis_take(&w->diagnosis, json_object_get(j, "diagnosis"));
}

static void begin_boot(struct waterfall *w, const json_t *j)
{
	unsigned broken = w->broken;

	waterfall_init(w);
	w->broken = broken;
	copy_text(w->vm, sizeof(w->vm), j, "vm");
	copy_text(w->boot, sizeof(w->boot), j, "boot");
	copy_text(w->began, sizeof(w->began), j, "time");
}

/* What comes after the start is another story. */
static void take_event(struct waterfall *w, const json_t *j)
{
	static const struct {
		const char *event;
		void (*take)(struct waterfall *w, const json_t *j);
	} events[] = {
		{ "stage", take_stage },
		{ "condition", take_condition },
		{ "ready", take_ready },
		{ "exit", take_exit },
	};

	if (!is(j, "boot", w->boot) || !w->vm[0])
		begin_boot(w, j);
	if (w->outcome != OUTCOME_OPEN)
		return;
	for (size_t i = 0; i < COUNT(events); i++)
		if (is(j, "event", events[i].event))
			events[i].take(w, j);
	w->end_ms = MAX(w->end_ms, time_of(j, "t_ms"));
}

void waterfall_take(struct waterfall *w, const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, 0, NULL);

	if (*text_of(j, "event") && *text_of(j, "boot") && *text_of(j, "vm"))
		take_event(w, j);
	else
		w->broken++;
	json_decref(j);
}

/* --- the guest's clock --- */

/* What its kernel did before our part of the guest began to tell. */
static void add_kernel(struct waterfall *w, int64_t until_ms)
{
	struct bar *b = add(w, LANE_GUEST, "kernel", 0);

	if (!b)
		return;
	b->state = STAGE_DONE;
	b->end_ms = until_ms;
	snprintf(b->detail, sizeof(b->detail),
		 "the guest's clock, from its beginning to its first stage");
}

static int comes_first(const struct bar *a, const struct bar *b)
{
	return a->lane != b->lane ? a->lane < b->lane : a->begin_ms < b->begin_ms;
}

/* By insertion: stable, and nearly in order already. */
static void sort_bars(struct waterfall *w)
{
	for (unsigned i = 1; i < w->count; i++)
		for (unsigned k = i; k > 0 && comes_first(&w->bar[k], &w->bar[k - 1]); k--) {
			struct bar other = w->bar[k - 1];

			w->bar[k - 1] = w->bar[k];
			w->bar[k] = other;
		}
}

static int64_t clamp(const struct waterfall *w, int64_t ms)
{
	return MAX(0, MIN(ms, w->end_ms));
}

void waterfall_settle(struct waterfall *w)
{
	int64_t first = INT64_MAX;

	for (unsigned i = 0; i < w->count; i++)
		if (w->bar[i].lane == LANE_GUEST)
			first = MIN(first, w->bar[i].begin_ms);
	if (first > 0 && first < INT64_MAX)
		add_kernel(w, first);
	sort_bars(w);
	for (unsigned i = 0; i < w->count; i++) {
		struct bar *b = &w->bar[i];
		int64_t shift = b->lane == LANE_GUEST ? w->offset_ms : 0;

		b->begin_ms = clamp(w, b->begin_ms + shift);
		b->end_ms = b->state == STAGE_BEGIN ? w->end_ms : clamp(w, b->end_ms + shift);
	}
}

/* --- the file --- */

int waterfall_read(struct waterfall *w, const struct vmref *v, struct err *e)
{
	struct lines l = LINES_INIT;
	const char *line;

	waterfall_init(w);
	l.fd = openat(v->dir, "events.jsonl", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (l.fd < 0 && errno != ENOENT)
		return err_sys(e, "%s: read events.jsonl", v->name);
	while (l.fd >= 0 && (line = lines_next(&l)))
		if (*line)
			waterfall_take(w, line, strlen(line));
	lines_close(&l);
	if (!w->vm[0])
		return err_set(e, -ENOENT, "%s: has not been started yet\n  try: vmtool start %s",
			       v->name, v->name);
	waterfall_settle(w);
	return 0;
}

/* --- words --- */

const char *lane_name(enum bar_lane lane)
{
	static const char *const names[] = { "host", "guest", "conditions" };

	return names[lane];
}

char *moment(char out[MOMENT_ROOM], int64_t ms)
{
	if (ms < 10000)
		snprintf(out, MOMENT_ROOM, "%lld ms", (long long)ms);
	else
		snprintf(out, MOMENT_ROOM, "%lld.%lld s", (long long)ms / 1000,
			 (long long)ms % 1000 / 100);
	return out;
}

char *waterfall_headline(const struct waterfall *w, char out[HEADLINE_ROOM])
{
	char at[MOMENT_ROOM];

	moment(at, w->end_ms);
	if (w->outcome == OUTCOME_READY)
		snprintf(out, HEADLINE_ROOM, "%s: ready in %s", w->vm, at);
	else if (w->outcome == OUTCOME_FAILED)
		snprintf(out, HEADLINE_ROOM, "%s: not ready, ended after %s (%s)", w->vm, at,
			 w->reason);
	else
		snprintf(out, HEADLINE_ROOM, "%s: not ready yet, last heard of after %s", w->vm,
			 at);
	return out;
}

json_t *waterfall_json(const struct waterfall *w)
{
	static const char *const outcomes[] = { "open", "ready", "failed" };
	const struct symptom *s = symptom_find(w->diagnosis.id);
	json_t *bars = json_array();

	for (unsigned i = 0; i < w->count; i++) {
		const struct bar *b = &w->bar[i];

		json_array_append_new(
			bars,
			json_pack("{s:s, s:s, s:I, s:o, s:s, s:s}", "lane", lane_name(b->lane),
				  "name", b->name, "begin_ms", (json_int_t)b->begin_ms, "end_ms",
				  b->state == STAGE_BEGIN ? json_null() : json_integer(b->end_ms),
				  "state", stage_state_name((uint8_t)b->state), "detail",
				  b->detail));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:i, s:i, s:o}", "vm",
			 w->vm, "boot", w->boot, "began", w->began, "outcome", outcomes[w->outcome],
			 "end_ms", (json_int_t)w->end_ms, "reason", w->reason, "detail", w->detail,
			 "cause", s ? json_string(s->cause) : json_null(), "remedy",
			 s && s->remedy ? json_string(s->remedy) : json_null(), "broken_lines",
			 (int)w->broken, "left_off", (int)w->left_off, "bars", bars);
}
