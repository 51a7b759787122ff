/*
 * scripts - what is run in a guest as a part of its boot, and what became of each: plain data, as
 * state.json keeps it.
 */
#ifndef HOST_SCRIPTS_H
#define HOST_SCRIPTS_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "host/strings.h"

enum {
	SCRIPTS_MAX = 16,
	SCRIPT_NAME_MAX = 64,
	SCRIPT_TEXT_MAX = 160,
};

/* What a person asked for; the strings lie in a bag. */
struct script_wish {
	const char *path; /* of a host's file; or NULL, and */
	const char *text; /* the script itself */
	int is_once;	  /* not again once it ended with 0 */
};

struct script_wishes {
	unsigned count;
	struct script_wish script[SCRIPTS_MAX];
	int is_required; /* a start fails with one that fails */
};

/*
 * "[once] /PATH", "[once] sh COMMAND...", "[once] #!INTERPRETER\n...". `what` names it in the
 * sentence. 0, or wrong usage with *e filled.
 */
int scripts_add(struct script_wishes *w, struct strings *bag, const char *what, const char *text,
		struct err *e);

enum script_state {
	SCRIPT_WAITING,
	SCRIPT_RUNNING,
	SCRIPT_DONE,	/* it ended with 0 */
	SCRIPT_FAILED,	/* with code */
	SCRIPT_SKIPPED, /* it was done in an earlier boot */
};

struct script_report {
	char name[SCRIPT_NAME_MAX];
	enum script_state state;
	int code;
	int64_t ms;
	char said[SCRIPT_TEXT_MAX]; /* the last line of its output, clean; or why it did not run */
};

struct script_reports {
	unsigned count;
	struct script_report list[SCRIPTS_MAX];
};

const char *script_state_name(enum script_state s);

json_t *scripts_json(const struct script_reports *r);

/* From what scripts_json() made; whatever is none of it is left out. */
void scripts_read(struct script_reports *r, const json_t *list);

#endif
