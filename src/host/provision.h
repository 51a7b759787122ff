/*
 * provision - the scripts of a boot, run in the guest as root, one after the other.
 *
 * Read from the host before anything starts, so that what is missing is no surprise later. In the
 * guest a script is no file: its interpreter reads it from a pipe, and its stdin is empty.
 * All they say is kept in the VM's provision.log.
 */
#ifndef HOST_PROVISION_H
#define HOST_PROVISION_H

#include "host/errand.h"
#include "host/scripts.h"
#include "host/store.h"
#include "host/timeline.h"

struct provision {
	struct loop *loop;	/* borrowed; NULL before the start */
	struct timeline *tl;	/* borrowed */
	const struct vmref *vm; /* borrowed; NULL: there is nothing to run */
	int sockets_dir;	/* borrowed */
	unsigned at;		/* the one that runs */
	struct {
		char *text; /* owned; NULL: it is not run */
		size_t len;
		uint64_t hash; /* of a `once`; or 0 */
	} script[SCRIPTS_MAX];
	struct script_reports reports;
	struct errand errand;
	int64_t began_ms;
	int log; /* owned; -1 */
	size_t log_bytes;
	void (*changed)(struct provision *p); /* one has begun or ended */
	void (*over)(struct provision *p);    /* all have ended */
};

#define PROVISION_NONE ((struct provision){ .errand = ERRAND_NONE, .log = -1 })

/* Reads all that are to run. 0 or negative with *e filled. */
int provision_load(struct provision *p, const struct script_wishes *w, const struct vmref *vm,
		   struct err *e);

/* `changed` and `over` are set. Calls over(), perhaps at once. */
void provision_start(struct provision *p, struct loop *l, struct timeline *tl, int sockets_dir);

/* The first that failed; or NULL. */
const struct script_report *provision_failure(const struct provision *p);

void provision_stop(struct provision *p);

#endif
