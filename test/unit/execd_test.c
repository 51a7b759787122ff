/*
 * The guest's exec and PTY servers, frame by frame over unix sockets: what a command gets, what
 * becomes of it when its connection goes, and what a peer cannot do to the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "guest/execd.h"
#include "own_mounts.h"
#include "proto/frame.h"
#include "proto/refusal.h"

enum {
	PATIENCE_MS = 20000,
	GRACE_MS = 300,
	HEARD = 4 << 20,
	LONG = 1 << 20,
	SEQ_BYTES = 1288895, /* of seq 1 200000 */
};

static char folder[] = "/tmp/execd_test.XXXXXX";
static pid_t server;

/* --- a server in its own process --- */

struct world {
	struct loop loop;
	struct reap reap;
	struct execd *execd;
	int has_thief;
};

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct world *w = CONTAINER(l, struct world, loop);

	switch (si->ssi_signo) {
	case SIGCHLD:
		while (w->has_thief && waitpid(-1, NULL, WNOHANG) > 0)
			;
		reap_collect(&w->reap);
		break;
	case SIGUSR1:
		w->has_thief = !w->has_thief;
		break;
	case SIGUSR2:
		execd_refuse(w->execd);
		break;
	case SIGTERM:
		loop_stop(l, 0);
		break;
	}
}

static const char *door_path(const char *name, enum execd_door door)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s.%d", folder, name, (int)door);
	return path;
}

static void serve(const int fd[EXECD_DOORS])
{
	static const struct execd_options options = {
		.vm = "web", .boot = "b", .idle_ms = 1000, .grace_ms = GRACE_MS
	};
	struct world w = { .loop = LOOP_INIT };

	prctl(PR_SET_CHILD_SUBREAPER, 1); /* as PID 1: orphans are ours */
	loop_open(&w.loop);
	w.loop.signalled = signalled;
	reap_init(&w.reap);
	w.execd = execd_open(&w.loop, &w.reap, &options);
	for (int door = 0; door < EXECD_DOORS; door++)
		if (!w.execd || execd_serve(w.execd, (enum execd_door)door, fd[door]) < 0)
			_exit(1);
	_exit(loop_run(&w.loop));
}

/* without_terminals: in a /dev of its own that has none. */
static pid_t start_server(const char *name, int without_terminals)
{
	int fd[EXECD_DOORS];
	struct err e = ERR_NONE;
	pid_t pid;

	for (int door = 0; door < EXECD_DOORS; door++) {
		fd[door] = unix_listen(door_path(name, (enum execd_door)door), 128, &e);
		if (fd[door] < 0) {
			printf("Bail out! %s\n", e.text);
			exit(1);
		}
	}
	pid = fork();
	if (pid == 0) {
		if (without_terminals &&
		    (own_mounts() != 0 || mount("none", "/dev/pts", "tmpfs", 0, "") < 0))
			_exit(2);
		serve(fd);
	}
	for (int door = 0; door < EXECD_DOORS; door++)
		close(fd[door]);
	return pid;
}

static void stop_server(pid_t pid, const char *name)
{
	int status = -1;

	kill(pid, SIGTERM);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	for (int door = 0; door < EXECD_DOORS; door++)
		unlink(door_path(name, (enum execd_door)door));
}

/* --- a host, played by hand --- */

struct peer {
	int fd;
	struct inbox in;
	struct exec_started started;
	char id[EXEC_ID_MAX];
	uint8_t *said[2]; /* stdout, stderr; a string for those who know that it is one */
	size_t len[2], room[2];
	struct exec_status status; /* end: 0 before FRAME_EXIT */
	uint16_t why;		   /* of FRAME_ERROR; 0: none came */
	uint32_t sys, window;
	char text[512];
	int closed;
	uint8_t mem[FRAME_HEADER + FRAME_MAX];
};

static struct peer *peer_new(int fd)
{
	struct peer *p = malloc(sizeof(*p));

	/* There are thousands of them: what is not used is not to be cleared. */
	memset(p, 0, offsetof(struct peer, mem));
	p->fd = fd;
	p->said[0] = calloc(1, 1);
	p->said[1] = calloc(1, 1);
	inbox_init(&p->in, p->mem, sizeof(p->mem));
	return p;
}

static struct peer *dial(enum execd_door door)
{
	return peer_new(unix_connect(door_path("main", door), 0));
}

/* The connection, and what was heard on it. */
static void hang_up(struct peer *p)
{
	fd_close(&p->fd);
	free(p->said[0]);
	free(p->said[1]);
	free(p);
}

static void keep(struct peer *p, int which, const void *data, size_t len)
{
	CHECK(p->len[which] + len < HEARD);
	if (p->len[which] + len >= p->room[which]) {
		p->room[which] = 2 * (p->len[which] + len + 1);
		p->said[which] = realloc(p->said[which], p->room[which]);
	}
	memcpy(p->said[which] + p->len[which], data, len);
	p->len[which] += len;
	p->said[which][p->len[which]] = '\0';
}

static void take(struct peer *p, const struct frame *f)
{
	struct rd r = rd_init(f->data, f->len);
	struct refusal no;
	int which = f->type == FRAME_STDERR;

	switch (f->type) {
	case FRAME_STARTED:
		CHECK(exec_started_decode(&p->started, f->data, f->len) == 0);
		snprintf(p->id, sizeof(p->id), "%s", p->started.id);
		p->window = p->started.window;
		break;
	case FRAME_STDOUT:
	case FRAME_STDERR:
		keep(p, which, f->data, f->len);
		break;
	case FRAME_STDIN_WINDOW:
		p->window += rd_be32(&r);
		break;
	case FRAME_EXIT:
		CHECK(exec_status_decode(&p->status, f->data, f->len) == 0);
		break;
	case FRAME_ERROR:
		CHECK(refusal_decode(&no, f->data, f->len) == 0);
		p->why = no.why;
		p->sys = no.sys;
		snprintf(p->text, sizeof(p->text), "%s", no.text);
		break;
	}
}

