/*
 * conditions - what holds of a VM, name by name (contracts.md, "States"), as one table.
 *
 * Plain data: the agent's is true, one of state.json was. Who finds out lives in host/ready.
 */
#ifndef HOST_CONDITIONS_H
#define HOST_CONDITIONS_H

#include <jansson.h>
#include <stdint.h>

#include "base/clock.h"

enum {
	CONDITIONS_MAX = 20,
	CONDITION_NAME_MAX = 40, /* bytes, NUL included */
	CONDITION_TEXT_MAX = 160,
};

/* The first rows of every table. */
enum condition_id {
	VM_ALIVE,   /* the vmm runs the guest's instructions */
	AGENT_UP,   /* the guest's vmtool said hello, and its exec server answered us */
	SSH_BANNER, /* a stranger at the public port was greeted by an SSH server */
	BOOT_DONE,  /* the guest says that its boot is over, its provision included */
	CONDITIONS_FIXED,
};

struct condition {
	char name[CONDITION_NAME_MAX];
	int gates;   /* nothing is ready without it */
	int warns;   /* what is ready without it is degraded */
	int pending; /* nothing is ready before it is known whether it holds */
	int value;
	uint32_t attempts;		     /* to see it hold, since it last did */
	char since[CLOCK_TEXT];		     /* when the value at hand began, or "" */
	char reason[CONDITION_TEXT_MAX];     /* why it is what it is */
	char last_error[CONDITION_TEXT_MAX]; /* of the latest attempt that failed; or "" */
};

struct conditions {
	unsigned count;
	struct condition list[CONDITIONS_MAX];
};

/* The fixed ones; none holds and none gates. */
void conditions_init(struct conditions *t);

/* A further one; NULL when the table is full. */
struct condition *conditions_add(struct conditions *t, const char *name);

/* NULL: there is none of this name. */
struct condition *conditions_find(struct conditions *t, const char *name);

/* Whether the one of this name is there, and holds. */
int conditions_value(const struct conditions *t, const char *name);

/* Texts are clean UTF-8. 1 when the value changed. */
int condition_turn(struct condition *c, int value, const char *reason);

/* Why it does not hold yet, while one is on the way to it. */
void condition_because(struct condition *c, const char *reason);

/* An attempt to see it hold begins; and: it failed, which says nothing of the value yet. */
void condition_attempt(struct condition *c);
void condition_missed(struct condition *c, const char *error);

/* Whether all that gate hold, and none is waited for. */
int conditions_hold(const struct conditions *t);

/* One that warns and does not hold; or NULL. */
const struct condition *conditions_warned(const struct conditions *t);

/* After the end of a VM: none holds. */
void conditions_drop(struct conditions *t, const char *reason);

/* For a person: each that gates and does not hold, why, what was tried, and what went wrong. */
void conditions_unmet(const struct conditions *t, char *out, size_t cap);

/* {"vm_alive": true, ...}; and as a list with everything that is known of each. */
json_t *conditions_values(const struct conditions *t);
json_t *conditions_list(const struct conditions *t);

/* From what both made; whatever is none of it is left out. */
void conditions_read(struct conditions *t, const json_t *values, const json_t *list);

#endif
