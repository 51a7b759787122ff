/*
 * history - events.jsonl read line by line, while others may write it, and after crashes.
 *
 * Whatever is no event is counted, can be told, and is skipped; an event that is still being written is
 * not there yet.
 */
#ifndef HOST_HISTORY_H
#define HOST_HISTORY_H

#include <jansson.h>
#include <stdint.h>

#include "host/store.h"
#include "host/timeline.h"

struct history {
	int file;	   /* owned; -1 while there is none */
	off_t at;	   /* of mem[0] */
	uint64_t line;	   /* the number of the latest line, from 1 on */
	size_t begin, end; /* what is not yet taken of mem */
	int cut;	   /* the line at hand is longer than any event */
	char mem[2 * EVENT_MAX];
};

#define HISTORY_NONE \
	{ \
		.file = -1 \
	}

struct event {
	const char *text; /* the line, without its newline; until the next call */
	size_t len;
	json_t *json; /* owned; NULL: it is no event */
	uint64_t seq;
};

/* What is there now, or will be. 0, also when nothing ever happened; negative with *e filled. */
int history_open(struct history *h, const struct vmref *v, struct err *e);
void history_close(struct history *h);

/* 1: the next line, which event_drop() lets go of; 0: there is no further whole one yet; or a
 * negative errno. */
int history_next(struct history *h, const struct vmref *v, struct event *out);
void event_drop(struct event *x);

/* Nonzero when half a line stands at the end. */
int history_is_cut(const struct history *h);

const char *event_text(const struct event *x, const char *key);

#endif