/* One frame, or the end. 0: neither came in time. */
static int hear(struct peer *p)
{
	struct pollfd w = { .fd = p->fd, .events = POLLIN };
	struct frame f;
	int rc;

	while ((rc = frame_next(&p->in, &f)) == 0 && !p->closed) {
		if (poll(&w, 1, PATIENCE_MS) != 1)
			return 0;
		if (inbox_fill(&p->in, p->fd) <= 0)
			p->closed = 1;
	}
	if (rc > 0)
		take(p, &f);
	return 1;
}

/* Until the status, a refusal, or the end of the connection is here. */
static void hear_out(struct peer *p)
{
	while (!p->status.end && !p->why && !p->closed)
		if (!hear(p)) {
			printf("# silence\n");
			CHECK(0);
			return;
		}
}

static void send_seen(struct peer *p, uint64_t out)
{
	const struct exec_seen seen = { out, 0 };
	uint8_t mem[EXEC_SEEN_BYTES];

	exec_seen_encode(&seen, mem);
	frame_send(p->fd, FRAME_SEEN, mem, sizeof(mem));
}

/* The same, saying what has been seen, from offset `at` on; until `most` bytes are here. */
static void hear_and_say(struct peer *p, uint64_t at, size_t most)
{
	size_t said = 0;

	while (!p->status.end && !p->why && !p->closed && p->len[0] < most && hear(p))
		if (p->len[0] - said > EXEC_KEPT / 4) {
			said = p->len[0];
			send_seen(p, at + said);
		}
}

static void hear_started(struct peer *p)
{
	while (!p->started.pid && !p->why && !p->closed && hear(p))
		;
	CHECK(p->started.pid > 0);
}

static void hear_text(struct peer *p, const char *text)
{
	while (!strstr((char *)p->said[0], text) && !p->why && !p->closed && hear(p))
		;
	CHECK(strstr((char *)p->said[0], text) != NULL);
}

#define ASK(...) \
	((struct exec_req){ .id = "", \
			    .user = "", \
			    .cwd = "/", \
			    .argv = { __VA_ARGS__ }, \
			    .argc = sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *) })

static struct exec_req on_terminal(struct exec_req q)
{
	q.flags |= EXEC_TTY;
	q.rows = 24;
	q.cols = 80;
	return q;
}

static struct exec_req with_policy(struct exec_req q, const char *id, enum exec_policy policy,
				   uint32_t hold_ms)
{
	q.id = id;
	q.policy = (uint8_t)policy;
	q.hold_ms = hold_ms;
	return q;
}

static void send_request(struct peer *p, const struct exec_req *q)
{
	static uint8_t mem[FRAME_MAX];
	long len = exec_req_encode(q, mem, sizeof(mem));

	CHECK(len > 0 && frame_send(p->fd, FRAME_EXEC, mem, (size_t)len) == 0);
}

static struct peer *start(struct exec_req q)
{
	struct peer *p = dial(q.flags & EXEC_TTY ? EXECD_TERMINALS : EXECD_PIPES);

	send_request(p, &q);
	return p;
}

static struct peer *run(struct exec_req q)
{
	struct peer *p = start(q);

	hear_out(p);
	return p;
}

static struct peer *come_back(const char *id, uint64_t seen)
{
	const struct exec_attach a = { .id = id, .out_seen = seen };
	struct peer *p = dial(EXECD_PIPES);
	uint8_t mem[256];
	long len = exec_attach_encode(&a, mem, sizeof(mem));

	send_seen(p, 0);
	CHECK(len > 0 && frame_send(p->fd, FRAME_ATTACH, mem, (size_t)len) == 0);
	return p;
}

static void send_signal(struct peer *p, uint32_t sig)
{
	const uint8_t mem[4] = { 0, 0, 0, (uint8_t)sig };

	CHECK(frame_send(p->fd, FRAME_SIGNAL, mem, sizeof(mem)) == 0);
}

/* Within the window, as a host does; then the end. */
static void send_input(struct peer *p, const char *data, size_t len)
{
	hear_started(p);
	while (len > 0) {
		size_t part = MIN(MIN(len, p->window), FRAME_CHUNK);

		if (part == 0 && !hear(p))
			break;
		if (part > 0)
			CHECK(frame_send(p->fd, FRAME_STDIN, data, part) == 0);
		p->window -= (uint32_t)part;
		data += part;
		len -= part;
	}
	CHECK(len == 0 && frame_send(p->fd, FRAME_STDIN, NULL, 0) == 0);
}

static int exited_with(struct exec_req q, uint32_t code)
{
	struct peer *p = run(q);
	int good = p->status.end == EXEC_EXITED && p->status.value == code;

	if (!good)
		printf("# end %u value %u refused %u %s\n", p->status.end, p->status.value, p->why,
		       p->text);
	hang_up(p);
	return good;
}

static int server_lives(void)
{
	return exited_with(ASK("sh", "-c", "exit 21"), 21);
}

/* Nonzero once no process of the group is left. */
static int group_is_gone(pid_t pgid)
{
	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		if (kill(-pgid, 0) < 0 && errno == ESRCH)
			return 1;
		usleep(10000);
	}
	return 0;
}

