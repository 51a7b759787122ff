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
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"
#include "host/agent.h"
#include "host/chance.h"
#include "host/console.h"
#include "host/state.h"

enum {
	TAIL_LINES = 15,
	NAME_TRIES = 100, /* of a thousand names: more VMs than that want to be named by hand */
};

/* --- the folder, ours --- */

static int check_files(const struct config *c, const struct home *h, struct err *e)
{
	int kernel = -1, initrd = -1;
	int rc = config_open_files(c, h, &kernel, &initrd, e);

	fd_close(&kernel);
	fd_close(&initrd);
	return rc;
}

/* Everything that can be refused without leaving a trace, is. */
static int check_first(struct launch *l, struct err *e)
{
	struct err ignored = ERR_NONE;
	struct config c;
	struct vmref v = VMREF_NONE;
	int rc, found;

	rc = config_new(&c, l->ask->wish, e);
	if (rc == 0)
		rc = home_open(&l->home, 0, e);
	if (rc < 0)
		return rc;
	found = l->ask->name && store_find(&v, &l->home, l->ask->name, &ignored) == 0;
	store_close(&v);
	if (found && l->ask->must_be_new)
		return err_set(e, -EEXIST,
			       "%s: there is a VM of this name already\n  try: another "
			       "--name, or vmtool rm %s",
			       l->ask->name, l->ask->name);
	return found ? 0 : check_files(&c, &l->home, e);
}

static int own_named(struct launch *l, struct err *e)
{
	int rc = store_own(&l->vm, &l->home, l->ask->name, e);

	if (l->ask->must_be_new && (rc == 0 || rc == -EBUSY)) {
		store_close(&l->vm);
		return err_set(e, -EEXIST, "%s: there is a VM of this name already", l->ask->name);
	}
	return rc;
}

static int own_random(struct launch *l, struct err *e)
{
	char name[VM_NAME_ROOM];

	for (int i = 0; i < NAME_TRIES; i++) {
		int rc = chance_name(name, e);

		if (rc == 0)
			rc = store_own(&l->vm, &l->home, name, e);
		if (rc == 1 || (rc < 0 && rc != -EBUSY))
			return rc;
		store_close(&l->vm); /* somebody's */
	}
	return err_set(e, -EEXIST, "found no free name\n  try: --name NAME");
}

/* --- another start of the same VM --- */

/* Whether the VM that runs is the one we would have started. */
static int accept_running(struct launch *l, struct err *e)
{
	static const struct wish none;
	struct config runs, wanted;
	int rc = config_load(&runs, &l->vm, &none, e);

	if (rc == 0)
		rc = config_load(&wanted, &l->vm, l->ask->wish, e);
	if (rc < 0)
		return rc;
	if (!config_same(&runs, &wanted))
		return err_set(e, -EBUSY,
			       "%s: is running, with other options than these\n  try: "
			       "vmtool stop %s, then start it again",
			       l->vm.name, l->vm.name);
	return 1;
}

static int wait_for_news(struct launch *l, int watch, struct err *e)
{
	int64_t left = l->since_ms + l->ask->timeout_ms - clock_ms();
	struct pollfd p = { .fd = watch, .events = POLLIN };
	char events[4096];

	if (left <= 0 || poll(&p, 1, (int)MIN(left, INT32_MAX)) == 0)
		return err_deadline(
			e, "%s: another process was still busy with it after %" PRIu32 " ms",
			l->vm.name, l->ask->timeout_ms);
	(void)fd_read(watch, events, sizeof(events)); /* that something happened is enough */
	return 0;
}

/* 0: the lock is ours after all; 1: it became ready in other hands; -EAGAIN: it was removed. */
static int follow_other(struct launch *l, int watch, struct err *e)
{
	int was_starting = 0, rc;
	struct state s;

	for (;;) {
		if (!store_is_locked(&l->vm) && (rc = store_lock(&l->vm, e)) != -EBUSY)
			break;
		rc = state_read(&s, &l->vm, e);
		if (rc < 0)
			return rc;
		if (s.state == VM_RUNNING && s.ready)
			return accept_running(l, e);
		if (s.state == VM_RUNNING)
			return err_set(e, -ECONNRESET,
				       "%s: is running, but its guest does not "
				       "answer\n  try: vmtool stop %s",
				       l->vm.name, l->vm.name);
		was_starting |= s.state == VM_STARTING;
		rc = wait_for_news(l, watch, e);
		if (rc < 0)
			return rc;
	}
	if (rc == -ESTALE && was_starting)
		return err_set(e, rc, "%s: the start that was under way failed", l->vm.name);
	if (rc < 0)
		return rc == -ESTALE ? -EAGAIN : rc;
	rc = state_read(&s, &l->vm, e);
	if (rc == 0 && was_starting)
		rc = err_set(e, -ECANCELED, "%s: the start that was under way failed: %s",
			     l->vm.name, s.detail);
	return rc;
}

