/*
 * waterfall - one boot as bars on a line of time, from what events.jsonl has of it.
 *
 * The file may end in half a line, or have worse in it: what cannot be read is counted. The guest's
 * stages carry its own clock; they are laid where the one that reached us fastest says they belong.
 */
#ifndef HOST_WATERFALL_H
#define HOST_WATERFALL_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "host/diagnosis.h"
#include "host/store.h"
#include "proto/ready.h"

enum { BARS_MAX = 300 };

enum bar_lane { LANE_HOST, LANE_GUEST, LANE_CONDITIONS, LANE_COUNT };

struct bar {
	enum bar_lane lane;
	enum stage_state state;	  /* STAGE_BEGIN: it never ended */
	int64_t begin_ms, end_ms; /* since the start was asked for */
	char name[STAGE_NAME_MAX + 32];
	char detail[STAGE_DETAIL_MAX + 200];
};

enum outcome { OUTCOME_OPEN, OUTCOME_READY, OUTCOME_FAILED };

struct waterfall {
	char vm[VM_NAME_ROOM], boot[BOOT_ID_LEN + 1], began[CLOCK_TEXT];
	enum outcome outcome; /* OPEN: neither ready nor ended, as far as is known */
	int64_t end_ms;	      /* the last moment shown: ready, or the end */
	int64_t guest_ms;     /* of the guest's clock, when it last told something; -1: never */
	int64_t offset_ms;    /* the guest's clock behind ours; INT64_MAX while it said nothing */
	char reason[24], detail[800];
	struct diagnosis diagnosis;
	unsigned broken;   /* lines that could not be read */
	unsigned left_off; /* bars there was no room for */
	unsigned count;
	struct bar bar[BARS_MAX];
};

void waterfall_init(struct waterfall *w);

/* One line of the file. One of another boot begins anew. */
void waterfall_take(struct waterfall *w, const char *line, size_t len);

/* After the last. */
void waterfall_settle(struct waterfall *w);

/* The latest boot of a VM. 0; -ENOENT with a sentence when it never started; or negative with *e
 * filled. */
int waterfall_read(struct waterfall *w, const struct vmref *v, struct err *e);

const char *lane_name(enum bar_lane lane);

/* "640 ms", "12.3 s". Returns out. */
enum { MOMENT_ROOM = 24 };
char *moment(char out[MOMENT_ROOM], int64_t ms);

/* "web: ready in 640 ms". Returns out. */
enum { HEADLINE_ROOM = 160 };
char *waterfall_headline(const struct waterfall *w, char out[HEADLINE_ROOM]);

/* --- how it is shown --- */

struct paper {
	unsigned columns; /* of the terminal; 0: none, a table without bars */
	int is_utf8, has_colours;
};

void waterfall_print(const struct waterfall *w, const struct paper *p, FILE *out);
void waterfall_svg(const struct waterfall *w, FILE *out);
json_t *waterfall_json(const struct waterfall *w);

#endif