static long server_number(const char *file, const char *key)
{
	static char text[16384];
	char path[64];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/%s", server, file);
	if (fd_slurp(AT_FDCWD, path, text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, key);
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* User and system time, in clock ticks. */
static long server_ticks(void)
{
	char path[64], text[1024];
	long user = 0, sys = 0;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", server);
	if (fd_slurp(AT_FDCWD, path, text, sizeof(text)) < 0 || !(at = strrchr(text, ')')))
		return -1;
	sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &sys);
	return user + sys;
}

static int server_fds(void)
{
	char path[64];
	int n = 0;

	for (int fd = 0; fd < 512; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", server, fd);
		n += access(path, F_OK) == 0 || errno != ENOENT;
	}
	return n;
}

static char *pattern(size_t len)
{
	char *data = malloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	return data;
}

/* --- statuses --- */

/* What the server had when it had started few commands. */
static int first_fds;
static long first_rss;

static void a_status_is_lost_or_changed(void)
{
	int wrong = 0;

	CHECK(exited_with(ASK("sh", "-c", "exit 42"), 42));
	CHECK(exited_with(on_terminal(ASK("sh", "-c", "exit 42")), 42));
	CHECK(server_lives());
	usleep(100000);
	first_fds = server_fds();
	first_rss = server_number("status", "VmRSS:");
	for (int i = 0; i < 1000; i++)
		wrong += !exited_with(ASK("false"), 1);
	for (int i = 0; i < 50; i++)
		wrong += !exited_with(on_terminal(ASK("false")), 1);
	CHECK(wrong == 0);
}

/* The thousand that were just started. */
static void starts_cost_memory_or_descriptors(void)
{
	for (int i = 0; i < 300 && server_fds() > first_fds; i++)
		usleep(10000); /* the last peers linger for a moment */
	if (server_fds() > first_fds || server_number("status", "VmRSS:") - first_rss > 1024)
		printf("# %d descriptors after %d, %ld KiB after %ld\n", server_fds(), first_fds,
		       server_number("status", "VmRSS:"), first_rss);
	CHECK(server_fds() <= first_fds);
	CHECK(server_number("status", "VmRSS:") - first_rss < 1024);
	/* One that forks between others may hang. */
	CHECK(server_number("status", "Threads:") == 1);
}

static void parallel_loops_mix_up_their_statuses(void)
{
	enum { LOOPS = 64, ROUNDS = 2 };
	struct peer *peers[LOOPS];
	char code[LOOPS][24];
	int wrong = 0;

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < LOOPS; i++) {
			snprintf(code[i], sizeof(code[i]), "exit %d", i);
			peers[i] = start(ASK("sh", "-c", code[i]));
		}
		for (int i = 0; i < LOOPS; i++) {
			hear_out(peers[i]);
			wrong += peers[i]->status.end != EXEC_EXITED ||
				 peers[i]->status.value != (uint32_t)i;
			hang_up(peers[i]);
		}
	}
	CHECK(wrong == 0);
}

/* It speaks as it goes: 2000 forks take a busy machine longer than silence is waited for. */
static void a_burst_of_orphans_disturbs_a_status(void)
{
	CHECK(exited_with(
		ASK("sh", "-c",
		    "for i in $(seq 50); do (for j in $(seq 20); do : & done); echo $i; done; "
		    "exit 33"),
		33));
}

static void a_stolen_status_looks_like_success(void)
{
	struct exec_req q = ASK("cat");
	struct peer *p;

	q.flags |= EXEC_STDIN;
	p = start(q);
	hear_started(p);
	kill(server, SIGUSR1);
	send_input(p, "x", 1);
	hear_out(p);
	CHECK(p->status.end == EXEC_LOST && exec_status_code(&p->status) == 125);
	kill(server, SIGUSR1);
	hang_up(p);
	CHECK(server_lives());
}

static void a_killed_child_is_forgotten(void)
{
	enum { CHILDREN = 40 };
	struct peer *peers[CHILDREN];
	unsigned seed = 7;
	int wrong = 0;

	for (int i = 0; i < CHILDREN; i++)
		peers[i] = start(
			i % 2 ? ASK("sh", "-c", "while :; do echo noise; done")
			      : on_terminal(ASK("sh", "-c", "while :; do echo noise; done")));
	for (int i = 0; i < CHILDREN; i++) {
		hear_started(peers[i]);
		usleep((useconds_t)(rand_r(&seed) % 3000));
		kill((pid_t)peers[i]->started.pid, SIGKILL);
	}
	for (int i = 0; i < CHILDREN; i++) {
		hear_out(peers[i]);
		wrong += peers[i]->status.end != EXEC_SIGNALED || peers[i]->status.value != SIGKILL;
		hang_up(peers[i]);
	}
	CHECK(wrong == 0);
}

/* --- its end --- */

static void a_grandchild_that_holds_the_pipe_holds_the_session(void)
{
	int64_t began = clock_ms();
	struct peer *p = run(ASK("sh", "-c", "sleep 30 & echo up; exit 4"));

	CHECK(p->status.value == 4 && p->status.notes & EXEC_PIPES_OPEN);
	CHECK(!strcmp((char *)p->said[0], "up\n") && clock_ms() - began < 2000);
	hang_up(p);
	p = run(ASK("sh", "-c", "sleep 30 >/dev/null 2>&1 & exit 5"));
	CHECK(p->status.value == 5 && p->status.notes == 0);
	hang_up(p);
}

static void what_lay_in_the_pipe_is_cut(void)
{
	struct peer *p = start(ASK("sh", "-c", "head -c 65536 /dev/zero; sleep 30 & exit 0"));

	hear_started(p);
	usleep(400000); /* longer than the silence that ends a drain: nobody was asked */
	hear_out(p);
	CHECK(p->len[0] == 65536 && p->status.notes & EXEC_PIPES_OPEN);
	hang_up(p);
}

/* Whoever holds the pipe and is not read is not silent. */
static void a_slow_reader_counts_as_silence(void)
{
	struct peer *p = start(ASK("sh", "-c", "head -c 3000000 /dev/zero & exit 6"));

	hear_started(p);
	usleep(400000); /* the child has ended; the silence that ends a drain is half of this */
	hear_out(p);
	CHECK(p->len[0] == 3000000 && p->status.value == 6);
	hang_up(p);
}

static void hanging_up_is_not_hup_then_term_then_kill(void)
{
	long long hup = 0, term = 0, gone;
	char file[128], script[512], text[64] = "";
	struct peer *p;
	pid_t pid;

	snprintf(file, sizeof(file), "%s/signals", folder);
	snprintf(
		script, sizeof(script),
		"trap 'date +%%s%%3N >>%s' HUP TERM; echo up; while :; do sleep 0.02; done 2>/dev/null",
		file);
	p = start(on_terminal(ASK("sh", "-c", script)));
	hear_text(p, "up");
	pid = (pid_t)p->started.pid;
	hang_up(p);
	CHECK(group_is_gone(pid));
	gone = (long long)time(NULL) * 1000 + 999;
	fd_slurp(AT_FDCWD, file, text, sizeof(text));
	if (sscanf(text, "%lld\n%lld\n", &hup, &term) != 2 || term - hup < GRACE_MS / 2 ||
	    gone < term)
		printf("# %lld, then %s\n", gone, text);
	CHECK(hup > 0 && term - hup >= GRACE_MS / 2 && gone >= term);
	unlink(file);
}