/* The folder tells when its lock is let go (closed after writing) and its state replaced. */
static int await_other(struct launch *l, struct err *e)
{
	char path[32];
	int watch, rc;

	watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch < 0)
		return err_sys(e, "watch the folder of %s", l->vm.name);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", l->vm.dir);
	if (inotify_add_watch(watch, path,
			      IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVE_SELF) < 0)
		rc = err_sys(e, "watch the folder of %s", l->vm.name);
	else
		rc = follow_other(l, watch, e);
	fd_close(&watch);
	return rc;
}

/* 0: ours, locked; 1: it runs already. */
static int own(struct launch *l, struct err *e)
{
	int rc;

	do {
		rc = l->ask->name ? own_named(l, e) : own_random(l, e);
		l->made = rc == 1;
		if (rc == -EBUSY)
			rc = await_other(l, e);
		else if (rc == 1)
			rc = 0;
	} while (rc == -EAGAIN);
	return rc;
}

/* --- the agent --- */

static int any_wish(const struct wish *w)
{
	for (unsigned k = 0; k < KEY_COUNT; k++)
		if (w->value[k])
			return 1;
	return 0;
}

static int store_config(struct launch *l, struct err *e)
{
	struct config c;
	int rc = config_load(&c, &l->vm, l->ask->wish, e);

	if (rc == 0)
		rc = check_files(&c, &l->home, e);
	if (rc == 0 && (l->made || any_wish(l->ask->wish)))
		rc = config_save(&c, &l->vm, e);
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

static int spawn_agent(struct launch *l, int null, int log, int leash, struct err *e)
{
	char since[32], timeout[32];
	char *argv[12] = { "vmtool", "agent", "--since", since, "--timeout", timeout };
	int argc = 6;
	struct fdmap fds[] = {
		{ null, 0 },
		{ log, 1 },
		{ log, 2 },
		{ l->vm.lock, AGENT_FD_LOCK },
		{ leash, AGENT_FD_LEASH },
	};
	struct spawn s = {
		.path = "/proc/self/exe",
		.argv = argv,
		.fds = fds,
		.nfds = COUNT(fds),
		.new_session = 1,
	};
	pid_t pid;

	snprintf(since, sizeof(since), "%" PRId64, l->since_ms);
	snprintf(timeout, sizeof(timeout), "%" PRIu32 "ms", l->ask->timeout_ms);
	if (l->made)
		argv[argc++] = "--fresh";
	if (l->ask->tied)
		argv[argc++] = "--tied";
	if (l->ask->keep)
		argv[argc++] = "--keep";
	argv[argc] = l->vm.name;
	if (setenv("VMTOOL_HOME", l->home.path, 1) < 0) /* ours may be relative */
		return err_sys(e, "start the agent");
	pid = spawn(&s, NULL);
	if (pid < 0)
		return err_set(e, pid, "start the agent: %s", strerror(-pid));
	l->agent = pid;
	return 0;
}

static int start_agent(struct launch *l, struct err *e)
{
	int leash[2] = { -1, -1 };
	int null, log, rc;

	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log = openat(l->vm.dir, "agent.log",
		     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (null < 0 || log < 0)
		rc = err_sys(e, "%s: open agent.log and /dev/null", l->vm.name);
	else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, leash) < 0)
		rc = err_sys(e, "start the agent");
	else
		rc = spawn_agent(l, null, log, leash[1], e);
	fd_close(&leash[1]);
	fd_close(&log);
	fd_close(&null);
	if (rc < 0) {
		fd_close(&leash[0]);
		return rc;
	}
	l->leash = leash[0];
	fd_close(&l->vm.lock); /* the agent holds it now */
	return 0;
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
	int rc;

	l->ask = ask;
	l->since_ms = clock_ms();
	rc = check_first(l, e);
	if (rc < 0)
		return rc;
	home_close(&l->home);
	rc = home_open(&l->home, 1, e);
	if (rc == 0)
		rc = own(l, e);
	if (rc != 0)
		return rc;
	rc = start_owned(l, e);
	if (rc < 0 && l->made)
		store_remove(&l->vm, &ignored);
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

static void tell_host_stage(const struct launch *l, const json_t *j)
{
	int failed = strcmp(text_of(j, "state"), "failed") == 0;

	fprintf(stderr, "  %-10s %6" PRId64 " ms%s%s\n", text_of(j, "stage"),
		number_of(j, "t_ms") - l->stage_ms, failed ? ", failed: " : "",
		failed ? text_of(j, "detail") : "");
}

/* The host's stages follow each other: one begins where the one before ended. */
static void take_stage(struct launch *l, const json_t *j)
{
	int is_host = strcmp(text_of(j, "origin"), "host") == 0;

	if (strcmp(text_of(j, "state"), "begin") == 0) {
		if (is_host)
			l->stage_ms = number_of(j, "t_ms");
	} else if (l->ask->stages) {
		if (is_host)
			tell_host_stage(l, j);
		else
			tell_guest_stage(j);
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
}

static void take_event(struct launch *l, const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, 0, NULL);
	const char *event = text_of(j, "event");

	if (strcmp(event, "stage") == 0)
		take_stage(l, j);
	else if (strcmp(event, "ready") == 0)
		l->ready_ms = number_of(j, "t_ms");
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
static int follow(struct launch *l, int until_ready, int64_t deadline_ms)
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

/* An agent that did not tell the end has not tidied up either. */
static int agent_died(struct launch *l, struct err *e)
{
	struct err ignored = ERR_NONE;

	hang_up(l);
	if ((l->made || (l->ask->tied && !l->ask->keep)) && store_lock(&l->vm, &ignored) == 0)
		store_remove(&l->vm, &ignored);
	return err_set(e, -ECONNRESET, "%s: its agent died without a word", l->vm.name);
}

static void show_console(const struct launch *l)
{
	char text[8192];
	size_t len = console_tail(&l->vm, l->console_from, TAIL_LINES, text, sizeof(text));

	if (len == 0)
		return;
	fprintf(stderr, "the console's last lines:\n");
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		fprintf(stderr, "  | %.*s\n", (int)(end - line), line);
}

static int start_failed(struct launch *l, struct err *e)
{
	struct vmref v = VMREF_NONE;
	struct err ignored = ERR_NONE;
	int kept;

	if (l->ran && l->signo == 0)
		show_console(l);
	hang_up(l); /* so that the agent may remove what is to go */
	kept = store_find(&v, &l->home, l->vm.name, &ignored) == 0;
	store_close(&v);
	err_set(e, -ECANCELED, "%s: %s%s%s", l->vm.name, l->detail,
		kept && l->ran ? "\n  see: vmtool logs " : "", kept && l->ran ? l->vm.name : "");
	if (l->signo)
		e->exit = 128 + l->signo;
	else if (l->code != 1) /* 1 is what each word calls its own failure */
		e->exit = l->code;
	return e->code;
}

int launch_until_ready(struct launch *l, struct err *e)
{
	/* The agent keeps the deadline: it alone can say what was missing. */
	int rc = follow(l, 1, INT64_MAX);

	if (l->ready_ms >= 0) {
		let_signals_go(l);
		return 0;
	}
	return rc == 0 ? start_failed(l, e) : agent_died(l, e);
}

int launch_until_end(struct launch *l, unsigned wait_ms, struct err *e)
{
	int rc = follow(l, 0, clock_ms() + wait_ms);

	if (rc == -ETIMEDOUT)
		return err_set(e, rc, "%s: has not ended within %u ms", l->vm.name, wait_ms);
	return rc < 0 ? agent_died(l, e) : 0;
}

void launch_close(struct launch *l)
{
	hang_up(l);
	let_signals_go(l);
	store_close(&l->vm);
	home_close(&l->home);
}
