/*
 * meter - how far a copy is, on a terminal: one line, redrawn at most ten times a second.
 */
#include "host/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "host/text.h"

enum { FIRST_MS = 300, EVERY_MS = 100 };

static int somebody_looks(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") && !getenv("CI");
}

static void draw(struct meter *m, int64_t now)
{
	char have[TEXT_UNIT_ROOM], speed[TEXT_UNIT_ROOM], part[16] = "";
	int64_t ms = MAX(now - m->start_ms, 1);

	text_size(have, m->bytes);
	text_size(speed, m->bytes * 1000 / (uint64_t)ms);
	if (m->total > 0)
		snprintf(part, sizeof(part), " %d%%",
			 (int)(100.0 * (double)MIN(m->bytes, m->total) / (double)m->total));
	fprintf(stderr, "\r\033[K%.40s  %llu files  %s%s  %s/s", m->what,
		(unsigned long long)m->files, have, part, speed);
	fflush(stderr);
	m->is_shown = 1;
	m->drawn_ms = now;
}

static void count(struct meter *m, const struct copy_msg *msg)
{
	switch (msg->type) {
	case FRAME_COPY_ROOT:
		m->is_root = 1;
		break;
	case FRAME_COPY_ENTRY:
		m->files += !S_ISDIR(msg->entry.mode);
		/* Of one file it is known how much comes. */
		m->total = m->is_root ? m->bytes + msg->entry.size : m->total;
		m->is_root = 0;
		break;
	case FRAME_COPY_LINK:
		m->files++;
		break;
	case FRAME_COPY_DATA:
		m->bytes += msg->data.len;
		break;
	case FRAME_COPY_HOLE:
		m->bytes += msg->hole;
		break;
	}
}

static int meter_take(struct sink *s, const struct copy_msg *msg, struct err *e)
{
	struct meter *m = CONTAINER(s, struct meter, sink);
	int64_t now;

	if (m->is_on) {
		count(m, msg);
		now = clock_ms();
		if (now - m->start_ms >= FIRST_MS && now - m->drawn_ms >= EVERY_MS)
			draw(m, now);
	}
	return sink_take(m->to, msg, e);
}

void meter_init(struct meter *m, struct sink *to, const char *what, int is_quiet)
{
	*m = (struct meter){
		.sink.take = meter_take,
		.to = to,
		.what = what,
		.is_on = !is_quiet && somebody_looks(),
		.start_ms = clock_ms(),
	};
}

void meter_clear(struct meter *m)
{
	if (m->is_shown)
		fputs("\r\033[K", stderr);
	m->is_shown = 0;
}