static int has_cgroups(void)
{
	struct peer *p = run(ASK("grep", "-c", "^0::.*/vmtool-", "/proc/self/cgroup"));
	int has = p->status.value == 0;

	hang_up(p);
	return has;
}

static void a_descendant_in_a_session_of_its_own_escapes(void)
{
	struct peer *p;
	pid_t pid;

	if (!has_cgroups())
		SKIP("no cgroup2 that may be written here");
	p = start(
		ASK("sh", "-c", "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$; sleep 60'"));
	hear_text(p, "\n");
	pid = (pid_t)strtol((char *)p->said[0], NULL, 10);
	CHECK(pid > 1 && kill(pid, 0) == 0);
	hang_up(p);
	CHECK(pid > 1 && group_is_gone(pid));
}

static void a_cgroup_is_left_behind(void)
{
	char own[64];
	struct peer *p;

	if (!has_cgroups())
		SKIP("no cgroup2 that may be written here");
	snprintf(own, sizeof(own), "vmtool-%d-", (int)server);
	for (int i = 0; i < 20; i++)
		CHECK(server_lives());
	/* The one that lists is itself in one; those that linger have theirs for a moment. */
	usleep(100000);
	p = run(ASK("sh", "-c", "find /sys/fs/cgroup -maxdepth 3 -name \"$0*\" | wc -l", own));
	CHECK(strtol((char *)p->said[0], NULL, 10) >= 1);
	if (strtol((char *)p->said[0], NULL, 10) > 16)
		printf("# %s\n", p->said[0]);
	CHECK(strtol((char *)p->said[0], NULL, 10) <= 16); /* spare ones, and the inhabited */
	hang_up(p);
}

/* --- signals --- */

static void a_signal_by_number_does_not_arrive(void)
{
	for (uint32_t sig = 1; sig <= 64; sig++) {
		struct peer *p;

		if (sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH ||
		    sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU)
			continue; /* do not end a process */
		p = start(ASK("sleep", "30"));
		hear_started(p);
		send_signal(p, sig);
		hear_out(p);
		if (p->status.end != EXEC_SIGNALED || p->status.value != sig)
			printf("# %u: %u %u\n", sig, p->status.end, p->status.value);
		CHECK(p->status.end == EXEC_SIGNALED && p->status.value == sig);
		hang_up(p);
	}
}

static void a_signal_that_is_none_is_taken(void)
{
	static const uint32_t bad[] = { 0, 65, 255 };

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct peer *p = start(ASK("sleep", "30"));
		pid_t pid;

		hear_started(p);
		pid = (pid_t)p->started.pid;
		send_signal(p, bad[i]);
		hear_out(p);
		CHECK(p->closed && p->status.end == 0 && group_is_gone(pid));
		hang_up(p);
	}
}

static void an_interrupt_misses_the_foreground(void)
{
	struct peer *p = start(on_terminal(ASK(
		"sh", "-mc",
		"sh -c 'trap \"exit 7\" INT; echo up; while :; do sleep 0.01; done'; echo after $?")));

	hear_text(p, "up");
	send_signal(p, SIGINT);
	hear_out(p);
	CHECK(strstr((char *)p->said[0], "after 7") != NULL && p->status.value == 0);
	hang_up(p);
}

/* --- terminals --- */

static void a_terminal_is_not_one(void)
{
	struct peer *p = run(on_terminal(
		ASK("sh", "-c",
		    "tty; stty size; echo \"$TERM\"; test -t 0 -a -t 1 -a -t 2; echo $?; "
		    "echo open >/dev/tty")));

	CHECK(p->status.end == EXEC_EXITED && p->status.value == 0);
	CHECK(!strncmp((char *)p->said[0], "/dev/pts/", 9));
	CHECK(strstr((char *)p->said[0], "\r\n24 80\r\nxterm-256color\r\n0\r\nopen\r\n") != NULL);
	CHECK(p->started.tty == 1 && p->started.window == EXEC_WINDOW);
	hang_up(p);
}

static void a_request_s_own_term_is_replaced(void)
{
	struct exec_req q = on_terminal(ASK("sh", "-c", "echo =$TERM="));
	struct peer *p;

	q.env[0] = "TERM=dumb";
	q.envc = 1;
	p = run(q);
	CHECK(strstr((char *)p->said[0], "=dumb=") != NULL);
	hang_up(p);
	p = run(ASK("sh", "-c", "echo =$TERM="));
	CHECK(!strstr((char *)p->said[0], "256color")); /* no terminal, no name of one */
	hang_up(p);
}

static void a_terminal_is_somebody_else_s(void)
{
	struct exec_req q = on_terminal(ASK("sh", "-c", "stat -c %u $(tty); echo >/dev/tty"));
	struct peer *p;

	if (geteuid() != 0)
		SKIP("needs root to become somebody else");
	q.user = "54321";
	p = run(q);
	CHECK(p->status.value == 0 && !strncmp((char *)p->said[0], "54321", 5));
	hang_up(p);
}

