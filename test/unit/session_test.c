/*
 * Commands through the guest's exec server and the host's session, over a unix socket, without
 * a VM: what a command gets, what comes back, and what happens when either side misbehaves.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "guest/execd.h"
#include "host/session.h"
#include "proto/frame.h"
#include "proto/refusal.h"

enum { TEXT = 4096, BIG = 5 << 20, IDLE_MS = 30000, SOON_MS = 1000 };

static char socket_path[] = "/tmp/session_test.XXXXXX.sock";
static pid_t server;

/* --- a server in its own process --- */

struct world {
	struct loop loop;
	struct reap reap;
};

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct world *w = CONTAINER(l, struct world, loop);

	if (si->ssi_signo == SIGCHLD)
		reap_collect(&w->reap);
	else if (si->ssi_signo == SIGTERM)
		loop_stop(l, 0);
}

static void serve(int fd, unsigned idle_ms)
{
	const struct execd_options options = { .vm = "web", .boot = "b", .idle_ms = idle_ms };
	struct world w = { .loop = LOOP_INIT };
	struct execd *d;

	loop_open(&w.loop);
	w.loop.signalled = signalled;
	reap_init(&w.reap);
	d = execd_open(&w.loop, &w.reap, &options);
	if (!d || execd_serve(d, EXECD_PIPES, fd) < 0)
		_exit(1);
	_exit(loop_run(&w.loop));
}

static void start_server(unsigned idle_ms)
{
	struct err e = ERR_NONE;
	int fd;

	unlink(socket_path);
	fd = unix_listen(socket_path, 128, &e);
	if (fd < 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	server = fork();
	if (server == 0)
		serve(fd, idle_ms);
	close(fd);
}

static int exit_code(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void stop_server(void)
{
	kill(server, SIGTERM);
	CHECK(exit_code(server) == 0);
}

/* --- one command, run in a client process --- */

struct how {
	const char *user, *cwd;
	const char *env[4];
	const void *input; /* NULL: no stdin */
	size_t input_len;
	int stdin_fd; /* instead of input; 0: none */
	int not_his;  /* a descriptor only the caller keeps; 0: none */
};

struct result {
	int code;
	int64_t ms;
	size_t out_len;
	char out[TEXT], err[TEXT]; /* the beginning, NUL-terminated */
};

static int client(const char *const *argv, const struct how *how)
{
	static struct exec_req q;
	struct session_end end;
	struct err e = ERR_NONE;
	int fd = unix_connect(socket_path, 1), rc;

	q = (struct exec_req){ .id = "",
			       .user = how->user ? how->user : "",
			       .cwd = how->cwd ? how->cwd : "/" };
	while (argv[q.argc]) {
		q.argv[q.argc] = argv[q.argc];
		q.argc++;
	}
	while (how->env[q.envc]) {
		q.env[q.envc] = how->env[q.envc];
		q.envc++;
	}
	q.flags = how->input || how->stdin_fd ? EXEC_STDIN : 0;
	rc = session_run(fd, &(struct session_how){ .start = &q }, &end, &e);
	if (rc < 0) {
		dprintf(2, "%s\n", e.text);
		rc = e.exit;
	}
	return rc;
}

static int temporary(void)
{
	return memfd_create("session_test", MFD_CLOEXEC);
}

static pid_t start(const char *const *argv, const struct how *how, int out, int err)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (how->input) {
			int in = temporary();

			fd_write_all(in, how->input, how->input_len);
			lseek(in, 0, SEEK_SET);
			dup2(in, 0);
		}
		if (how->stdin_fd)
			dup2(how->stdin_fd, 0);
		dup2(out, 1);
		dup2(err, 2);
		if (how->not_his)
			close(how->not_his);
		_exit(client(argv, how));
	}
	return pid;
}

