/*
 * supervisor - the services of vm.ini: commands that run beside the main process, and are started again.
 *
 * Each is a detached session of the exec server's, called "service-NAME": what it said last can be attached to.
 * One that ends, or cannot be started, is started again as its policy says, later each time; one that ran
 * for STEADY_MS is as good as new. So one that always fails costs a start every half a minute.
 */
#ifndef GUEST_SUPERVISOR_H
#define GUEST_SUPERVISOR_H

#include "base/err.h"
#include "guest/session.h"
#include "proto/agent.h"
#include "proto/desc.h"

#define SERVICE_ID "service-"

enum {
	SUPERVISED_FIRST_MS = 200, /* before the first new start; then twice as long each time */
	SUPERVISED_LATE_MS = 30000,
	SUPERVISED_STEADY_MS = 10000,
};

struct supervisor;

struct supervised {
	struct supervisor *of; /* borrowed: embeds us */
	char *name;	       /* owned, as the following */
	char *user;
	char *argv[DESC_SERVICE_ARGS_MAX + 1];
	uint32_t argc;
	enum desc_restart restart;
	struct session_heir heir;
	struct timer again; /* until the next start; idle while there is none to come */
	pid_t pid;	    /* 0 unless it runs */
	uint32_t starts;
	unsigned wait_ms; /* before the next start */
	int64_t since_ms; /* it runs, or ran last */
	struct exec_status status;
};

struct supervisor {
	struct loop *loop;	   /* borrowed */
	struct sessions *sessions; /* borrowed */
	int is_over;		   /* nothing is started any more */
	uint32_t count;
	struct supervised list[DESC_SERVICES_MAX];
};

/* Starts all of them; d need not outlive this. 0; or negative with *e filled by the first that could not be:
 * the others run, and it is tried again if its policy says so. */
int supervisor_begin(struct supervisor *s, struct loop *l, struct sessions *sessions,
		     const struct guest_desc *d, struct err *e);

/* The guest ends: whoever ends now stays so. */
void supervisor_stop(struct supervisor *s);

/* Lets go of what it consists of: none of them may run, or wait. */
void supervisor_close(struct supervisor *s);

/* What they do now; strings borrow from s. How many. */
uint32_t supervisor_info(const struct supervisor *s, struct info_service out[INFO_SERVICES_MAX]);

#endif