static void a_terminal_s_size_is_taken_unchecked(void)
{
	static const struct {
		const char *why;
		uint16_t rows, cols;
		int is_good;
	} cases[] = {
		{ "as small as it gets", 1, 1, 1 },
		{ "as large as it gets", 65535, 65535, 1 },
		{ "no rows", 0, 80, 0 },
		{ "no columns", 24, 0, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct peer *p = start(on_terminal(ASK(
			"sh", "-c",
			"trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.01; done")));
		uint8_t mem[EXEC_SIZE_BYTES];
		char size[32];

		hear_text(p, "up");
		exec_size_encode(cases[i].rows, cases[i].cols, mem);
		frame_send(p->fd, FRAME_RESIZE, mem, sizeof(mem));
		hear_out(p);
		snprintf(size, sizeof(size), "%u %u", cases[i].rows, cases[i].cols);
		if ((p->status.end == EXEC_EXITED) != cases[i].is_good)
			printf("# %s: %s\n", cases[i].why, p->said[0]);
		CHECK((p->status.end == EXEC_EXITED) == cases[i].is_good);
		CHECK(!cases[i].is_good || strstr((char *)p->said[0], size));
		hang_up(p);
	}
}

static void a_size_is_given_to_pipes(void)
{
	struct peer *p = start(ASK("sleep", "30"));
	uint8_t mem[EXEC_SIZE_BYTES];

	hear_started(p);
	exec_size_encode(24, 80, mem);
	frame_send(p->fd, FRAME_RESIZE, mem, sizeof(mem));
	hear_out(p);
	CHECK(p->closed && !p->status.end);
	hang_up(p);
}

static void a_paste_loses_bytes(void)
{
	char *data = pattern(LONG), want[64], *at;
	struct exec_req q = ASK("cksum");
	struct peer *p;

	q.flags |= EXEC_STDIN;
	p = start(q);
	send_input(p, data, LONG);
	hear_out(p);
	snprintf(want, sizeof(want), "%s", (char *)p->said[0]);
	hang_up(p);
	p = start(on_terminal(ASK("sh", "-c", "stty raw -echo; echo up; head -c 1048576 | cksum")));
	hear_text(p, "up");
	send_input(p, data, LONG);
	hear_out(p);
	at = strstr((char *)p->said[0], "up\n");
	if (!at || strcmp(at + 3, want) != 0)
		printf("# %s instead of %s\n", p->said[0], want);
	CHECK(at && !strcmp(at + 3, want) && strlen(want) > 8);
	hang_up(p);
	free(data);
}

/* Long frames go into its pipe as they lie; what the pipe does not take must not stand in the way of
 * what is said behind it. */
static void input_nobody_reads_holds_up_a_signal(void)
{
	char *data = pattern(EXEC_WINDOW);
	struct exec_req q = ASK("sleep", "60");
	struct peer *p;

	q.flags |= EXEC_STDIN;
	p = start(q);
	hear_started(p);
	for (size_t i = 0; i < EXEC_WINDOW / FRAME_CHUNK; i++)
		CHECK(frame_send(p->fd, FRAME_STDIN, data + i * FRAME_CHUNK, FRAME_CHUNK) == 0);
	send_signal(p, SIGTERM);
	hear_out(p);
	CHECK(p->status.end == EXEC_SIGNALED && p->status.value == SIGTERM);
	hang_up(p);
	free(data);
}

static void more_than_the_window_flows_in(void)
{
	char *data = pattern(FRAME_CHUNK);
	struct exec_req q = ASK("sleep", "60");
	struct peer *p;
	int sent = 0;

	q.flags |= EXEC_STDIN;
	p = start(q);
	hear_started(p);
	/* A window is held, and as much lies in the widened pipe. */
	while (sent < 4 * (int)(EXEC_WINDOW / FRAME_CHUNK) &&
	       frame_send(p->fd, FRAME_STDIN, data, FRAME_CHUNK) == 0)
		sent++;
	hear_out(p);
	CHECK(p->closed && !p->status.end && server_lives());
	hang_up(p);
	free(data);
}

static void a_terminal_s_input_never_ends(void)
{
	static const struct {
		const char *why, *text, *echo;
	} cases[] = {
		{ "nothing", "", "" },
		{ "a line", "abc\n", "abc\r\n" },
		{ "half a line", "abc\ndef", "abc\r\ndef" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct peer *p = start(on_terminal(ASK("sh", "-c", "stty -echo; echo up; cat")));

		hear_text(p, "up\r\n");
		send_input(p, cases[i].text, strlen(cases[i].text));
		hear_out(p);
		CHECK(p->status.end == EXEC_EXITED && p->status.value == 0);
		CHECK(!strcmp((char *)p->said[0] + 4, cases[i].echo));
		hang_up(p);
	}
}

/* In raw mode there is no such thing as an end: nothing may be typed for the host. */
static void an_end_of_input_becomes_a_byte(void)
{
	struct peer *p = start(on_terminal(ASK(
		"sh", "-c", "stty raw -echo min 0 time 3; echo up; cat | od -An -tx1; exit 3")));

	hear_text(p, "up");
	send_input(p, "z", 1);
	hear_out(p);
	CHECK(p->status.value == 3 && strstr((char *)p->said[0], " 7a") &&
	      !strstr((char *)p->said[0], "04"));
	hang_up(p);
}

static void a_terminal_nobody_reads_spins(void)
{
	struct peer *p = start(on_terminal(ASK("sh", "-c", "stty -echo; echo up; sleep 1")));
	char *lines = malloc(EXEC_WINDOW);
	long before;

	for (size_t i = 0; i < EXEC_WINDOW; i++)
		lines[i] = i % 64 == 63 ? '\n' : 'x';
	hear_text(p, "up");
	before = server_ticks();
	CHECK(frame_send(p->fd, FRAME_STDIN, lines, EXEC_WINDOW) == 0);
	hear_out(p);
	CHECK(p->status.value == 0 && server_ticks() - before < sysconf(_SC_CLK_TCK) / 4);
	hang_up(p);
	free(lines);
}

static void a_terminal_closed_for_a_moment_ends_the_session(void)
{
	struct peer *p = run(on_terminal(ASK(
		"sh", "-c", "exec </dev/null >/dev/null 2>&1; sleep 0.3; echo back >/dev/tty")));

	CHECK(p->status.value == 0 && !strcmp((char *)p->said[0], "back\r\n"));
	hang_up(p);
}

static void a_guest_without_terminals_says_so_badly(void)
{
	struct exec_req q = on_terminal(ASK("true"));
	const char *lack = own_mounts_lack();
	struct peer *p;
	pid_t other;

	if (lack)
		SKIP(lack);
	other = start_server("bare", 1);
	p = peer_new(unix_connect(door_path("bare", EXECD_TERMINALS), 0));
	send_request(p, &q);
	hear_out(p);
	if (p->closed)
		printf("# no answer\n");
	CHECK(p->why == REFUSED_UNSUPPORTED && p->sys != 0);
	hang_up(p);
	stop_server(other, "bare");
}

/* --- slow and stuck peers --- */

static void a_slow_reader_loses_bytes_or_blocks_others(void)
{
	enum { MUCH = 3000000 };
	struct peer *slow[2] = {
		start(ASK("head", "-c", "3000000", "/dev/zero")),
		start(on_terminal(ASK("sh", "-c", "stty raw; head -c 3000000 /dev/zero; exit 3"))),
	};
	int64_t until = clock_ms() + 1000;

	while (clock_ms() < until)
		CHECK(server_lives());
	for (int i = 0; i < 2; i++) {
		hear_out(slow[i]);
		CHECK(slow[i]->len[0] == MUCH && slow[i]->status.value == (i ? 3 : 0));
		hang_up(slow[i]);
	}
}

static void nonsense_costs_memory_or_the_server(void)
{
	long before = server_number("status", "VmRSS:");
	unsigned seed = 42;

	for (int i = 0; i < 300; i++) {
		struct peer *p = dial(i % 2 ? EXECD_PIPES : EXECD_TERMINALS);
		uint8_t junk[64];

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = (uint8_t)rand_r(&seed);
		if (i % 3 == 0)
			memcpy(junk, (uint8_t[]){ 0x10, 0xff, 0xff, 0xff, 0xff }, 5);
		(void)!write(p->fd, junk, i % 3 == 1 ? 3 : sizeof(junk));
		if (i % 3 == 0) {
			hear_out(p);
			CHECK(p->why == REFUSED_PROTOCOL);
		}
		hang_up(p);
	}
	CHECK(server_lives());
	CHECK(server_number("status", "VmRSS:") - before < 2048);
}

/* --- connections that go --- */

/* Dropped again and again in the middle of the output, which must come whole all the same. */
static void a_held_session_loses_output(void)
{
	enum { DROPS = 12 };
	struct exec_req q = with_policy(ASK("sh", "-c", "seq 1 300000; exit 9"), "held", EXEC_HOLD,
					PATIENCE_MS);
	struct peer *p = dial(EXECD_PIPES), *whole = run(ASK("seq", "1", "300000"));
	uint8_t *all = malloc(HEARD);
	size_t len = 0;

	send_seen(p, 0);
	send_request(p, &q);
	for (int drop = 0;; drop++) {
		hear_and_say(p, len, drop < DROPS ? 150000 : SIZE_MAX);
		CHECK(!p->why && !p->closed);
		memcpy(all + len, p->said[0], p->len[0]);
		len += p->len[0];
		if (p->status.end || p->why || p->closed)
			break;
		hang_up(p);
		p = come_back("held", len);
		hear_started(p);
		CHECK(p->started.attached && p->started.out_at == len);
	}
	CHECK(p->status.end == EXEC_EXITED && p->status.value == 9);
	if (len != whole->len[0])
		printf("# %zu of %zu bytes\n", len, whole->len[0]);
	CHECK(len == whole->len[0] && !memcmp(all, whole->said[0], len));
	hang_up(p);
	hang_up(whole);
	free(all);
}

/* A full buffer stops it; it does not fall over, and it does not forget. */
static void a_held_command_without_a_reader_runs_on(void)
{
	struct exec_req q = with_policy(ASK("sh", "-c", "echo up; seq 1 200000; echo done >&2"),
					"full", EXEC_HOLD, 10000);
	struct peer *p = dial(EXECD_PIPES);

	send_seen(p, 0);
	send_request(p, &q);
	hear_text(p, "up");
	hang_up(p);
	usleep(300000);
	p = come_back("full", 3);
	hear_and_say(p, 3, SIZE_MAX);
	CHECK(p->started.out_at == 3);
	CHECK(p->len[0] + p->started.out_at == 3 + SEQ_BYTES &&
	      !strcmp((char *)p->said[1], "done\n"));
	hang_up(p);
}

static void a_held_command_is_held_for_ever(void)
{
	struct peer *p = start(with_policy(ASK("sleep", "60"), "brief", EXEC_HOLD, 200));
	pid_t pid;

	hear_started(p);
	pid = (pid_t)p->started.pid;
	hang_up(p);
	CHECK(pid > 1 && group_is_gone(pid));
	p = come_back("brief", 0);
	hear_out(p);
	CHECK(p->why == REFUSED_NOT_FOUND || p->why == REFUSED_CONFLICT);
	hang_up(p);
}

static void a_detached_command_waits_for_a_reader(void)
{
	struct peer *p = start(
		with_policy(ASK("sh", "-c", "seq 1 200000; exit 6"), "detached", EXEC_DETACH, 0));
	pid_t pid;

	hear_started(p);
	pid = (pid_t)p->started.pid;
	hang_up(p);
	CHECK(group_is_gone(pid));
	p = come_back("detached", 0);
	hear_out(p);
	CHECK(p->status.value == 6 && p->len[0] == EXEC_KEPT &&
	      p->started.out_at == SEQ_BYTES - EXEC_KEPT);
	CHECK(!strcmp((char *)p->said[0] + EXEC_KEPT - 7, "200000\n"));
	hang_up(p);
	p = come_back("detached", EXEC_SEEN_ALL);
	hear_out(p);
	CHECK(p->status.value == 6 && p->len[0] == 0 && p->started.out_at == SEQ_BYTES);
	hang_up(p);
}

static void detaching_ends_the_command(void)
{
	struct exec_req q = on_terminal(ASK("sh", "-c", "echo up; cat; exit 8"));
	char id[EXEC_ID_MAX];
	struct peer *p = start(q);

	hear_text(p, "up");
	snprintf(id, sizeof(id), "%s", p->id);
	frame_send(p->fd, FRAME_DETACH, NULL, 0);
	hear_out(p);
	CHECK(p->closed && !p->why && !p->status.end);
	hang_up(p);
	p = come_back(id, EXEC_SEEN_ALL);
	hear_started(p);
	CHECK(p->started.attached && p->started.tty);
	send_input(p, "line\n", 5);
	hear_out(p);
	CHECK(p->status.value == 8 && strstr((char *)p->said[0], "line"));
	hang_up(p);
}

static void a_start_is_repeated(void)
{
	struct exec_req q = with_policy(ASK("sh", "-c", "echo $$; sleep 0.3; exit 5"), "once",
					EXEC_DETACH, 0);
	struct peer *first = start(q), *again, *other;
	uint32_t pid;

	hear_started(first);
	pid = first->started.pid;
	CHECK(!first->started.attached && !strcmp(first->id, "once"));
	hang_up(first);
	again = run(q);
	CHECK(again->started.attached && again->started.pid == pid && again->status.value == 5);
	CHECK(strtoul((char *)again->said[0], NULL, 10) == pid);
	hang_up(again);
	again = run(q); /* also when it has ended: the answer is the same */
	CHECK(again->started.attached && again->started.pid == pid && again->status.value == 5);
	hang_up(again);
	q.argv[2] = "exit 6";
	other = run(q);
	CHECK(other->why == REFUSED_CONFLICT);
	hang_up(other);
}

static void two_are_attached_at_once(void)
{
	struct exec_req q = with_policy(ASK("sh", "-c", "echo up; cat; exit 3"), "shared",
					EXEC_HOLD, 5000);
	struct peer *first, *second;

	q.flags |= EXEC_STDIN;
	first = start(q);
	hear_text(first, "up");
	second = come_back("shared", 0);
	hear_text(second, "up");
	hear_out(first);
	CHECK(first->why == REFUSED_TAKEN_OVER);
	hang_up(first);
	send_input(second, "x", 1);
	hear_out(second);
	CHECK(second->status.value == 3 && !strcmp((char *)second->said[0], "up\nx"));
	CHECK(second->started.in_at == 0);
	hang_up(second);
}

static void input_that_came_is_forgotten(void)
{
	struct exec_req q = with_policy(ASK("sh", "-c", "head -c 3; cat"), "typed", EXEC_HOLD,
					5000);
	struct peer *p;

	q.flags |= EXEC_STDIN;
	p = start(q);
	hear_started(p);
	frame_send(p->fd, FRAME_STDIN, "abcde", 5);
	hear_text(p, "abc");
	hang_up(p);
	p = come_back("typed", 3);
	hear_started(p);
	CHECK(p->started.in_at == 5);
	send_input(p, "fg", 2);
	hear_out(p);
	CHECK(p->started.out_at == 3 && p->status.value == 0);
	hang_up(p);
}

static void places_run_out(void)
{
	enum { MANY = 40 };
	struct peer *peers[MANY];
	char id[16];
	int refused = 0;

	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "many%d", i);
		peers[i] = start(with_policy(ASK("sleep", "60"), id, EXEC_HOLD, 0));
		while (!peers[i]->started.pid && !peers[i]->why && hear(peers[i]))
			;
		CHECK(peers[i]->started.pid || peers[i]->why == REFUSED_LIMIT);
		refused += peers[i]->why != 0;
	}
	CHECK(refused == MANY - 32);
	CHECK(server_lives()); /* one that keeps nothing needs no such place */
	for (int i = 0; i < MANY; i++)
		hang_up(peers[i]);
	/* Ended ones make room for new ones, the oldest first. */
	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "done%d", i);
		for (int tries = 0; tries < 200; tries++) {
			peers[0] = run(with_policy(ASK("true"), id, EXEC_DETACH, 0));
			refused = peers[0]->why;
			hang_up(peers[0]);
			if (!refused)
				break;
			usleep(10000); /* those above are still being ended */
		}
		CHECK(!refused);
	}
	peers[0] = come_back("done0", 0);
	hear_out(peers[0]);
	CHECK(peers[0]->why == REFUSED_NOT_FOUND);
	hang_up(peers[0]);
	peers[0] = come_back("done39", 0);
	hear_out(peers[0]);
	CHECK(peers[0]->status.end == EXEC_EXITED);
	hang_up(peers[0]);
}