static void read_back(int fd, char text[TEXT], size_t *len)
{
	struct stat st;
	ssize_t n = pread(fd, text, TEXT - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	fstat(fd, &st);
	if (len)
		*len = (size_t)st.st_size;
	close(fd);
}

static struct result run_how(const char *const *argv, struct how how)
{
	struct result r = { 0 };
	int out = temporary(), err = temporary();
	int64_t began = clock_ms();

	r.code = exit_code(start(argv, &how, out, err));
	r.ms = clock_ms() - began;
	read_back(out, r.out, &r.out_len);
	read_back(err, r.err, NULL);
	return r;
}

#define ARGV(...)  ((const char *const[]){ __VA_ARGS__, NULL })
#define RUN(...)   run_how(ARGV(__VA_ARGS__), (struct how){ 0 })
#define SH(script) RUN("sh", "-c", script)

/* --- what a command gets and gives --- */

static void an_exit_code_is_changed_on_its_way(void)
{
	static const struct {
		const char *why, *script;
		int code;
	} cases[] = {
		{ "success", "exit 0", 0 },	     { "failure", "exit 1", 1 },
		{ "its own code", "exit 42", 42 },   { "the largest code", "exit 255", 255 },
		{ "killed", "kill -9 $$", 128 + 9 }, { "terminated", "kill -TERM $$", 128 + 15 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct result r = SH(cases[i].script);

		if (r.code != cases[i].code)
			printf("# %s: %d, stderr %s\n", cases[i].why, r.code, r.err);
		CHECK(r.code == cases[i].code);
	}
}

static void a_refusal_is_mistaken_for_an_exit(void)
{
	const char *script = "/tmp/session_test.not_executable";
	int fd = open(script, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	struct result r;

	close(fd);
	r = RUN("no-such-command");
	CHECK(r.code == 127 && strstr(r.err, "no such command"));
	r = RUN("/no/such/file");
	CHECK(r.code == 127 && strstr(r.err, "/no/such/file"));
	r = RUN(script);
	CHECK(r.code == 126 && strstr(r.err, "ermission"));
	r = RUN("/tmp");
	CHECK(r.code == 126);
	unlink(script);
	r = run_how(ARGV("true"), (struct how){ .user = "nobody-such" });
	CHECK(r.code == 125 && strstr(r.err, "user nobody-such"));
	r = run_how(ARGV("true"), (struct how){ .user = "12x" });
	CHECK(r.code == 125 && strstr(r.err, "UID[:GID]"));
	r = run_how(ARGV("true"), (struct how){ .cwd = "/no/such/folder" });
	CHECK(r.code == 125 && strstr(r.err, "folder /no/such/folder"));
}

static void streams_get_mixed_up(void)
{
	struct result r = SH("echo to-out; echo to-err >&2; printf 'no newline'");

	CHECK(r.code == 0);
	CHECK(!strcmp(r.out, "to-out\nno newline"));
	CHECK(!strcmp(r.err, "to-err\n"));
}

static void an_argument_is_split_or_lost(void)
{
	struct result r = RUN("sh", "-c", "for a; do printf '[%s]' \"$a\"; done", "sh", "two words",
			      "", "it's \"quoted\"", "new\nline", "\\back$HOME", "-n", "\xff\xfe");

	CHECK(r.code == 0);
	CHECK(!strcmp(r.out,
		      "[two words][][it's \"quoted\"][new\nline][\\back$HOME][-n][\xff\xfe]"));
}

static void the_environment_is_not_the_documented_one(void)
{
	struct result r = run_how(
		ARGV("sh", "-c", "echo $HOME $USER $VMTOOL_VM $VMTOOL_BOOT_ID $A $PATH; pwd"),
		(struct how){ .env = { "A=b=c d", "PATH=/bin:/usr/bin" } });

	if (geteuid() != 0)
		SKIP("needs root: $HOME and $USER are those of whoever runs this");
	CHECK(r.code == 0);
	if (strcmp(r.out, "/root root web b b=c d /bin:/usr/bin\n/\n"))
		printf("# %s\n", r.out);
	CHECK(!strcmp(r.out, "/root root web b b=c d /bin:/usr/bin\n/\n"));
}

static void a_user_is_not_who_he_should_be(void)
{
	struct result r;

	if (geteuid() != 0)
		SKIP("needs root to become somebody else");
	r = run_how(ARGV("sh", "-c", "id -u; id -g; id -G; echo $HOME"),
		    (struct how){ .user = "54321:54322" });
	CHECK(r.code == 0 && !strcmp(r.out, "54321\n54322\n54322\n/\n"));
	r = run_how(ARGV("sh", "-c", "id -un; echo $USER"), (struct how){ .user = "nobody" });
	CHECK(r.code == 0 && !strcmp(r.out, "nobody\nnobody\n"));
	r = run_how(ARGV("pwd"), (struct how){ .user = "nobody", .cwd = "/root" });
	CHECK(r.code == 125 && strstr(r.err, "folder /root: Permission denied"));
}

static void input_is_lost_or_never_ends(void)
{
	static const char text[] = "a line\n\0binary";
	struct result r;
	char *big = malloc(BIG);

	r = run_how(ARGV("cat"), (struct how){ .input = text, .input_len = sizeof(text) });
	CHECK(r.code == 0 && r.out_len == sizeof(text) && !memcmp(r.out, text, sizeof(text)));
	r = run_how(ARGV("cat"), (struct how){ .input = "", .input_len = 0 });
	CHECK(r.code == 0 && r.out_len == 0);
	r = RUN("cat"); /* without EXEC_STDIN it is /dev/null */
	CHECK(r.code == 0 && r.out_len == 0);
	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	r = run_how(ARGV("sh", "-c", "tee /dev/stderr | cksum"),
		    (struct how){ .input = big, .input_len = BIG });
	CHECK(r.code == 0);
	r = run_how(ARGV("cat"), (struct how){ .input = big, .input_len = BIG });
	CHECK(r.code == 0 && r.out_len == BIG);
	free(big);
}

/* The command's answer must be the bytes' own checksum, both ways. */
static void bytes_change_on_their_way(void)
{
	char *big = malloc(BIG), *back = MAP_FAILED;
	int out = temporary(), err = temporary();
	struct how how = { .input = big, .input_len = BIG };

	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i * 2654435761u >> 11);
	CHECK(exit_code(start(ARGV("cat"), &how, out, err)) == 0);
	back = mmap(NULL, BIG, PROT_READ, MAP_PRIVATE, out, 0);
	CHECK(back != MAP_FAILED && lseek(out, 0, SEEK_END) == BIG && !memcmp(big, back, BIG));
	munmap(back, BIG);
	free(big);
	close(out);
	close(err);
}

/* Somebody who writes all of it into a pipe, and goes. */
static int pipe_of(const char *data, size_t len)
{
	int p[2] = { -1, -1 };

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	if (fork() == 0) {
		close(p[0]);
		_exit(fd_write_all(p[1], data, len) < 0);
	}
	close(p[1]);
	return p[0];
}

/* What comes fast out of a pipe is not copied on its way: into a command that takes it at once, in
 * its own time, only a part of it, or nothing. */
static void a_flow_of_input_loses_bytes_or_never_ends(void)
{
	static const struct {
		const char *why, *script;
	} cases[] = {
		{ "taken at once", "cksum" },
		{ "taken late", "sleep 0.5; cksum" },
		{ "taken with pauses",
		  "(head -c 700001; sleep 0.3; head -c 300001; sleep 0.3; cat) | cksum" },
		{ "taken a byte beside", "(head -c 1; cat) | cksum" },
	};
	char *big = malloc(BIG), want[TEXT];
	struct how from_file = { .input = big, .input_len = BIG };
	struct result r;

	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i * 2654435761u >> 9);
	snprintf(want, sizeof(want), "%s", run_how(ARGV("cksum"), from_file).out);
	CHECK(strstr(want, "5242880"));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct how how = { .stdin_fd = pipe_of(big, BIG) };

		r = run_how(ARGV("sh", "-c", cases[i].script), how);
		if (r.code || strcmp(r.out, want) != 0)
			printf("# %s: code %d, %s instead of %s", cases[i].why, r.code, r.out,
			       want);
		CHECK(r.code == 0 && !strcmp(r.out, want));
		close(how.stdin_fd);
		wait(NULL);
	}
	for (int closes = 0; closes < 2; closes++) {
		struct how how = { .stdin_fd = pipe_of(big, BIG) };

		r = run_how(ARGV("sh", "-c",
				 closes ? "head -c 999999 >/dev/null; exec <&-; sleep 0.2; exit 3"
					: "head -c 999999 >/dev/null; exit 3"),
			    how);
		CHECK(r.code == 3);
		close(how.stdin_fd);
		wait(NULL);
	}
	free(big);
}

