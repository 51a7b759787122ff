/*
 * serverkeys - the SSH host keys of servers that no agent of ours speaks for.
 */
#include "host/serverkeys.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/util.h"

enum { EXIT_TIMEOUT = 124 };

/* One of a row: whose end is the last one's ends the loop. */
static void scan_done(struct scan *s)
{
	loop_stop(s->loop, 0);
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	static const unsigned ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < COUNT(ends); i++)
		if (si->ssi_signo == ends[i])
			loop_stop(l, 128 + (int)si->ssi_signo);
}

static int is_every_one_done(const struct scan *scans, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (scans[i].verdict == PROBE_NONE)
			return 0;
	return 1;
}

int serverkeys_ask(struct scan *scans, unsigned count, unsigned timeout_ms, struct err *e)
{
	struct loop loop = LOOP_INIT;
	int rc = loop_open(&loop), status = 0;

	if (rc < 0)
		return err_set(e, rc, "an event loop: %s", strerror(-rc));
	loop.signalled = signalled;
	for (unsigned i = 0; i < count; i++) {
		scans[i].loop = &loop;
		scans[i].timeout_ms = timeout_ms;
		scans[i].done = scan_done;
		scan_start(&scans[i]);
	}
	while (status == 0 && !is_every_one_done(scans, count))
		status = loop_run(&loop);
	for (unsigned i = 0; i < count; i++)
		scan_stop(&scans[i]);
	loop_close(&loop);
	if (status == 0)
		return 0;
	err_set(e, -EINTR, "ended by a signal");
	e->exit = status;
	return e->code;
}

int serverkeys_failure(const struct scan *s, const char *name, struct err *e)
{
	err_set(e, -EREMOTEIO, "%s: %s", name, s->why);
	if (s->verdict == PROBE_TIMEOUT)
		e->exit = EXIT_TIMEOUT;
	return e->code;
}

void serverkeys_proved(struct hostkeys *keys, const struct scan *s)
{
	keys->count = 0;
	for (unsigned i = 0; i < s->count; i++)
		if (s->keys[i].is_verified)
			keys->at[keys->count++] = s->keys[i].key;
}
