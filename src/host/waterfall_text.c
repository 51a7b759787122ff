/*
 * waterfall_text - the waterfall for a terminal as wide as it is; or, without one, a plain table.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "host/waterfall.h"

enum { LABEL_MIN = 10, LABEL_MAX = 28, TOOK_WIDTH = 10, CHART_MIN = 16 };

/* How a bar is drawn, by lane, and by what became of it. */
struct ink {
	const char *utf8, *ascii, *colour;
};

static const struct ink lanes[LANE_COUNT] = {
	[LANE_HOST] = { "█", "=", "\033[34m" },
	[LANE_GUEST] = { "▓", "#", "\033[35m" },
	[LANE_CONDITIONS] = { "─", "-", "\033[32m" },
};
static const struct ink failed = { "█", "X", "\033[31m" };
static const struct ink lost = { "─", "-", "\033[31m" };
static const struct ink open_end = { "░", "~", "\033[33m" };

/* Columns of UTF-8 that is clean: wide characters are not counted on. */
static unsigned width(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* At most `most` columns of it, then blanks up to them. */
static void put_name(FILE *out, const char *name, unsigned most)
{
	unsigned n = 0;

	for (; *name && (n < most || ((unsigned char)*name & 0xc0) == 0x80); name++) {
		n += ((unsigned char)*name & 0xc0) != 0x80;
		fputc(*name, out);
	}
	fprintf(out, "%*s", (int)(most - MIN(n, most)), "");
}

static unsigned longest_name(const struct waterfall *w)
{
	unsigned n = LABEL_MIN;

	for (unsigned i = 0; i < w->count; i++)
		n = MAX(n, width(w->bar[i].name));
	return MIN(n, LABEL_MAX);
}

/* What a bar says in its last column. */
static const char *took(char out[MOMENT_ROOM], const struct bar *b)
{
	if (b->lane == LANE_CONDITIONS)
		return b->state == STAGE_BEGIN ? moment(out, b->begin_ms) : "lost";
	return b->state == STAGE_BEGIN ? "never ended" : moment(out, b->end_ms - b->begin_ms);
}

static void put_detail(FILE *out, const struct bar *b)
{
	if (b->state == STAGE_FAILED && b->detail[0])
		fprintf(out, "    %s: %s\n", b->lane == LANE_CONDITIONS ? "lost" : "failed",
			b->detail);
}

static const struct ink *ink_of(const struct bar *b)
{
	if (b->lane == LANE_CONDITIONS)
		return b->state == STAGE_FAILED ? &lost : &lanes[b->lane];
	if (b->state == STAGE_FAILED)
		return &failed;
	return b->state == STAGE_BEGIN ? &open_end : &lanes[b->lane];
}

static unsigned column(const struct waterfall *w, unsigned chart, int64_t ms)
{
	return w->end_ms ? (unsigned)(ms * chart / w->end_ms) : 0;
}

static void put_bar(FILE *out, const struct waterfall *w, const struct paper *p, unsigned chart,
		    const struct bar *b)
{
	const struct ink *ink = ink_of(b);
	unsigned from = MIN(column(w, chart, b->begin_ms), chart - 1);
	unsigned to = MIN(MAX(column(w, chart, b->end_ms), from + 1), chart);

	fprintf(out, "%*s%s", (int)from, "", p->has_colours ? ink->colour : "");
	for (unsigned i = from; i < to; i++)
		fputs(p->is_utf8 ? ink->utf8 : ink->ascii, out);
	fprintf(out, "%s%*s", p->has_colours ? "\033[0m" : "", (int)(chart - to), "");
}

static void print_chart(FILE *out, const struct waterfall *w, const struct paper *p, unsigned names,
			unsigned chart)
{
	char text[MOMENT_ROOM];

	for (unsigned i = 0; i < w->count; i++) {
		const struct bar *b = &w->bar[i];

		if (i == 0 || b->lane != b[-1].lane)
			fprintf(out, "%s\n", lane_name(b->lane));
		fputs("  ", out);
		put_name(out, b->name, names);
		fputs(" ", out);
		put_bar(out, w, p, chart, b);
		fprintf(out, " %*s\n", TOOK_WIDTH, took(text, b));
		put_detail(out, b);
	}
}

static void print_table(FILE *out, const struct waterfall *w, unsigned names)
{
	char begin[MOMENT_ROOM], text[MOMENT_ROOM];

	for (unsigned i = 0; i < w->count; i++) {
		const struct bar *b = &w->bar[i];

		if (i == 0 || b->lane != b[-1].lane)
			fprintf(out, "%-*s %10s  %10s\n", (int)names + 2, lane_name(b->lane),
				b->lane == LANE_CONDITIONS ? "" : "began",
				b->lane == LANE_CONDITIONS ? "held after" : "took");
		fputs("  ", out);
		put_name(out, b->name, names);
		fprintf(out, " %10s  %10s%s\n",
			b->lane == LANE_CONDITIONS ? "" : moment(begin, b->begin_ms), took(text, b),
			b->state == STAGE_FAILED ? ", failed" : "");
		put_detail(out, b);
	}
}

void waterfall_print(const struct waterfall *w, const struct paper *p, FILE *out)
{
	const struct symptom *s = symptom_find(w->diagnosis.id);
	unsigned names = longest_name(w), rest = names + TOOK_WIDTH + 4;
	char headline[HEADLINE_ROOM];

	fprintf(out, "%s\nbegan %s, boot %s\n\n", waterfall_headline(w, headline), w->began,
		w->boot);
	if (p->columns >= rest + CHART_MIN)
		print_chart(out, w, p, names, p->columns - rest - 1);
	else
		print_table(out, w, names);
	if (w->detail[0])
		fprintf(out, "\n%s\n", w->detail);
	if (s)
		fprintf(out, "cause: %s\n", s->cause);
	if (w->diagnosis.line[0])
		fprintf(out, "       %s\n", w->diagnosis.line);
	if (s && s->remedy)
		fprintf(out, "try: %s\n", s->remedy);
	if (w->left_off)
		fprintf(out, "bars that are not shown: %u\n", w->left_off);
	if (w->broken)
		fprintf(out, "lines of events.jsonl that could not be read: %u\n", w->broken);
}
