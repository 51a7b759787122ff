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
	l->leash = p->leash;
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

/* --- its events --- */

static const char *text_of(const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	return text ? text : "";
}

static int64_t number_of(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

/* What the guest tells of itself begins with its beacon, so it comes all at once: when it
 * happened is what its own clock says. */
static void tell_guest_stage(const json_t *j)
{
	fprintf(stderr, "    guest %-12s at %" PRId64 " ms of its clock%s%s%s\n",
		text_of(j, "stage"), number_of(j, "guest_ms"),
		strcmp(text_of(j, "state"), "failed") ? "" : ", failed",
		*text_of(j, "detail") ? ": " : "", text_of(j, "detail"));
}

/* Why one failed is the error that follows. */
static void tell_host_stage(const struct launch *l, const json_t *j)
{
	fprintf(stderr, "  %-10s %6" PRId64 " ms%s\n", text_of(j, "stage"),
		number_of(j, "t_ms") - l->stage_ms,
		strcmp(text_of(j, "state"), "failed") ? "" : ", failed");
}

/* What the guest's systemd has reached, as it says. */
static void tell_unit(const json_t *j)
{
	fprintf(stderr, "    systemd %s\n", text_of(j, "stage"));
}

/* A script of its provision: one that is over. */
static void tell_script(const json_t *j)
{
	const char *said = text_of(j, "detail");

	if (json_object_get(j, "code"))
		fprintf(stderr, "    script %-11s %6" PRId64 " ms, ended with %" PRId64 "%s%s\n",
			text_of(j, "script"), number_of(j, "ms"), number_of(j, "code"),
			number_of(j, "code") && *said ? ": " : "",
			number_of(j, "code") ? said : "");
}

/* The host's stages follow each other: one begins where the one before ended. */
static void take_stage(struct launch *l, const json_t *j)
{
	int is_host = strcmp(text_of(j, "origin"), "host") == 0;
	int is_guest = strcmp(text_of(j, "origin"), "guest") == 0;

	if (strcmp(text_of(j, "state"), "begin") == 0) {
		if (is_host)
			l->stage_ms = number_of(j, "t_ms");
	} else if (l->ask->stages) {
		if (is_host)
			tell_host_stage(l, j);
		else if (is_guest)
			tell_guest_stage(j);
		else
			tell_unit(j);
	}
}

static void keep_end(struct launch *l, const json_t *j)
{
	const json_t *status = json_object_get(j, "status");

	snprintf(l->reason, sizeof(l->reason), "%s", text_of(j, "reason"));
	snprintf(l->detail, sizeof(l->detail), "%s", text_of(j, "detail"));
	l->code = (int)number_of(j, "code");
	l->ran = json_is_true(json_object_get(j, "ran"));
	l->has_status = json_is_integer(status);
	l->status = (int)json_integer_value(status);
	l->console_from = number_of(j, "console_from");
	diagnosis_take(&l->diagnosis, json_object_get(j, "diagnosis"));
}

/* Which port it is may not be known before. Why one failed is the error that follows. */
static void tell_forward(const struct launch *l, const json_t *j)
{
	if (l->ask->stages && !strcmp(text_of(j, "state"), "listening"))
		fprintf(stderr, "  %s %s -> %s%s%s\n", text_of(j, "proto"), text_of(j, "host"),
			text_of(j, "guest"), *text_of(j, "detail") ? ": " : "",
			text_of(j, "detail"));
}

static void take_event(struct launch *l, const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, 0, NULL);
	const char *event = text_of(j, "event");

	if (strcmp(event, "stage") == 0)
		take_stage(l, j);
	else if (strcmp(event, "provision") == 0 && l->ask->stages)
		tell_script(j);
	else if (strcmp(event, "degraded") == 0)
		snprintf(l->degraded, sizeof(l->degraded), "%s", text_of(j, "reason"));
	else if (strcmp(event, "ready") == 0)
		l->ready_ms = number_of(j, "t_ms");
	else if (strcmp(event, "forward") == 0)
		tell_forward(l, j);
	else if (strcmp(event, "exit") == 0)
		keep_end(l, j);
	json_decref(j);
}