/* --- who it is, and may --- */

static void privileges_are_not_the_asked_ones(void)
{
	struct exec_req q = ASK("sh", "-c", "cat /proc/self/status /proc/self/limits");
	struct peer *p;
	const char *said;

	if (geteuid() != 0)
		SKIP("needs root to give anything up");
	q.groups[0] = "4711";
	q.groups[1] = "daemon";
	q.ngroups = 2;
	q.flags |= EXEC_NO_NEW_PRIVS;
	q.drop_caps = 1ull << 0 | 1ull << 21; /* CAP_CHOWN, CAP_SYS_ADMIN */
	q.rlimits[0] = (struct exec_rlimit){ RLIMIT_NOFILE, 100, 200 };
	q.rlimits[1] = (struct exec_rlimit){ RLIMIT_CORE, 0, EXEC_RLIM_INFINITY };
	q.nrlimits = 2;
	p = run(q);
	said = (const char *)p->said[0];
	CHECK(p->status.end == EXEC_EXITED && p->status.value == 0);
	CHECK(strstr(said, "\nGroups:\t1 4711 \n") != NULL);
	CHECK(strstr(said, "\nNoNewPrivs:\t1\n") != NULL);
	for (size_t i = 0; i < 5; i++) {
		static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd",
						    "CapAmb" };
		const char *at = strstr(said, sets[i]);

		CHECK(at && !(strtoull(at + 8, NULL, 16) & q.drop_caps));
	}
	CHECK(strstr(said, "\nCapEff:\t0000000000000000") == NULL); /* the others are there */
	CHECK(strstr(said, "Max open files            100                  200 ") != NULL);
	CHECK(strstr(said, "Max core file size        0                    unlimited ") != NULL);
	hang_up(p);
}

