/*
 * launch - the starter's side of a start: the VM's folder, its agent, and the wait for proof.
 */
#include "host/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/util.h"
#include "host/agentproc.h"
#include "host/console.h"
#include "host/orphan.h"

enum {
	TAIL_LINES = 15,
	AGENTS_MAX = 3, /* that may take over: something kills them */
};

/* --- the agent --- */

static int store_config(struct launch *l, struct err *e)
{
	struct config c;
	int rc = config_load(&c, &l->claim.vm, l->ask->wish, e);

	if (rc == 0)
		rc = claim_check_files(&c, &l->claim.home, e);
	if (rc == 0 && (l->claim.made || !wish_is_empty(l->ask->wish)))
		rc = config_save(&c, &l->claim.vm, e);
	return rc;
}

/* From here on, a signal is a wish to cancel, and is told by a descriptor. */
static int hold_signals(struct launch *l, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &l->before);
	l->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->sigfd < 0 ? err_sys(e, "hold signals") : 0;
}

static void let_signals_go(struct launch *l)
{
	if (l->sigfd < 0)
		return;
	fd_close(&l->sigfd);
	sigprocmask(SIG_SETMASK, &l->before, NULL);
}

static int take_leash(struct launch *l, const struct agentproc *p)
{
	leash_hold(&l->leash, p->leash);
	l->agent = p->pid;
	return 0;
}

static int start_agent(struct launch *l, struct err *e)
{
	const char *args[AGENTPROC_ARGS] = { "--since", NULL, "--timeout" };
	struct agentproc p = AGENTPROC_NONE;
	char since[32], timeout[32];
	int n = 4, rc;

	snprintf(since, sizeof(since), "%" PRId64, l->since_ms);
	snprintf(timeout, sizeof(timeout), "%" PRIu32 "ms", l->ask->timeout_ms);
	args[1] = since;
	args[3] = timeout;
	if (l->claim.made)
		args[n++] = "--fresh";
	if (l->ask->tied)
		args[n++] = "--tied";
	if (l->ask->keep)
		args[n++] = "--keep";
	args[n] = NULL;
	rc = agentproc_start(&p, &l->claim.vm, args, 1, e);
	return rc < 0 ? rc : take_leash(l, &p);
}

static int start_owned(struct launch *l, struct err *e)
{
	int rc = store_config(l, e);

	if (rc == 0)
		rc = hold_signals(l, e);
	if (rc == 0)
		rc = start_agent(l, e);
	return rc;
}

int launch_start(struct launch *l, const struct launch_ask *ask, struct err *e)
{
	struct err ignored = ERR_NONE;
	struct claim *k = &l->claim;
	int rc;

	l->ask = ask;
	l->leash.stages = ask->stages;
	l->since_ms = clock_ms();
	k->name = ask->name;
	k->wish = ask->wish;
	k->must_be_new = ask->must_be_new;
	k->deadline_ms = l->since_ms + ask->timeout_ms;
	rc = claim_check(k, e);
	if (rc == 0)
		rc = claim_take(k, e);
	if (rc != 0)
		return rc;
	rc = start_owned(l, e);
	if (rc < 0 && k->made)
		store_remove(&k->vm, &ignored);
	return rc;
}

/* --- the wait --- */

