/*
 * seat - where the person sits: our stdin, stdout and stderr, and our terminal when it is one.
 */
#include "host/seat.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/util.h"

void seat_init(struct seat *s, const struct detachkeys *keys, int has_input)
{
	tty_init(&s->tty);
	s->keys = *keys;
	s->has_input = has_input;
	s->input.io = s->outlets[0].io = s->outlets[1].io = (struct stdio)STDIO_NONE;
}

int seat_open(struct seat *s, struct loop *l, void (*input)(struct watch *w, uint32_t events),
	      void (*output)(struct watch *w, uint32_t events), void *owner)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < (int)COUNT(s->outlets); i++) {
		s->outlets[i].owner = owner;
		rc = outlet_open(&s->outlets[i], STDOUT_FILENO + i, l, output);
	}
	if (rc == 0 && s->has_input)
		rc = input_open(&s->input, l, input);
	return rc;
}

void seat_close(struct seat *s)
{
	input_close(&s->input);
	for (size_t i = 0; i < COUNT(s->outlets); i++)
		outlet_close(&s->outlets[i]);
}

void seat_tell(struct seat *s, const char *fmt, ...)
{
	const char *before = s->tty.is_raw ? "\r\n" : "", *after = s->tty.is_raw ? "\r\n" : "\n";
	char text[240], line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = snprintf(line, sizeof(line), "%svmtool: %s%s", before, text, after);
	(void)stdio_write(&s->outlets[1].io, line, MIN((size_t)n, sizeof(line) - 1));
}

static int is_full(const struct outlet *o)
{
	return o->rest_len > 0 || o->is_full;
}

int seat_is_full(const struct seat *s)
{
	return is_full(&s->outlets[0]) || is_full(&s->outlets[1]);
}

void seat_want(struct seat *s)
{
	for (size_t i = 0; i < COUNT(s->outlets); i++)
		end_want(&s->outlets[i].end, is_full(&s->outlets[i]) ? EPOLLOUT : 0);
}

struct exec_seen seat_seen(const struct seat *s)
{
	return (struct exec_seen){ s->outlets[0].seen, s->outlets[1].seen };
}

void seat_pause(struct seat *s)
{
	for (size_t i = 0; i < COUNT(s->outlets); i++)
		outlet_forget(&s->outlets[i]);
	input_pause(&s->input);
}

void seat_lend(struct seat *s)
{
	s->is_lent = 1;
	tty_raw(&s->tty);
	if (s->tty.keys >= 0)
		s->input.keys = &s->keys;
	tty_resized(&s->tty);
}
