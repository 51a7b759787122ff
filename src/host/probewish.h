/*
 * probewish - a probe as a person asked for it: what is tried, from where, how often.
 */
#ifndef HOST_PROBEWISH_H
#define HOST_PROBEWISH_H

#include "base/err.h"
#include "host/reach.h"
#include "host/strings.h"

enum {
	PROBES_MAX = CONDITIONS_MAX - CONDITIONS_FIXED,
	PROBE_NAME_MAX = CONDITION_NAME_MAX - 7, /* "probe:" and a NUL around it */
	PROBE_ARGS_MAX = 32,
};

enum try_kind {
	TRY_NOTHING,
	TRY_EXEC,	/* a command in the guest that must end with 0 */
	TRY_TCP,	/* a connection */
	TRY_UNIX,	/* the same */
	TRY_HTTP,	/* an answer to GET of that status */
	TRY_SSH_BANNER, /* an SSH server's identification */
};

struct probe_wish {
	const char *name; /* the strings lie in the bag */
	enum try_kind kind;
	const char *argv[PROBE_ARGS_MAX + 1]; /* of TRY_EXEC */
	struct place place;		      /* of the others */
	const char *path;		      /* of TRY_HTTP: behind the server's name */
	uint16_t status_min, status_max;
	uint32_t interval_ms; /* between attempts, once it is known whether it holds */
	uint32_t timeout_ms;  /* of an attempt */
	uint32_t retries;  /* so many failures in a row are needed to say that it does not hold */
	uint32_t start_ms; /* failures before that do not count */
	int has_start;	   /* else: until the start's own deadline, or 5 s when it is not fatal */
	int is_fatal;	   /* nothing is ready without it; else only degraded */
};

struct probe_wishes {
	unsigned count;
	struct probe_wish probe[PROBES_MAX];
};

/*
 * One thing said of the probe of this name, which need not exist yet: "tcp", "80" or "interval",
 * "5s". `what` names it in the sentence. 0, or wrong usage with *e filled.
 */
int probewish_set(struct probe_wishes *w, struct strings *bag, const char *name, const char *key,
		  const char *what, const char *text, struct err *e);

/* "NAME KEY=VALUE...", the way of the command line. "exec=" takes all that follows. */
int probewish_words(struct probe_wishes *w, struct strings *bag, const char *what, const char *text,
		    struct err *e);

/* What can only be said when all was: that each tries something. 0 or wrong usage. */
int probewish_check(const struct probe_wishes *w, int has_agent, struct err *e);

/* "http", ... */
const char *try_kind_name(enum try_kind k);

#endif