static void a_login_shell_is_not_one(void)
{
	struct exec_req q = ASK("-");
	struct peer *p;

	q.flags |= EXEC_STDIN;
	p = start(q);
	send_input(p, "echo =$0=\n", 10);
	hear_out(p);
	CHECK(!strncmp((char *)p->said[0], "=-", 2) && strstr((char *)p->said[0], "sh="));
	hang_up(p);
}

static void an_argument_is_split(void)
{
	struct peer *p = run(ASK("sh", "-c", "for a; do printf '[%s]' \"$a\"; done", "sh",
				 "two words", "", "it's \"quoted\"", "new\nline", "\\back$HOME"));

	CHECK(!strcmp((char *)p->said[0],
		      "[two words][][it's \"quoted\"][new\nline][\\back$HOME]"));
	hang_up(p);
}

static void a_refusal_does_not_say_why(void)
{
	struct exec_req user = ASK("true"), group = ASK("true"), cwd = ASK("true"),
			cap = ASK("true"), limit = ASK("true");
	struct peer *p;

	user.user = "nobody-such";
	group.groups[0] = "no-such-group";
	group.ngroups = 1;
	cwd.cwd = "/no/such/folder";
	cap.drop_caps = 1ull << 63;
	limit.rlimits[0] = (struct exec_rlimit){ RLIMIT_NOFILE, 1ull << 40, 1ull << 40 };
	limit.nrlimits = 1;

	const struct {
		const char *why;
		struct exec_req q;
		uint16_t refused;
		uint32_t sys;
	} cases[] = {
		{ "no such command", ASK("no-such-command"), REFUSED_NOT_FOUND, ENOENT },
		{ "no such file", ASK("/no/such/file"), REFUSED_NOT_FOUND, ENOENT },
		{ "not executable", ASK("/etc/passwd"), REFUSED_NOT_EXECUTABLE, EACCES },
		{ "a folder", ASK("/tmp"), REFUSED_NOT_EXECUTABLE, EACCES },
		{ "on a terminal too", on_terminal(ASK("/no/such")), REFUSED_NOT_FOUND, ENOENT },
		{ "no such user", user, REFUSED_BAD_USER, ENOENT },
		{ "no such group", group, REFUSED_BAD_USER, ENOENT },
		{ "no such folder", cwd, REFUSED_BAD_CWD, ENOENT },
		{ "no such capability", cap, REFUSED_UNSUPPORTED, EINVAL },
		{ "a limit beyond the kernel's", limit, REFUSED_FAILED, EPERM },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		p = run(cases[i].q);
		if (p->why != cases[i].refused || p->sys != cases[i].sys)
			printf("# %s: %u %u %s\n", cases[i].why, p->why, p->sys, p->text);
		CHECK(p->why == cases[i].refused && p->sys == cases[i].sys && p->text[0]);
		hang_up(p);
	}
	p = dial(EXECD_PIPES);
	send_request(p, &(struct exec_req){ .id = "",
					    .user = "",
					    .cwd = "",
					    .argc = 1,
					    .argv = { "true" },
					    .flags = EXEC_TTY,
					    .rows = 1,
					    .cols = 1 });
	hear_out(p);
	CHECK(p->why == REFUSED_PROTOCOL);
	hang_up(p);
	p = come_back("never-begun", 0);
	hear_out(p);
	CHECK(p->why == REFUSED_NOT_FOUND);
	hang_up(p);
}