static void a_command_that_never_reads_blocks_the_rest(void)
{
	static char big[1 << 20];
	struct result r;

	r = run_how(ARGV("sh", "-c", "echo here; exit 7"),
		    (struct how){ .input = big, .input_len = sizeof(big) });
	CHECK(r.code == 7 && !strcmp(r.out, "here\n"));
	r = run_how(ARGV("sh", "-c", "exec <&-; sleep 0.1; echo closed"),
		    (struct how){ .input = big, .input_len = sizeof(big) });
	CHECK(r.code == 0 && !strcmp(r.out, "closed\n"));
}

static void sleep_until_output(int fd)
{
	struct stat st = { 0 };

	for (int i = 0; i < 500 && st.st_size == 0; i++) {
		usleep(10000);
		fstat(fd, &st);
	}
}

static void a_signal_does_not_reach_the_command(void)
{
	static char big[1 << 20];
	static const struct {
		const char *why, *script;
		int sig, code;
	} cases[] = {
		{ "handled", "trap 'exit 9' TERM; echo; while :; do sleep 0.01; done", SIGTERM, 9 },
		{ "fatal, stdin full", "echo; exec sleep 60", SIGINT, 128 + SIGINT },
		{ "to the whole group", "sleep 60 & echo; wait $!; exit 3", SIGHUP, 128 + SIGHUP },
		{ "user's own", "trap 'exit 5' USR1; echo; while :; do sleep 0.01; done", SIGUSR1,
		  5 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct how how = { .input = big, .input_len = sizeof(big) };
		int out = temporary(), err = temporary(), code;
		pid_t pid = start(ARGV("sh", "-c", cases[i].script), &how, out, err);

		sleep_until_output(out);
		kill(pid, cases[i].sig);
		code = exit_code(pid);
		if (code != cases[i].code)
			printf("# %s: %d\n", cases[i].why, code);
		CHECK(code == cases[i].code);
		close(out);
		close(err);
	}
}

static void a_second_interrupt_does_not_give_up(void)
{
	struct how how = { 0 };
	int out = temporary(), err = temporary();
	pid_t pid = start(ARGV("sh", "-c", "trap '' INT TERM; echo; sleep 60"), &how, out, err);
	int64_t began = clock_ms();

	sleep_until_output(out);
	kill(pid, SIGINT);
	usleep(100000);
	kill(pid, SIGINT);
	CHECK(exit_code(pid) == 130 && clock_ms() - began < 5000);
	close(out);
	close(err);
}

static void a_gone_reader_is_not_told(void)
{
	static const struct {
		const char *why, *script;
		int code;
	} cases[] = {
		{ "SIGPIPE ends it", "yes; exit 3", 128 + SIGPIPE },
		{ "ignored, it sees EPIPE", "trap '' PIPE; yes 2>/dev/null; exit 6", 6 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct how how = { 0 };
		int p[2], err = temporary(), code;
		char some[100];
		pid_t pid;

		CHECK(pipe2(p, O_CLOEXEC) == 0);
		how.not_his = p[0];
		pid = start(i == 0 ? ARGV("yes") : ARGV("sh", "-c", cases[i].script), &how, p[1],
			    err);
		close(p[1]);
		CHECK(read(p[0], some, sizeof(some)) > 0);
		close(p[0]);
		code = exit_code(pid);
		if (code != cases[i].code)
			printf("# %s: %d\n", cases[i].why, code);
		CHECK(code == cases[i].code);
		close(err);
	}
}

static void a_slow_reader_loses_bytes(void)
{
	struct how how = { 0 };
	int p[2], err = temporary();
	size_t total = 0;
	char some[65536];
	ssize_t n;
	pid_t pid;

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	pid = start(ARGV("head", "-c", "2000000", "/dev/zero"), &how, p[1], err);
	close(p[1]);
	usleep(500000); /* longer than the drain of silent pipes */
	while ((n = read(p[0], some, sizeof(some))) > 0)
		total += (size_t)n;
	CHECK(exit_code(pid) == 0 && total == 2000000);
	close(p[0]);
	close(err);
}

/* --- statuses --- */

static void a_quick_status_is_lost(void)
{
	int lost = 0;

	for (int i = 0; i < 500; i++)
		lost += RUN("false").code != 1;
	CHECK(lost == 0);
}

static void orphans_disturb_a_status(void)
{
	struct result r = SH(
		"i=0; while [ $i -lt 100 ]; do (sleep 0.05 &) ; i=$((i+1)); done >/dev/null 2>&1; exit 33");

	CHECK(r.code == 33);
	CHECK(SH("exit 34").code == 34);
}

static void a_grandchild_holds_the_session(void)
{
	struct result r = SH("sleep 60 & echo started; exit 4");

	if (r.ms > 1000)
		printf("# took %lld ms\n", (long long)r.ms);
	CHECK(r.code == 4 && !strcmp(r.out, "started\n") && r.ms < 1000);
	r = SH("(while :; do echo noise; sleep 0.05; done) & exit 5");
	CHECK(r.code == 5 && r.ms < 4000);
}

static void clients_beyond_the_places_are_turned_away(void)
{
	enum { CLIENTS = 100 };
	pid_t pids[CLIENTS];
	struct how how = { 0 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), wrong = 0;

	for (int i = 0; i < CLIENTS; i++) {
		char script[32];

		snprintf(script, sizeof(script), "sleep 0.3; exit %d", i);
		pids[i] = start(ARGV("sh", "-c", script), &how, null, 2);
	}
	for (int i = 0; i < CLIENTS; i++) {
		int code = exit_code(pids[i]);

		if (code != i)
			printf("# client %d: %d\n", i, code);
		wrong += code != i;
	}
	CHECK(wrong == 0);
	close(null);
}

/* --- hostile peers --- */

/* Everything the server says until it closes, at most TEXT bytes; -1 when it does not within 5 s. */
static ssize_t hear(int fd, uint8_t *said)
{
	struct timeval limit = { 5, 0 };
	ssize_t used = 0, n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	while ((n = read(fd, said + used, (size_t)(TEXT - used))) > 0)
		used += n;
	return n < 0 && errno == EAGAIN ? -1 : used;
}

static void nonsense_is_answered_or_hangs(void)
{
	static const struct {
		const char *why;
		uint8_t bytes[16];
		size_t len;
		int is_answered; /* with a typed refusal */
	} cases[] = {
		{ "a length of 4 GiB", { 0x10, 0xff, 0xff, 0xff, 0xff }, 5, 1 },
		{ "one byte too long", { 0x10, 0x00, 0x10, 0x00, 0x01 }, 5, 1 },
		{ "an unknown type", { 0x7f, 0, 0, 0, 0 }, 5, 1 },
		{ "stdin before a request", { 0x12, 0, 0, 0, 1, 'x' }, 6, 1 },
		{ "an empty request", { 0x10, 0, 0, 0, 0 }, 5, 1 },
		{ "garbage", "GET / HTTP/1.1\r\n", 16, 1 },
		{ "half a header, then silence", { 0x10, 0, 0 }, 3, 0 },
		{ "a cut request, then silence", { 0x10, 0, 0, 0, 9, 0, 0 }, 7, 0 },
		{ "silence", { 0 }, 0, 0 },
	};
	static uint8_t said[TEXT];

	/* One that soon has enough of a peer who says nothing: clients that a busy machine starts a
	 * hundred of at once may need longer for their request. */
	stop_server();
	start_server(SOON_MS);
	for (size_t i = 0; i < COUNT(cases); i++) {
		int fd = unix_connect(socket_path, 0);
		ssize_t n;
		struct refusal f;
		int typed;

		CHECK(fd_write_all(fd, cases[i].bytes, cases[i].len) == 0);
		n = hear(fd, said);
		typed = n > FRAME_HEADER && said[0] == FRAME_ERROR &&
			refusal_decode(&f, said + FRAME_HEADER, (size_t)n - FRAME_HEADER) == 0 &&
			f.why == REFUSED_PROTOCOL;
		if (n < 0 || typed != cases[i].is_answered)
			printf("# %s: %zd bytes\n", cases[i].why, n);
		CHECK(n >= 0 && typed == cases[i].is_answered);
		close(fd);
	}
	stop_server();
	start_server(IDLE_MS);
	CHECK(SH("exit 21").code == 21);
}

/* The script's pid once it has printed something, which it does when it is set up; or -1. */
static pid_t start_by_hand(int fd, const char *script)
{
	static struct exec_req q;
	static uint8_t mem[4096], in_mem[4096];
	struct inbox in;
	struct frame f;
	struct rd r;
	pid_t pid;
	long len;

	q = (struct exec_req){ .id = "",
			       .user = "",
			       .cwd = "/",
			       .flags = EXEC_STDIN,
			       .argc = 3,
			       .argv = { "sh", "-c", script } };
	len = exec_req_encode(&q, mem, sizeof(mem));
	inbox_init(&in, in_mem, sizeof(in_mem));
	if (frame_send(fd, FRAME_EXEC, mem, (size_t)len) < 0 || frame_recv(&in, fd, &f) < 0 ||
	    f.type != FRAME_STARTED)
		return -1;
	r = rd_init(f.data, f.len);
	pid = (pid_t)rd_be32(&r);
	do
		if (frame_recv(&in, fd, &f) < 0)
			return -1;
	while (f.type != FRAME_STDOUT);
	return pid;
}

/* Nonzero once no process of the group is left. */
static int group_is_gone(pid_t pgid)
{
	for (int i = 0; i < 500; i++) {
		if (kill(-pgid, 0) < 0 && errno == ESRCH)
			return 1;
		usleep(10000);
	}
	return 0;
}

static void a_command_outlives_its_host(void)
{
	static const char *const scripts[] = {
		"echo up; sleep 60",
		"trap '' TERM; echo up; while :; do sleep 0.1; done", /* needs SIGKILL */
	};

	for (size_t i = 0; i < COUNT(scripts); i++) {
		int fd = unix_connect(socket_path, 0);
		pid_t pid = start_by_hand(fd, scripts[i]);

		CHECK(pid > 1);
		close(fd);
		CHECK(pid > 1 && group_is_gone(pid));
	}
	CHECK(SH("exit 22").code == 22);
}

static void more_input_than_the_window_is_taken(void)
{
	static uint8_t big[EXEC_WINDOW];
	int fd = unix_connect(socket_path, 0);
	pid_t pid = start_by_hand(fd, "echo up; sleep 60");

	CHECK(pid > 1);
	frame_send(fd, FRAME_STDIN, big, sizeof(big));
	frame_send(fd, FRAME_STDIN, big, sizeof(big));
	frame_send(fd, FRAME_STDIN, big, sizeof(big));
	CHECK(pid > 1 && group_is_gone(pid));
	close(fd);
}

static void a_heartbeat_is_not_echoed(void)
{
	static const char said[] = "any bytes\0of ours";
	uint8_t mem[256];
	struct inbox in;
	struct frame f;
	int fd = unix_connect(socket_path, 0);

	inbox_init(&in, mem, sizeof(mem));
	for (int i = 0; i < 2; i++) {
		CHECK(frame_send(fd, FRAME_HEARTBEAT, said, sizeof(said)) == 0);
		CHECK(frame_recv(&in, fd, &f) == 0 && f.type == FRAME_HEARTBEAT);
		CHECK(f.len == sizeof(said) && !memcmp(f.data, said, sizeof(said)));
	}
	close(fd);
}

static void a_dead_server_looks_like_success(void)
{
	int pair[2];
	static struct exec_req q;
	struct session_end end;
	struct err e = ERR_NONE;
	int rc;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	close(pair[1]);
	q = (struct exec_req){ .id = "", .user = "", .cwd = "", .argc = 1, .argv = { "true" } };
	rc = session_run(pair[0], &(struct session_how){ .start = &q }, &end, &e);
	CHECK(rc < 0 && e.exit == 125 && strstr(e.text, "connection"));
}

static int count_fds(void)
{
	char path[64];
	int n = 0;

	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", server, fd);
		n += access(path, F_OK) == 0 || errno != ENOENT;
	}
	return n;
}

static int fds_at_rest;

static void the_server_keeps_what_it_should_close(void)
{
	int n = 0;

	for (int i = 0; i < 300 && (n = count_fds()) > fds_at_rest; i++)
		usleep(10000); /* the last peers linger for a moment */
	if (n > fds_at_rest)
		printf("# %d descriptors, %d at rest\n", n, fds_at_rest);
	CHECK(n <= fds_at_rest);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	close(mkstemps(socket_path, 5));
	start_server(IDLE_MS);
	CHECK(RUN("true").code == 0);
	usleep(100000);
	fds_at_rest = count_fds();
	TEST(an_exit_code_is_changed_on_its_way);
	TEST(a_refusal_is_mistaken_for_an_exit);
	TEST(streams_get_mixed_up);
	TEST(an_argument_is_split_or_lost);
	TEST(the_environment_is_not_the_documented_one);
	TEST(a_user_is_not_who_he_should_be);
	TEST(input_is_lost_or_never_ends);
	TEST(bytes_change_on_their_way);
	TEST(a_flow_of_input_loses_bytes_or_never_ends);
	TEST(a_command_that_never_reads_blocks_the_rest);
	TEST(a_signal_does_not_reach_the_command);
	TEST(a_second_interrupt_does_not_give_up);
	TEST(a_gone_reader_is_not_told);
	TEST(a_slow_reader_loses_bytes);
	TEST(a_quick_status_is_lost);
	TEST(orphans_disturb_a_status);
	TEST(a_grandchild_holds_the_session);
	TEST(clients_beyond_the_places_are_turned_away);
	TEST(nonsense_is_answered_or_hangs);
	TEST(a_command_outlives_its_host);
	TEST(more_input_than_the_window_is_taken);
	TEST(a_heartbeat_is_not_echoed);
	TEST(a_dead_server_looks_like_success);
	TEST(the_server_keeps_what_it_should_close);
	stop_server();
	unlink(socket_path);
	return check_done();
}
