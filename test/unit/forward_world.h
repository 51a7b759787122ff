/*
 * forward_world - a guest, its host and their clients for tests of forwards, without a VM: the guest's
 * servers run in a process of their own behind a vsock.sock, the host is a loop that the test turns
 * until it sees what it wants to.
 */
#ifndef FORWARD_WORLD_H
#define FORWARD_WORLD_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "guest/agentd.h"
#include "guest/front.h"
#include "guest/streamd.h"
#include "host/forwards.h"
#include "proto/ports.h"

enum {
	WAIT_MS = 20000, /* longer than anything may take on a busy machine */
	HOLD_MS = 600,
	CONNECT_MS = 300,
	VSOCK_SERVER = 70,
};

static char folder[] = "/tmp/forward_test.XXXXXX", vsock[64];
static int folder_fd;
static pid_t guest;
static unsigned guest_idle_fds;

/* --- the guest, in a process of its own --- */

struct world {
	struct loop loop;
	struct reap reap;
	struct front front;
	struct agentd *agentd;
	struct listener greeter; /* a vsock port that says hello and leaves */
};

static inline void greet(struct listener *l, int fd)
{
	(void)send(fd, "hello", 5, MSG_NOSIGNAL);
	close(fd);
	listener_release(l);
}

/* Who listens there, as the test has it. */
static struct agent_ports *guest_ports;

static inline void scan(struct agent_ports *out)
{
	uint64_t epoch = out->epoch;

	*out = *guest_ports;
	out->epoch = epoch;
	agent_ports_sort(out);
}

static inline void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct world *w = CONTAINER(l, struct world, loop);

	if (si->ssi_signo == SIGCHLD)
		reap_collect(&w->reap);
	else if (si->ssi_signo == SIGTERM)
		loop_stop(l, 0);
}

static inline void serve(int fd)
{
	const struct streamd_options options = { 0 };
	const struct agentd_options agent = { .scan = scan };
	struct world *w = calloc(1, sizeof(*w));
	struct streamd *d;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves no guest */
	w->loop = LOOP_INIT;
	loop_open(&w->loop);
	w->loop.signalled = signalled;
	reap_init(&w->reap);
	d = streamd_open(&w->loop, &w->reap, -1, &options);
	w->agentd = agentd_open(&w->loop, &w->reap, -1, &agent);
	listener_open(&w->greeter, &w->loop, -1, 8, greet);
	if (!d || !w->agentd || front_open(&w->front, &w->loop, fd) < 0)
		_exit(1);
	front_add(&w->front, PORT_STREAM, streamd_listener(d));
	front_add(&w->front, PORT_AGENT, &w->agentd->listener);
	front_add(&w->front, VSOCK_SERVER, &w->greeter);
	_exit(loop_run(&w->loop));
}

