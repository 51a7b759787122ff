/*
 * diagnosis - what the console of a guest that did not come up says of the cause.
 *
 * From one table: the words a kernel or an init is known to say, what they mean, and what to try.
 * The bytes are the guest's own: they can mislead about itself, and nothing else.
 */
#ifndef HOST_DIAGNOSIS_H
#define HOST_DIAGNOSIS_H

#include <jansson.h>
#include <stddef.h>

#include "host/store.h"

/* Kept in state.json and events.jsonl; what it means is looked up. */
struct diagnosis {
	char id[24];	/* "" when nothing was recognised */
	char line[160]; /* the line that says so, cleaned; "" when it is the silence */
};

struct symptom {
	const char *id;
	const char *cause;  /* a sentence */
	const char *remedy; /* what to try; NULL: only the guest's own maker can know */
};

/* What the host knows of the guest. */
struct patient {
	int has_disks;
	int ran;       /* its first instruction did */
	int timed_out; /* it was not ready in time */
};

/* From the console's bytes. */
void diagnose(struct diagnosis *d, const struct patient *p, const char *text, size_t len);

/* From the part of console.log that begins at `from`. */
void diagnose_vm(struct diagnosis *d, const struct patient *p, const struct vmref *v, off_t from);

/* The diagnosis as state.json and the events keep it; null when there is none. And back: of what is
 * no diagnosis, none. */
json_t *diagnosis_json(const struct diagnosis *d);
void diagnosis_take(struct diagnosis *d, const json_t *j);

/* NULL for "" and for what this vmtool does not know. */
const struct symptom *symptom_find(const char *id);

#endif