/* 1 when there was something to read, 0 at the agent's end of the leash. */
static int read_leash(struct launch *l)
{
	ssize_t n = fd_read(l->leash, l->line + l->have, sizeof(l->line) - l->have);
	char *end;

	if (n <= 0)
		return 0;
	l->have += (size_t)n;
	while ((end = memchr(l->line, '\n', l->have))) {
		size_t len = (size_t)(end - l->line);

		take_event(l, l->line, len);
		l->have -= len + 1;
		memmove(l->line, end + 1, l->have);
	}
	/* A longer line than the agent ever writes would leave no room to read into. */
	return l->have < sizeof(l->line);
}

/* The agent undoes what it did; we stay to see it done. */
static void take_signal(struct launch *l)
{
	struct signalfd_siginfo si;

	if (fd_read(l->sigfd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (l->signo == 0)
		l->signo = (int)si.ssi_signo;
	shutdown(l->leash, SHUT_WR);
}

/* Reads events until the VM is ready (if that is asked for) or has ended. 0, -ETIMEDOUT, or
 * -ECONNRESET when the agent ended without telling. */
static int follow_agent(struct launch *l, int until_ready, int64_t deadline_ms)
{
	struct pollfd p[] = {
		{ .fd = l->leash, .events = POLLIN },
		{ .fd = l->sigfd, .events = POLLIN },
	};

	while (l->reason[0] == '\0' && !(until_ready && l->ready_ms >= 0)) {
		int64_t left = deadline_ms - clock_ms();
		int n = left <= 0 ? 0 : poll(p, COUNT(p), (int)MIN(left, INT32_MAX));

		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0)
			continue;
		if (p[1].revents)
			take_signal(l);
		if (p[0].revents && !read_leash(l))
			return -ECONNRESET;
	}
	return 0;
}

/* And waits for an agent that ends with that; one whose VM lives on has let go already. */
static void hang_up(struct launch *l)
{
	char rest[512];

	if (l->leash < 0)
		return;
	shutdown(l->leash, SHUT_WR);
	while (fd_read(l->leash, rest, sizeof(rest)) > 0)
		;
	fd_close(&l->leash);
	if (l->ask->tied || l->ready_ms < 0)
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
	fd_close(&l->leash);
	l->have = 0; /* what the dead one did not finish */
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
	size_t len = console_tail(&l->claim.vm, l->console_from, TAIL_LINES, text, sizeof(text));

	if (len == 0)
		return;
	fprintf(stderr, "the console's last lines:\n");
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		fprintf(stderr, "  | %.*s\n", (int)(end - line), line);
}

/* The sentence, the cause where the console told it, and where to read on. */
static void explain_failure(const struct launch *l, int is_kept, struct err *e)
{
	const struct symptom *s = symptom_find(l->diagnosis.id);
	const char *name = l->claim.vm.name, *remedy = s && s->remedy ? s->remedy : "";

	err_set(e, -ECANCELED, "%s: %s%s%s", name, l->detail, s ? "\n  cause: " : "",
		s ? s->cause : "");
	if (s && l->diagnosis.line[0] && !strstr(l->detail, l->diagnosis.line))
		err_more(e, " (%s)", l->diagnosis.line);
	if (*remedy)
		err_more(e, "\n  try: %s", remedy);
	if (is_kept && l->ran)
		err_more(e, "\n  see: vmtool logs %s (%s/vms/%s/console.log)", name,
			 l->claim.home.path, name);
}

static int start_failed(struct launch *l, struct err *e)
{
	struct vmref v = VMREF_NONE;
	struct err ignored = ERR_NONE;
	int kept;

	if (l->ran && l->signo == 0)
		show_console(l);
	hang_up(l); /* so that the agent may remove what is to go */
	kept = store_find(&v, &l->claim.home, l->claim.vm.name, &ignored) == 0;
	store_close(&v);
	explain_failure(l, kept, e);
	if (l->signo)
		e->exit = 128 + l->signo;
	else if (l->code != 1) /* 1 is what each word calls its own failure */
		e->exit = l->code;
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
	if (l->degraded[0])
		fprintf(stderr, "%s: ready, but degraded: %s\n", l->claim.vm.name, l->degraded);
}

int launch_until_ready(struct launch *l, struct err *e)
{
	/* The agent keeps the deadline: it alone can say what was missing. */
	int rc = follow(l, 1, INT64_MAX, e);

	if (l->ready_ms >= 0) {
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