static inline void guest_start(void)
{
	struct err e = ERR_NONE;
	int fd;

	unlink(vsock);
	fd = unix_listen(vsock, 128, &e);
	guest = fd < 0 ? -1 : fork();
	if (guest == 0)
		serve(fd);
	if (guest < 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	close(fd);
}

/* It leaves when it is told to, and with status 0: no sanitizer had anything to say. */
static inline void guest_stop(void)
{
	int status;

	kill(guest, SIGTERM);
	CHECK(waitpid(guest, &status, 0) == guest && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	unlink(vsock);
}

static inline unsigned fds_of(pid_t pid)
{
	char path[64];
	unsigned count = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	while (d && readdir(d))
		count++;
	if (d)
		closedir(d);
	return count;
}

/* --- the host: a loop that the test turns until it sees what it wants to --- */

static struct loop loop;
static struct timer tick;
static struct forwards fs;
static struct vmref vm = { .name = "test", .dir = -1, .lock = -1 };
static unsigned said, failed;
static char last_word[1200];

static inline void tick_due(struct timer *t)
{
	loop_after(&loop, t, 2);
}

static inline void turn(void)
{
	loop_wait(&loop);
	loop_dispatch(&loop);
}

static inline void forward_said(struct forwards *all, const struct forward *f, const char *detail)
{
	(void)all;
	(void)f;
	said++;
	snprintf(last_word, sizeof(last_word), "%s", detail);
}

static inline void forward_failed(struct forwards *all, const struct forward *like, const char *why)
{
	(void)all;
	(void)like;
	failed++;
	snprintf(last_word, sizeof(last_word), "%s", why);
}

static const struct forwards_news news = { forward_said, forward_failed };

static inline void host_start(void)
{
	struct err e = ERR_NONE;

	CHECK(forwards_open(&fs, &loop, folder_fd, vm.dir < 0 ? NULL : &vm, &news, &e) == 0);
	fs.dialler.hold_ms = HOLD_MS;
	fs.dialler.connect_ms = CONNECT_MS;
	said = failed = 0;
}

static inline void host_stop(void)
{
	forwards_close(&fs);
	CHECK(!loop.timers || (loop.timers == &tick && !tick.next));
}

/* 0, or what went wrong in last_error. */
static struct err last_error;

static inline int add(const char *rule)
{
	struct forwardrule r;

	last_error = ERR_NONE;
	return forwardrule_parse(&r, "rule", rule, &last_error) < 0
		       ? last_error.code
		       : forwards_add(&fs, &r, &last_error);
}

static inline const struct forward *latest(void)
{
	const struct forward *f = fs.first;

	while (f && f->next)
		f = f->next;
	return f;
}

/* --- destinations and clients --- */

/* A listener on 127.0.0.1, or a socket of datagrams; *port is where. */
static inline int listen_here(int type, unsigned *port)
{
	struct err e = ERR_NONE;
	struct hostaddr a;
	int fd;

	hostaddr_ip(&a, "127.0.0.1");
	fd = hostaddr_listen(&a, type == SOCK_DGRAM, &e);
	*port = hostaddr_port(&a);
	CHECK(fd >= 0);
	return fd;
}

/* Adds a forward of a free port to this one in the guest. */
static inline const struct forward *forward_to(unsigned port, const char *suffix)
{
	char rule[64];

	snprintf(rule, sizeof(rule), ":127.0.0.1:%u%s", port, suffix);
	CHECK(add(rule) == 0);
	return latest();
}

static inline int client_of(const struct hostaddr *a, int type)
{
	int fd = socket(a->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (connect(fd, &a->any, hostaddr_len(a)) < 0 && errno != EINPROGRESS)
		fd_close(&fd);
	return fd;
}

static inline int client(const struct forward *f)
{
	return client_of(&f->host, f->is_udp ? SOCK_DGRAM : SOCK_STREAM);
}

/* Turns the loop until the descriptor has something to say. */
static inline int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t end = clock_ms() + WAIT_MS;

	while (poll(&p, 1, 0) != 1 && clock_ms() < end)
		turn();
	return p.revents;
}

static inline int accept_one(int listener)
{
	return wait_for(listener, POLLIN) ? accept4(listener, NULL, NULL, SOCK_NONBLOCK) : -1;
}

static inline int say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* What came up to the end; a reset is "!". */
static inline const char *heard(int fd)
{
	static char text[256];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 2) {
		if (!wait_for(fd, POLLIN))
			return "(nothing came)";
		n = recv(fd, text + len, sizeof(text) - 2 - len, MSG_DONTWAIT);
		if (n == 0)
			break;
		if (n < 0) {
			text[len++] = '!';
			break;
		}
		len += (size_t)n;
	}
	text[len] = '\0';
	return text;
}

static inline int is_heard(int fd, const char *want)
{
	const char *got = heard(fd);

	if (strcmp(got, want) != 0)
		printf("# heard \"%s\", not \"%s\"\n", got, want);
	return strcmp(got, want) == 0;
}

static inline void pass_time(unsigned ms)
{
	for (int64_t end = clock_ms() + ms; clock_ms() < end;)
		turn();
}

static inline int all_ended(const struct forward *f)
{
	for (int64_t end = clock_ms() + WAIT_MS; f->open && clock_ms() < end;)
		turn();
	return f->open == 0;
}

/* What the guest has open while nobody is connected, which is so now. */
static inline void guest_is_idle(void)
{
	pass_time(100);
	guest_idle_fds = fds_of(guest);
}

static inline int guest_fds_are_idle(void)
{
	for (int64_t end = clock_ms() + WAIT_MS; clock_ms() < end; turn())
		if (fds_of(guest) == guest_idle_fds)
			return 1;
	printf("# the guest has %u descriptors, not %u\n", fds_of(guest), guest_idle_fds);
	return 0;
}

/* A question, its end, and the answer to that. */
static inline int is_served(const struct forward *f, int listener)
{
	int fd = client(f), inner, ok;

	inner = accept_one(listener);
	ok = fd >= 0 && inner >= 0 && say(fd, "question") && shutdown(fd, SHUT_WR) == 0 &&
	     is_heard(inner, "question") && say(inner, "answer");
	fd_close(&inner);
	ok = ok && is_heard(fd, "answer");
	fd_close(&fd);
	return ok;
}

static inline void run(const char *name, void (*test)(void))
{
	host_start();
	check_run(name, test);
	host_stop();
}

#define WITH_HOST(test) run(#test, test)

/* 0, or the test cannot be run. */
static inline int world_open(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(folder))
		return -1;
	snprintf(vsock, sizeof(vsock), "%s/vsock.sock", folder);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	guest_ports = mmap(NULL, sizeof(*guest_ports), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	guest_start();
	loop = LOOP_INIT;
	loop_open(&loop);
	tick.due = tick_due;
	tick_due(&tick);
	return 0;
}

/* What main() returns. */
static inline int world_close(void)
{
	check.failed = 0;
	guest_stop();
	close(folder_fd);
	rmdir(folder);
	return check_done() || check.failed;
}

#endif
