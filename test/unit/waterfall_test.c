/* One boot as bars: from a file that may be damaged, with texts that may be hostile. */
#include "host/waterfall.h"

#include <stdlib.h>

#include "base/util.h"
#include "check.h"

static struct waterfall w;

static void take(const char *line)
{
	waterfall_take(&w, line, strlen(line));
}

/* An event of boot B, whose own keys follow. */
static void event(const char *boot, int t_ms, const char *keys)
{
	char line[8192];

	snprintf(
		line, sizeof(line),
		"{\"seq\":1,\"time\":\"2026-01-02T03:04:05.678Z\",\"t_ms\":%d,\"vm\":\"web\",\"boot\":"
		"\"%s\",%s}",
		t_ms, boot, keys);
	take(line);
}

static void stage(int t_ms, const char *name, const char *state)
{
	char keys[200];

	snprintf(
		keys, sizeof(keys),
		"\"event\":\"stage\",\"origin\":\"host\",\"stage\":\"%s\",\"state\":\"%s\",\"detail\":"
		"\"why\"",
		name, state);
	event("B", t_ms, keys);
}

static void guest_stage(int t_ms, const char *name, const char *state, const char *guest_ms)
{
	char keys[200];

	snprintf(
		keys, sizeof(keys),
		"\"event\":\"stage\",\"origin\":\"guest\",\"stage\":\"%s\",\"state\":\"%s\",\"detail\":"
		"\"\",\"guest_ms\":%s",
		name, state, guest_ms);
	event("B", t_ms, keys);
}

static const struct bar none = { .begin_ms = -1, .end_ms = -1 };

static const struct bar *find(const char *lane, const char *name)
{
	for (unsigned i = 0; i < w.count; i++)
		if (!strcmp(lane_name(w.bar[i].lane), lane) && !strcmp(w.bar[i].name, name))
			return &w.bar[i];
	printf("# there is no %s %s\n", lane, name);
	return &none;
}

static int lies(const char *lane, const char *name, int64_t begin_ms, int64_t end_ms)
{
	const struct bar *b = find(lane, name);

	if (b->begin_ms != begin_ms || b->end_ms != end_ms)
		printf("# %s: %lld to %lld\n", name, (long long)b->begin_ms, (long long)b->end_ms);
	return b->begin_ms == begin_ms && b->end_ms == end_ms;
}

static void a_start(void)
{
	waterfall_init(&w);
	stage(0, "prepare", "begin");
	stage(3, "prepare", "done");
	stage(3, "kernel", "begin");
	event("B", 15,
	      "\"event\":\"condition\",\"name\":\"vm_alive\",\"value\":true,\"reason\":\"r\"");
	stage(480, "kernel", "done");
	/* Told late, then in time: the second says where the guest's clock lies. */
	guest_stage(481, "mounts", "begin", "400");
	guest_stage(481, "mounts", "done", "410");
	guest_stage(500, "net", "begin", "470");
	guest_stage(520, "net", "failed", "485");
	guest_stage(530, "loopback", "done", "495");
}

static void a_bar_lies_elsewhere(void)
{
	a_start();
	event("B", 640, "\"event\":\"ready\"");
	event("B", 99999, "\"event\":\"exit\",\"reason\":\"guest_poweroff\",\"detail\":\"\"");
	waterfall_settle(&w);
	CHECK(w.outcome == OUTCOME_READY && w.end_ms == 640 && w.count == 7);
	CHECK(lies("guest", "loopback", 515, 525));
	CHECK(lies("host", "prepare", 0, 3) && lies("host", "kernel", 3, 480));
	CHECK(w.offset_ms == 30);
	CHECK(lies("guest", "kernel", 30, 430) && lies("guest", "mounts", 430, 440));
	CHECK(lies("guest", "net", 500, 515) && find("guest", "net")->state == STAGE_FAILED);
	CHECK(lies("conditions", "vm_alive", 15, 640));
	CHECK(!strcmp(w.began, "2026-01-02T03:04:05.678Z"));
}

static void what_never_ended_looks_finished(void)
{
	a_start();
	stage(520, "guest", "begin");
	event("B", 900,
	      "\"event\":\"exit\",\"reason\":\"panic\",\"detail\":\"it panicked\",\"diagnosis\":{\"id\":"
	      "\"no_init\",\"line\":\"No working init\"}");
	waterfall_settle(&w);
	CHECK(w.outcome == OUTCOME_FAILED && w.end_ms == 900);
	CHECK(lies("host", "guest", 520, 900) && find("host", "guest")->state == STAGE_BEGIN);
	CHECK(!strcmp(w.reason, "panic") && !strcmp(w.diagnosis.id, "no_init"));
}