static void a_guest_that_powers_off_runs_commands(void)
{
	struct peer *p;

	kill(server, SIGUSR2);
	usleep(50000);
	p = run(ASK("true"));
	CHECK(p->why == REFUSED_SHUTDOWN);
	hang_up(p);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(folder))
		return 1;
	server = start_server("main", 0);
	TEST(a_status_is_lost_or_changed);
	TEST(starts_cost_memory_or_descriptors);
	TEST(parallel_loops_mix_up_their_statuses);
	TEST(a_burst_of_orphans_disturbs_a_status);
	TEST(a_stolen_status_looks_like_success);
	TEST(a_killed_child_is_forgotten);
	TEST(a_grandchild_that_holds_the_pipe_holds_the_session);
	TEST(what_lay_in_the_pipe_is_cut);
	TEST(a_slow_reader_counts_as_silence);
	TEST(hanging_up_is_not_hup_then_term_then_kill);
	TEST(a_descendant_in_a_session_of_its_own_escapes);
	TEST(a_cgroup_is_left_behind);
	TEST(a_signal_by_number_does_not_arrive);
	TEST(a_signal_that_is_none_is_taken);
	TEST(an_interrupt_misses_the_foreground);
	TEST(a_terminal_is_not_one);
	TEST(a_request_s_own_term_is_replaced);
	TEST(a_terminal_is_somebody_else_s);
	TEST(a_terminal_s_size_is_taken_unchecked);
	TEST(a_size_is_given_to_pipes);
	TEST(a_paste_loses_bytes);
	TEST(input_nobody_reads_holds_up_a_signal);
	TEST(more_than_the_window_flows_in);
	TEST(a_terminal_s_input_never_ends);
	TEST(an_end_of_input_becomes_a_byte);
	TEST(a_terminal_nobody_reads_spins);
	TEST(a_terminal_closed_for_a_moment_ends_the_session);
	TEST(a_guest_without_terminals_says_so_badly);
	TEST(a_slow_reader_loses_bytes_or_blocks_others);
	TEST(nonsense_costs_memory_or_the_server);
	TEST(a_held_session_loses_output);
	TEST(a_held_command_without_a_reader_runs_on);
	TEST(a_held_command_is_held_for_ever);
	TEST(a_detached_command_waits_for_a_reader);
	TEST(detaching_ends_the_command);
	TEST(a_start_is_repeated);
	TEST(two_are_attached_at_once);
	TEST(input_that_came_is_forgotten);
	TEST(places_run_out);
	TEST(privileges_are_not_the_asked_ones);
	TEST(a_login_shell_is_not_one);
	TEST(an_argument_is_split);
	TEST(a_refusal_does_not_say_why);
	TEST(a_guest_that_powers_off_runs_commands);
	stop_server(server, "main");
	rmdir(folder);
	return check_done();
}