/* The agent undoes what it did; we stay to see it done. */
static void take_signal(struct launch *l)
{
	struct signalfd_siginfo si;

	if (fd_read(l->sigfd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (l->signo == 0)
		l->signo = (int)si.ssi_signo;
	leash_pull(&l->leash);
}

/* Reads events until the VM is ready (if that is asked for) or has ended. 0, -ETIMEDOUT, or
 * -ECONNRESET when the agent ended without telling. */
static int follow_agent(struct launch *l, int until_ready, int64_t deadline_ms)
{
	struct pollfd p[] = {
		{ .fd = l->leash.fd, .events = POLLIN },
		{ .fd = l->sigfd, .events = POLLIN },
	};

	while (l->leash.end.reason[0] == '\0' && !(until_ready && l->leash.ready_ms >= 0)) {
		int64_t left = deadline_ms - clock_ms();
		int n = left <= 0 ? 0 : poll(p, COUNT(p), (int)MIN(left, INT32_MAX));

		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0)
			continue;
		if (p[1].revents)
			take_signal(l);
		if (p[0].revents && !leash_read(&l->leash))
			return -ECONNRESET;
	}
	return 0;
}

/* And waits for an agent that ends with that; one whose VM lives on has let go already. */
static void hang_up(struct launch *l)
{
	if (l->leash.fd < 0)
		return;
	leash_drop(&l->leash);
	if (l->ask->tied || l->leash.ready_ms < 0)
		while (waitpid(l->agent, NULL, 0) < 0 && errno == EINTR)
			;
}

/* It died under us, and its machine need not have: another takes over, and we follow that one. 0, or
 * negative with *e filled: there is nothing to take over, or somebody else is at it. */
static int replace_agent(struct launch *l, struct err *e)
{
	static const char *const args[] = { "--adopt", "--starter", NULL };
	struct agentproc p = AGENTPROC_NONE;
	struct state s;
	int rc;

	/* Its end of the leash may close before its lock does. */
	while (waitpid(l->agent, NULL, 0) < 0 && errno == EINTR)
		;
	rc = store_lock(&l->claim.vm, e);
	if (rc == 0)
		rc = state_read(&s, &l->claim.vm, e);
	if (rc < 0)
		return rc;
	state_settle(&s, &l->claim.vm);
	if (s.orphan != ORPHAN_LIVES)
		return err_set(e, -ESRCH, "its machine is gone as well: %s", s.detail);
	rc = agentproc_start(&p, &l->claim.vm, args, 0, e);
	if (rc < 0)
		return rc;
	return take_leash(l, &p);
}

/* An agent that did not tell the end has not tidied up either: that is ours, unless another command
 * has taken the VM over. */
static int agent_died(struct launch *l, struct err *e)
{
	struct err ignored = ERR_NONE;
	struct vmref *v = &l->claim.vm;
	struct state s;

	hang_up(l);
	if ((v->lock >= 0 || store_lock(v, &ignored) == 0) &&
	    orphan_care_locked(v, &s, &ignored) == 0 &&
	    (l->claim.made || (l->ask->tied && !l->ask->keep)))
		store_remove(v, &ignored);
	e->code = -ECONNRESET;
	return err_in(e, "%s: its agent died without a word", l->claim.vm.name);
}

/* Another command was the first to find the VM without its agent, and has given it the next: what
 * becomes of the start, that one decides, its deadline included. 0 when it became ready, or negative
 * with *e filled. A signal ends us alone, as it would anybody who looks on. */
static int follow_successor(struct launch *l, struct err *e)
{
	struct claim *k = &l->claim;
	struct err found = ERR_NONE;
	int rc;

	fprintf(stderr, "%s: its agent died; one that another command started looks after it now\n",
		k->vm.name);
	let_signals_go(l);
	k->deadline_ms = INT64_MAX;
	rc = claim_follow(k, &found);
	if (rc > 0) {
		l->leash.ready_ms = clock_ms() - l->since_ms;
		return 0;
	}
	*e = found;
	if (rc == -EAGAIN)
		return err_set(e, -ECANCELED, "%s: was removed while it was starting", k->vm.name);
	return rc < 0 ? rc : err_set(e, -ECANCELED, "%s: its start was given up", k->vm.name);
}

/* The same; *e says why an agent that died has no successor. */
static int follow(struct launch *l, int until_ready, int64_t deadline_ms, struct err *e)
{
	int rc, left = AGENTS_MAX;

	while ((rc = follow_agent(l, until_ready, deadline_ms)) == -ECONNRESET && left-- > 0 &&
	       replace_agent(l, e) == 0)
		fprintf(stderr, "%s: its agent died; another looks after it now\n",
			l->claim.vm.name);
	return rc;
}

static void show_console(const struct launch *l)
{
	char text[8192];
	size_t len = console_tail(&l->claim.vm, l->leash.end.console_from, TAIL_LINES, text, sizeof(text));

	if (len == 0)
		return;
	fprintf(stderr, "the console's last lines:\n");
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		fprintf(stderr, "  | %.*s\n", (int)(end - line), line);
}

/* The sentence, the cause where the console told it, and where to read on. */
static void explain_failure(const struct launch *l, int is_kept, struct err *e)
{
	const struct symptom *s = symptom_find(l->leash.end.diagnosis.id);
	const char *name = l->claim.vm.name, *remedy = s && s->remedy ? s->remedy : "";

	err_set(e, -ECANCELED, "%s: %s%s%s", name, l->leash.end.detail, s ? "\n  cause: " : "",
		s ? s->cause : "");
	if (s && l->leash.end.diagnosis.line[0] && !strstr(l->leash.end.detail, l->leash.end.diagnosis.line))
		err_more(e, " (%s)", l->leash.end.diagnosis.line);
	if (*remedy)
		err_more(e, "\n  try: %s", remedy);
	if (is_kept && l->leash.end.ran)
		err_more(e, "\n  see: vmtool logs %s (%s/vms/%s/console.log)", name,
			 l->claim.home.path, name);
}

static int start_failed(struct launch *l, struct err *e)
{
	struct vmref v = VMREF_NONE;
	struct err ignored = ERR_NONE;
	int kept;

	if (l->leash.end.ran && l->signo == 0)
		show_console(l);
	hang_up(l); /* so that the agent may remove what is to go */
	kept = store_find(&v, &l->claim.home, l->claim.vm.name, &ignored) == 0;
	store_close(&v);
	explain_failure(l, kept, e);
	if (l->signo)
		e->exit = 128 + l->signo;
	else if (l->leash.end.code != 1) /* 1 is what each word calls its own failure */
		e->exit = l->leash.end.code;
	return e->code;
}

int launch_ready_fd(int *fd, const char *text, struct err *e)
{
	uint32_t n;
	int rc = parse_u32(&n, "--ready-fd", text, 1, INT32_MAX, e);

	/* The agent is not to have it: its reader waits for the end of it, perhaps. */
	if (rc == 0 && fcntl((int)n, F_SETFD, FD_CLOEXEC) < 0)
		rc = err_usage(e, "--ready-fd: %s is no open descriptor: write %s>FILE, too", text,
			       text);
	if (rc == 0)
		*fd = (int)n;
	return rc;
}

/* Whoever reads it may have gone: no reason to fail. */
static void tell_ready(const struct launch *l)
{
	static const char line[] = "ready\n";
	int fd = l->ask->ready_fd;

	if (fd <= 0)
		return;
	(void)fd_write(fd, line, sizeof(line) - 1);
	if (fd > STDERR_FILENO)
		fd_close(&fd);
}

void launch_tell_degraded(const struct launch *l)
{
	if (l->leash.degraded[0])
		fprintf(stderr, "%s: ready, but degraded: %s\n", l->claim.vm.name, l->leash.degraded);
}

int launch_until_ready(struct launch *l, struct err *e)
{
	/* The agent keeps the deadline: it alone can say what was missing. */
	int rc = follow(l, 1, INT64_MAX, e);

	if (rc == -ECONNRESET && e->code == -EBUSY && !l->ask->tied) {
		rc = follow_successor(l, e);
		if (rc < 0)
			return rc;
	}
	if (l->leash.ready_ms >= 0) {
		tell_ready(l);
		let_signals_go(l);
		return 0;
	}
	return rc == 0 ? start_failed(l, e) : agent_died(l, e);
}

int launch_until_end(struct launch *l, unsigned wait_ms, struct err *e)
{
	int rc = follow(l, 0, wait_ms == LAUNCH_FOREVER ? INT64_MAX : clock_ms() + wait_ms, e);

	if (rc == -ETIMEDOUT)
		return err_set(e, rc, "%s: has not ended within %u ms", l->claim.vm.name, wait_ms);
	return rc < 0 ? agent_died(l, e) : 0;
}

void launch_close(struct launch *l)
{
	hang_up(l);
	let_signals_go(l);
	claim_close(&l->claim);
}