static void an_earlier_boot_is_shown(void)
{
	a_start();
	event("B", 640, "\"event\":\"ready\"");
	event("C", 2,
	      "\"event\":\"stage\",\"origin\":\"host\",\"stage\":\"prepare\",\"state\":\"begin\"");
	waterfall_settle(&w);
	CHECK(!strcmp(w.boot, "C") && w.count == 1 && w.outcome == OUTCOME_OPEN && w.end_ms == 2);
}

static void a_damaged_line_spoils_the_rest(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"event\":\"ready\"}",
		"{\"event\":1,\"boot\":\"B\",\"vm\":\"web\"}",
		"{\"seq\":9,\"time\":\"2026-01-02T03:04:05.678Z\",\"t_ms\":640,\"vm\":\"we",
		"\xff\xfe",
		"{\"event\":\"ready\",\"boot\":{},\"vm\":[]}",
	};

	a_start();
	for (size_t i = 0; i < COUNT(bad); i++)
		take(bad[i]);
	event("B", 640, "\"event\":\"unheard of\"");
	event("B", 650, "\"event\":\"ready\"");
	waterfall_settle(&w);
	CHECK(w.broken == COUNT(bad));
	CHECK(w.outcome == OUTCOME_READY && w.end_ms == 650 && w.count == 7);
}

static void a_lying_clock_draws_outside(void)
{
	static const char *const lies_of[] = { "9223372036854775807", "-5", "0", "1e300", "\"x\"" };

	a_start();
	for (size_t i = 0; i < COUNT(lies_of); i++)
		guest_stage(600, "odd", i & 1 ? "done" : "begin", lies_of[i]);
	event("B", 640, "\"event\":\"ready\"");
	waterfall_settle(&w);
	for (unsigned i = 0; i < w.count; i++)
		CHECK(w.bar[i].begin_ms >= 0 && w.bar[i].begin_ms <= w.bar[i].end_ms &&
		      w.bar[i].end_ms <= w.end_ms);
}

static void too_many_stages_overflow(void)
{
	waterfall_init(&w);
	for (int i = 0; i < BARS_MAX + 7; i++)
		stage(i, "x", "begin");
	waterfall_settle(&w);
	CHECK(w.count == BARS_MAX && w.left_off == 7);
}

/* What a renderer writes; the caller frees it. */
static char *drawn(const struct paper *p)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (p)
		waterfall_print(&w, p, f);
	else
		waterfall_svg(&w, f);
	fclose(f);
	return text;
}

static void a_foreign_text_becomes_markup(void)
{
	char *svg;

	a_start();
	event("B", 600,
	      "\"event\":\"stage\",\"origin\":\"guest\",\"guest_ms\":560,\"state\":\"failed\",\"stage\":"
	      "\"</text><script>\",\"detail\":\"<b a='\\\"'> & \\u001b[31m\\u0085]]>\"");
	event("B", 640, "\"event\":\"ready\"");
	waterfall_settle(&w);
	svg = drawn(NULL);
	CHECK(!strstr(svg, "<script") && !strstr(svg, "<b ") && !strstr(svg, "]]>"));
	CHECK(strstr(svg, "&lt;/text&gt;&lt;script&gt;") && strstr(svg, "&amp;"));
	for (const char *c = svg; *c; c++)
		CHECK((unsigned char)*c >= ' ' || *c == '\n');
	CHECK(strstr(svg, "<svg ") == svg && !strcmp(svg + strlen(svg) - 7, "</svg>\n"));
	free(svg);
}

static void a_line_is_wider_than_the_terminal(void)
{
	a_start();
	event("B", 640, "\"event\":\"ready\"");
	waterfall_settle(&w);
	for (unsigned columns = 44; columns < 200; columns += 13) {
		struct paper p = { .columns = columns };
		char *text = drawn(&p);

		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			if (strchr(line, '=') || strchr(line, '#'))
				CHECK(strlen(line) < columns);
		free(text);
	}
}

static void a_pipe_gets_escapes_or_bars(void)
{
	struct paper plain = { 0 };
	char *text;

	a_start();
	waterfall_settle(&w);
	text = drawn(&plain);
	CHECK(strstr(text, "web: not ready yet, last heard of after 530 ms"));
	for (const char *c = text; *c; c++)
		CHECK((*c >= ' ' && *c < 0x7f && *c != '=' && *c != '#') || *c == '\n');
	CHECK(strstr(text, "  prepare          0 ms        3 ms\n"));
	free(text);
}

int main(void)
{
	TEST(a_bar_lies_elsewhere);
	TEST(what_never_ended_looks_finished);
	TEST(an_earlier_boot_is_shown);
	TEST(a_damaged_line_spoils_the_rest);
	TEST(a_lying_clock_draws_outside);
	TEST(too_many_stages_overflow);
	TEST(a_foreign_text_becomes_markup);
	TEST(a_line_is_wider_than_the_terminal);
	TEST(a_pipe_gets_escapes_or_bars);
	return check_done();
}
