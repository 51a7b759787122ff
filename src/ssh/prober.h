/*
 * prober - whether an SSH server answers at an endpoint; once, or again until it does.
 *
 * An attempt tries every address of the endpoint, one behind the other but not waiting for dead
 * ones; the first identification string wins. Attempts follow each other after 2 ms, 4 ms, ... up
 * to 200 ms; on this machine, whose answer costs hardly anything, after 4 ms at most where nobody
 * listens, and after 20 ms where somebody hangs up, within the first five seconds; then that grows with
 * the time that was waited. A success ends it: a server is bothered once.
 */
#ifndef SSH_PROBER_H
#define SSH_PROBER_H

#include "ssh/lane.h"
#include "ssh/resolver.h"

struct probe_limits {
	unsigned connect_ms, read_ms; /* of each connection; 0: 5 s */
	unsigned interval_ms;	      /* between attempts, at most; 0: as above */
	unsigned timeout_ms;	      /* of it all; 0: until it succeeds, or one attempt's time */
	int wait;		      /* again and again, until the time is up */
};

struct probe_result {
	enum probe_class verdict; /* PROBE_NONE until it is done */
	char banner[256];	  /* of PROBE_OK: the identification string; else "" */
	char why[256];		  /* of the others: a clause without a stop */
	char address[ENDPOINT_TEXT_ROOM];
	const struct address *at; /* that one, borrowed from the prober; NULL: of a path */
	unsigned attempts;
	int64_t elapsed_ms;
};

struct prober {
	struct loop *loop;	      /* borrowed */
	const struct endpoint *where; /* borrowed */
	struct probe_limits limits;
	void (*done)(struct prober *p); /* p->result holds; once; may call prober_stop() */
	void (*left)(struct prober *p); /* nothing of it is in the loop any more; NULL: who cares */
	struct probe_result result;
	/* From here on the prober's own. */
	int64_t began_ms, attempt_ms, resolved_ms;
	struct addresses addresses;
	struct resolver resolver;
	struct lane lanes[ENDPOINT_ADDRESSES];
	unsigned next, active; /* lanes to be started; lanes without a verdict */
	unsigned pause_ms;     /* before the next attempt */
	int was_patient;
	struct probe_result attempt; /* the most telling answer of the one that is going on */
	struct timer stagger, pause, deadline;
};

/* The fields above `result` are set, the rest is zero. done() is called from the loop, never from
 * here. */
void prober_start(struct prober *p);

/* Ends it wherever it is; no callback is called. No-op for one that never started or is through. */
void prober_stop(struct prober *p);

/* Nonzero when nothing of it is in the loop: it is done, and its connections are gone. */
int prober_is_quiet(const struct prober *p);

/* "ok", "refused", ... */
const char *probe_class_name(enum probe_class c);

/* Nonzero for what is there to stay: asking again would not help. */
int probe_is_final(enum probe_class c);

#endif
