/*
 * waterfall_svg - the waterfall as a picture of its own: no script, no font, nothing to fetch.
 *
 * Names in a column, bars over a scale, the time each took at its right: a column is left free for
 * that, so nothing lies over anything. It follows the reader's light or dark. Every text is
 * foreign: put_text() is the only way one gets in.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "host/waterfall.h"

enum {
	WIDTH = 960,
	MARGIN = 24,
	TOOK = 96, /* right of the scale, for what the last bar says */
	ROW = 24,
	LANE_HEAD = 30,
	BAR = 14,
	HEAD = 112,
	LETTER = 8, /* of the font at its widest, in the average */
	NAME_MIN = 12,
	LABEL_MAX = 30,
	NOTE_LINE = 20,
	NOTE_LETTERS = (WIDTH - 2 * MARGIN) / LETTER,
	TICKS_MAX = 8,
	TICK_HALF = 32, /* of what is said above a line of the scale */
};

/* Without variables: there are viewers that do not know them, and show the light half. */
static const char style[] =
	"<style>\n"
	"svg { font: 14px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif }\n"
	".paper { fill: #ffffff } text { fill: #1f2328 }\n"
	".title { font-size: 22px; font-weight: 600 }\n"
	".soft, .lane, .took { font-size: 13px; fill: #59636e }\n"
	".lane { font-weight: 600 }\n"
	/* A rim of paper, for one that stands on a line. */
	".took { font-variant-numeric: tabular-nums; paint-order: stroke; stroke: #ffffff;\n"
	"  stroke-width: 5px; stroke-linejoin: round }\n"
	".grid { stroke: #d8dee4 } .back { fill: #d8dee4; fill-opacity: 0 }\n"
	".row:hover .back { fill-opacity: .5 }\n"
	".host { fill: #0969da } .guest { fill: #8250df }\n"
	".conditions, .held, .say-ready { fill: #1a7f37 } .held { fill-opacity: .25 }\n"
	".failed, .bad, .say-failed { fill: #cf222e }\n"
	".open { fill: #9a6700; fill-opacity: .3; stroke: #9a6700; stroke-dasharray: 4 3 }\n"
	".say-open { fill: #9a6700 }\n"
	".end { stroke-width: 2; stroke-dasharray: 5 4 } .end-ready { stroke: #1a7f37 }\n"
	".end-failed { stroke: #cf222e } .end-open { stroke: #9a6700 }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"  .paper { fill: #0d1117 } text { fill: #e6edf3 } .soft, .lane, .took { fill: #9198a1 }\n"
	"  .took { stroke: #0d1117 } .grid { stroke: #30363d } .back { fill: #30363d }\n"
	"  .host { fill: #4493f8 } .guest { fill: #ab7df8 }\n"
	"  .conditions, .held, .say-ready { fill: #3fb950 }\n"
	"  .failed, .bad, .say-failed { fill: #f85149 } .say-open { fill: #d29922 }\n"
	"  .open { fill: #d29922; stroke: #d29922 } .end-ready { stroke: #3fb950 }\n"
	"  .end-failed { stroke: #f85149 } .end-open { stroke: #d29922 }\n"
	"}\n"
	"</style>\n";

struct sheet {
	const struct waterfall *w;
	FILE *out;
	int left, right; /* of the scale */
	int y;
};

static const char *outcome_word(const struct waterfall *w)
{
	static const char *const words[] = { "open", "ready", "failed" };

	return words[w->outcome];
}

/* Clean UTF-8 becomes text of XML, after `most` characters cut. */
static void put_text(FILE *out, const char *text, unsigned most)
{
	static const struct {
		char c;
		const char *as;
	} escapes[] = { { '&', "&amp;" },
			{ '<', "&lt;" },
			{ '>', "&gt;" },
			{ '"', "&quot;" },
			{ '\'', "&#39;" } };
	unsigned n = 0;

	for (; *text; text++) {
		size_t i = 0;

		if (((unsigned char)*text & 0xc0) != 0x80 && n++ == most) {
			fputs("…", out);
			return;
		}
		while (i < COUNT(escapes) && escapes[i].c != *text)
			i++;
		if (i < COUNT(escapes))
			fputs(escapes[i].as, out);
		else
			fputc(*text, out);
	}
}

static double x_of(const struct sheet *s, int64_t ms)
{
	if (s->w->end_ms == 0)
		return s->left;
	return s->left + (double)(s->right - s->left) * (double)ms / (double)s->w->end_ms;
}

/* 1, 2 or 5 times a power of ten, so that there are few. */
static int64_t tick_step(int64_t end_ms)
{
	static const int factors[] = { 1, 2, 5 };

	for (int64_t power = 1;; power *= 10)
		for (size_t i = 0; i < COUNT(factors); i++)
			if (end_ms / (factors[i] * power) < TICKS_MAX)
				return factors[i] * power;
}

static const char *tick(char out[MOMENT_ROOM], int64_t ms, int64_t step)
{
	if (step % 1000 == 0)
		snprintf(out, MOMENT_ROOM, "%" PRId64 " s", ms / 1000);
	else
		snprintf(out, MOMENT_ROOM, "%" PRId64 " ms", ms);
	return out;
}

static void put_scale(const struct sheet *s, int bottom)
{
	int64_t step = tick_step(s->w->end_ms);
	char at[MOMENT_ROOM];

	for (int64_t ms = 0; ms <= s->w->end_ms; ms += step) {
		double x = x_of(s, ms);

		fprintf(s->out,
			"<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>\n", x, x,
			HEAD, bottom);
		if (ms > 0 && x + TICK_HALF > s->right)
			continue; /* the end is drawn here, and says its own time */
		fprintf(s->out,
			"<text class=\"took\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			x, HEAD - 8, tick(at, ms, step));
	}
}

static void put_end(const struct sheet *s, int bottom)
{
	static const char *const says[] = { "not ready yet", "ready", "ended" };
	const char *word = outcome_word(s->w);
	char at[MOMENT_ROOM];

	fprintf(s->out,
		"<line class=\"end end-%s\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n"
		"<text class=\"say-%s\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s, %s</text>\n",
		word, s->right, s->right, HEAD - 24, bottom, word, s->right, HEAD - 30,
		says[s->w->outcome], moment(at, s->w->end_ms));
}

static const char *class_of(const struct bar *b)
{
	if (b->lane == LANE_CONDITIONS)
		return "held";
	if (b->state == STAGE_FAILED)
		return "failed";
	return b->state == STAGE_BEGIN ? "open" : lane_name(b->lane);
}

static void put_tooltip(const struct sheet *s, const struct bar *b)
{
	char from[MOMENT_ROOM], to[MOMENT_ROOM];

	fputs("<title>", s->out);
	put_text(s->out, b->name, UINT32_MAX);
	if (b->lane == LANE_CONDITIONS)
		fprintf(s->out, ": %s %s", b->state == STAGE_BEGIN ? "holds since" : "held until",
			moment(from, b->state == STAGE_BEGIN ? b->begin_ms : b->end_ms));
	else if (b->state == STAGE_BEGIN)
		fprintf(s->out, ": began at %s and never ended", moment(from, b->begin_ms));
	else
		fprintf(s->out, ": %s to %s%s", moment(from, b->begin_ms), moment(to, b->end_ms),
			b->state == STAGE_FAILED ? ", failed" : "");
	if (b->detail[0]) {
		fputs("\n", s->out);
		put_text(s->out, b->detail, UINT32_MAX);
	}
	fputs("</title>\n", s->out);
}

/* What stands behind a bar. */
static void put_took(const struct sheet *s, const struct bar *b, double x)
{
	char text[MOMENT_ROOM];

	fprintf(s->out, "<text class=\"%s\" x=\"%.1f\" y=\"%d\">",
		b->state == STAGE_FAILED ? "took bad" : "took", x + 8, s->y + ROW / 2 + 5);
	if (b->lane == LANE_CONDITIONS)
		fputs(b->state == STAGE_BEGIN ? moment(text, b->begin_ms) : "lost", s->out);
	else if (b->state == STAGE_BEGIN)
		fputs("never ended", s->out);
	else
		fprintf(s->out, "%s%s", moment(text, b->end_ms - b->begin_ms),
			b->state == STAGE_FAILED ? " ✗" : "");
	fputs("</text>\n", s->out);
}

static void put_row(const struct sheet *s, const struct bar *b)
{
	double from = x_of(s, b->begin_ms), wide = MAX(x_of(s, b->end_ms) - from, 2.0);
	int top = s->y + (ROW - BAR) / 2;

	fputs("<g class=\"row\">\n", s->out);
	put_tooltip(s, b);
	fprintf(s->out, "<rect class=\"back\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
		MARGIN / 2, s->y, WIDTH - MARGIN, ROW);
	fprintf(s->out, "<text x=\"%d\" y=\"%d\">", MARGIN + 12, s->y + ROW / 2 + 5);
	put_text(s->out, b->name, LABEL_MAX);
	fprintf(s->out,
		"</text>\n<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
		"height=\"%d\" rx=\"2\"/>\n",
		class_of(b), from, top, wide, BAR);
	if (b->lane == LANE_CONDITIONS)
		fprintf(s->out, "<circle class=\"conditions\" cx=\"%.1f\" cy=\"%d\" r=\"5\"/>\n",
			from, s->y + ROW / 2);
	put_took(s, b, from + wide);
	fputs("</g>\n", s->out);
}

static void put_rows(struct sheet *s)
{
	for (unsigned i = 0; i < s->w->count; i++) {
		const struct bar *b = &s->w->bar[i];

		if (i == 0 || b->lane != b[-1].lane) {
			fprintf(s->out, "<text class=\"lane\" x=\"%d\" y=\"%d\">%s</text>\n",
				MARGIN, s->y + LANE_HEAD - 9, lane_name(b->lane));
			s->y += LANE_HEAD;
		}
		put_row(s, b);
		s->y += ROW;
	}
}

/* --- what is to be said below --- */

/* How many bytes fit a line: up to a blank where there is one. */
static size_t line_length(const char *text)
{
	size_t at = 0, blank = 0;

	for (unsigned n = 0; text[at]; at++) {
		if (((unsigned char)text[at] & 0xc0) != 0x80 && n++ == NOTE_LETTERS)
			return blank ? blank : at;
		if (text[at] == ' ')
			blank = at;
	}
	return at;
}

/* Lines it takes; drawn from s->y on when there is a file to draw into. */
static int put_note(struct sheet *s, const char *class, const char *head, const char *text)
{
	char note[1000], line[4 * NOTE_LETTERS + 4];
	int lines = 0;

	if (!text || !*text)
		return 0;
	snprintf(note, sizeof(note), "%s%s", head, text);
	for (const char *at = note; *at; lines++) {
		size_t len = line_length(at);

		snprintf(line, sizeof(line), "%.*s", (int)len, at);
		if (s->out) {
			fprintf(s->out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, MARGIN,
				s->y + 14);
			put_text(s->out, line, UINT32_MAX);
			fputs("</text>\n", s->out);
		}
		s->y += NOTE_LINE;
		at += len + (at[len] == ' ');
	}
	return lines;
}

static void put_notes(struct sheet *s)
{
	const struct waterfall *w = s->w;
	const struct symptom *x = symptom_find(w->diagnosis.id);
	char text[80];

	for (unsigned i = 0; i < w->count; i++) {
		char head[sizeof(w->bar[i].name) + 32];

		snprintf(head, sizeof(head), "%s failed: ", w->bar[i].name);
		if (w->bar[i].state == STAGE_FAILED && w->bar[i].lane != LANE_CONDITIONS)
			put_note(s, "bad", head, w->bar[i].detail);
	}
	put_note(s, "say-failed", "", w->detail);
	put_note(s, "", "Cause: ", x ? x->cause : NULL);
	put_note(s, "soft", "The console says: ", w->diagnosis.line);
	put_note(s, "", "Try: ", x ? x->remedy : NULL);
	snprintf(text, sizeof(text), "bars that are not shown: %u", w->left_off);
	put_note(s, "soft", "", w->left_off ? text : NULL);
	snprintf(text, sizeof(text), "lines of events.jsonl that could not be read: %u", w->broken);
	put_note(s, "soft", "", w->broken ? text : NULL);
}

/* --- the sheet --- */

static int rows_height(const struct waterfall *w)
{
	int height = 0;

	for (unsigned i = 0; i < w->count; i++)
		height += ROW + (i == 0 || w->bar[i].lane != w->bar[i - 1].lane ? LANE_HEAD : 0);
	return height;
}

static int notes_height(const struct waterfall *w)
{
	struct sheet nowhere = { .w = w };

	put_notes(&nowhere);
	return nowhere.y;
}

static int names_width(const struct waterfall *w)
{
	unsigned most = NAME_MIN;

	for (unsigned i = 0; i < w->count; i++) {
		unsigned n = 0;

		for (const char *c = w->bar[i].name; *c; c++)
			n += ((unsigned char)*c & 0xc0) != 0x80;
		most = MAX(most, MIN(n, LABEL_MAX + 1u));
	}
	return (int)most * LETTER;
}

static void put_head(const struct sheet *s, int height)
{
	char headline[HEADLINE_ROOM];

	waterfall_headline(s->w, headline);
	fprintf(s->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\" role=\"img\">\n<title>",
		WIDTH, height, WIDTH, height);
	put_text(s->out, headline, UINT32_MAX);
	fprintf(s->out, "</title>\n%s<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", style,
		WIDTH, height);
	fprintf(s->out, "<text class=\"title\" x=\"%d\" y=\"36\">", MARGIN);
	put_text(s->out, headline, 70);
	fprintf(s->out, "</text>\n<text class=\"soft\" x=\"%d\" y=\"58\">began ", MARGIN);
	put_text(s->out, s->w->began, 40);
	fputs(", boot ", s->out);
	put_text(s->out, s->w->boot, 40);
	fputs("</text>\n", s->out);
}

void waterfall_svg(const struct waterfall *w, FILE *out)
{
	int bottom = HEAD + rows_height(w) + 8, notes = notes_height(w);
	struct sheet s = {
		.w = w,
		.out = out,
		.left = MARGIN + 12 + names_width(w) + 12,
		.right = WIDTH - MARGIN - TOOK,
		.y = HEAD,
	};

	put_head(&s, bottom + notes + MARGIN + (notes ? 12 : 0));
	put_scale(&s, bottom);
	put_end(&s, bottom);
	put_rows(&s);
	s.y = bottom + 16;
	put_notes(&s);
	fputs("</svg>\n", out);
}
