/*
 * The agent's port over a unix socket, without a VM: every frame, peers that talk nonsense, say
 * nothing, do not read, or are too many. Its clock and its list of ports are the test's.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "base/version.h"
#include "check.h"
#include "guest/agentd.h"
#include "proto/ready.h"
#include "proto/refusal.h"

enum { IDLE_MS = 400 };

static char path[64], exec_path[64];

/* What the server's process and the test both see. */
static struct world {
	int64_t now_ns, stepped_ns, slewed_ns;
	int is_disciplined;
	unsigned nports, scans;
} * world;

/* --- the server --- */

static int64_t fake_now(void)
{
	return world->now_ns;
}

static int no_ptp(int64_t *ahead_ns, uint64_t *bound_ns)
{
	(void)ahead_ns, (void)bound_ns;
	return -19;
}

static int fake_disciplined(void)
{
	return world->is_disciplined;
}

static int fake_step(int64_t by_ns)
{
	world->stepped_ns += by_ns;
	return 0;
}

static int fake_slew(int64_t by_ns)
{
	world->slewed_ns += by_ns;
	return 0;
}

static const struct clock_ops fake_clock = { fake_now, no_ptp, fake_disciplined, fake_step,
					     fake_slew };

static void fake_scan(struct agent_ports *out)
{
	world->scans++;
	out->count = world->nports;
	out->truncated = 0;
	for (uint32_t i = 0; i < out->count; i++)
		out->port[i] =
			(struct port){ PORT_TCP, 4, (uint16_t)(1000 + i), 0, { 127, 0, 0, 1 } };
	agent_ports_sort(out);
}

static struct reap reap;

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	(void)l;
	if (si->ssi_signo == SIGCHLD)
		reap_collect(&reap);
}

static const char *some_stage(void *owner, uint8_t *state)
{
	(void)owner;
	*state = STAGE_DONE;
	return "network";
}

static void serve(int fd, int exec_fd)
{
	static struct execd *execd;
	struct execd_options exec_options = { .vm = "", .boot = "" };
	struct agentd_options o = {
		.clock = &fake_clock,
		.info = { .boot = "boot", .execd = &execd, .stage = some_stage },
		.idle_ms = IDLE_MS,
		.scan = fake_scan,
	};
	struct loop loop = LOOP_INIT;

	loop_open(&loop);
	loop.signalled = signalled;
	reap_init(&reap);
	execd = execd_open(&loop, &reap, &exec_options);
	if (!execd || execd_serve(execd, EXECD_PIPES, exec_fd) < 0 ||
	    !agentd_open(&loop, &reap, fd, &o))
		_exit(1);
	_exit(loop_run(&loop));
}

/* --- a peer --- */

struct peer {
	int fd;
	struct inbox in;
	struct frame f; /* the latest */
	uint8_t mem[FRAME_HEADER + PORTS_BYTES_MAX];
};

static void dial(struct peer *p, const char *where)
{
	struct timeval limit = { 5, 0 };

	p->fd = unix_connect(where, 0);
	setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	inbox_init(&p->in, p->mem, sizeof(p->mem));
}

static void say(struct peer *p, uint8_t type, const void *data, size_t len)
{
	CHECK(frame_send(p->fd, type, data, len) == 0);
}

/* 1 when the next frame is of that type. */
static int hear(struct peer *p, uint8_t type)
{
	p->f = (struct frame){ 0 };
	return frame_recv(&p->in, p->fd, &p->f) == 0 && p->f.type == type;
}

static int is_at_end(struct peer *p)
{
	return frame_recv(&p->in, p->fd, &p->f) == -61;
}

static int is_refused(struct peer *p, uint16_t why)
{
	struct refusal r;

	return hear(p, FRAME_ERROR) && refusal_decode(&r, p->f.data, p->f.len) == 0 &&
	       r.why == why && is_at_end(p);
}

static int answers(struct peer *p)
{
	say(p, FRAME_HEARTBEAT, "nonce", 5);
	return hear(p, FRAME_HEARTBEAT) && p->f.len == 5 && !memcmp(p->f.data, "nonce", 5);
}

static size_t put_u32(uint8_t *mem, uint32_t v)
{
	struct wr w = wr_init(mem, 4);

	wr_be32(&w, v);
	return 4;
}

/* --- tests --- */

static void a_heartbeat_is_not_echoed(void)
{
	struct peer p;

	dial(&p, path);
	CHECK(answers(&p));
	CHECK(answers(&p));
	close(p.fd);
}

static void nonsense_is_served(void)
{
	static const struct {
		const char *why;
		uint8_t bytes[32];
		size_t len;
	} cases[] = {
		{ "an unknown type", { 0x7f, 0, 0, 0, 0 }, 5 },
		{ "another port's frame", { FRAME_EXEC, 0, 0, 0, 0 }, 5 },
		{ "4 GiB", { FRAME_HEARTBEAT, 0xff, 0xff, 0xff, 0xff }, 5 },
		{ "beyond this port's frames", { FRAME_HEARTBEAT, 0, 1, 0, 0 }, 5 },
		{ "a poweroff without its time", { FRAME_POWEROFF, 0, 0, 0, 0 }, 5 },
		{ "a poweroff with too much", { FRAME_POWEROFF, 0, 0, 0, 5, 0, 0, 0, 0, 0 }, 10 },
		{ "a poweroff next year", { FRAME_POWEROFF, 0, 0, 0, 4, 0xff, 0, 0, 0 }, 9 },
		{ "a question with a payload", { FRAME_INFO, 0, 0, 0, 1, 0 }, 6 },
		{ "a watch with a payload", { FRAME_PORTS, 0, 0, 0, 1, 0 }, 6 },
		{ "an answer of ours", { FRAME_PORTS_CHANGE, 0, 0, 0, 0 }, 5 },
		{ "a sample cut short", { FRAME_CLOCK, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0 }, 13 },
		{ "a time beyond all times",
		  { FRAME_CLOCK, 0, 0, 0, 16, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
		  21 },
		{ "a clock to be set to nothing", { FRAME_CLOCK_SET, 0, 0, 0, 0 }, 5 },
		{ "a clock to be set by ages",
		  { FRAME_CLOCK_SET, 0, 0, 0, 20, 0x7f, 0xff, 0xff, 0xff },
		  25 },
		{ "no signal", { FRAME_SIGNAL_MAIN, 0, 0, 0, 0 }, 5 },
		{ "signal 0", { FRAME_SIGNAL_MAIN, 0, 0, 0, 4, 0, 0, 0, 0 }, 9 },
		{ "signal 65", { FRAME_SIGNAL_MAIN, 0, 0, 0, 4, 0, 0, 0, 65 }, 9 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct peer p;
		int failed = check.failed;

		dial(&p, path);
		CHECK(fd_write_all(p.fd, cases[i].bytes, cases[i].len) == 0);
		CHECK(is_refused(&p, REFUSED_PROTOCOL));
		if (check.failed > failed)
			printf("# %s\n", cases[i].why);
		close(p.fd);
	}
}

static void peers_beyond_the_places_are_lost(void)
{
	static struct peer peers[AGENTD_CONNS + 5];

	for (size_t i = 0; i < COUNT(peers); i++)
		dial(&peers[i], path);
	for (size_t i = 0; i < AGENTD_CONNS; i++)
		CHECK(answers(&peers[i]));
	for (size_t i = 0; i < 5; i++)
		close(peers[i].fd);
	for (size_t i = AGENTD_CONNS; i < COUNT(peers); i++)
		CHECK(answers(&peers[i]));
	for (size_t i = 5; i < COUNT(peers); i++)
		close(peers[i].fd);
}

static void a_silent_peer_keeps_its_place(void)
{
	struct peer silent, half, watcher;

	dial(&silent, path);
	dial(&half, path);
	dial(&watcher, path);
	CHECK(fd_write_all(half.fd, "\x32\0\0", 3) == 0);
	say(&watcher, FRAME_PORTS, NULL, 0);
	CHECK(hear(&watcher, FRAME_PORTS));
	CHECK(is_at_end(&silent));
	CHECK(frame_recv(&half.in, half.fd, &half.f) < 0);
	CHECK(answers(&watcher)); /* it waits for something: that is no silence */
	close(silent.fd);
	close(half.fd);
	close(watcher.fd);
}

static void info_tells_something_else(void)
{
	struct agent_info i;
	struct peer p;
	int streams = 0;

	dial(&p, path);
	say(&p, FRAME_INFO, NULL, 0);
	CHECK(hear(&p, FRAME_INFO));
	CHECK(agent_info_decode(&i, p.f.data, p.f.len) == 0);
	CHECK(i.protocol == PROTOCOL_VERSION && !strcmp(i.vmtool, vmtool_version));
	CHECK(!strcmp(i.boot, "boot") && i.kernel[0] && i.hostname[0]);
	CHECK(!strcmp(i.stage, "network") && i.stage_state == STAGE_DONE);
	CHECK(i.main == INFO_MAIN_NONE && !i.pid1_is_ours);
	CHECK(i.uptime_ms > 0 && i.memory_total >= i.memory_available && i.memory_available > 0);
	for (uint32_t k = 0; k < i.nfeatures; k++)
		streams |= !strcmp(i.features[k], "streams");
	CHECK(streams);
	close(p.fd);
}

static void a_refused_poweroff_is_untyped(void)
{
	struct peer p;
	uint8_t mem[4];

	dial(&p, path);
	say(&p, FRAME_POWEROFF, mem, put_u32(mem, 1000));
	CHECK(is_refused(&p, REFUSED_UNSUPPORTED));
	close(p.fd);
}

/* --- the clock --- */

static struct clock_done set_clock(struct peer *p, int64_t ahead_ns, uint64_t bound_ns)
{
	struct clock_set s = { ahead_ns, bound_ns, 500 };
	struct clock_done d = { 0 };
	uint8_t mem[CLOCK_SET_BYTES];

	world->stepped_ns = world->slewed_ns = 0;
	clock_set_encode(&s, mem);
	say(p, FRAME_CLOCK_SET, mem, sizeof(mem));
	CHECK(hear(p, FRAME_CLOCK_SET) && clock_done_decode(&d, p->f.data, p->f.len) == 0);
	return d;
}

static void a_clock_is_set_otherwise(void)
{
	static const int64_t ms = 1000000;
	static const struct {
		int64_t ahead_ms;
		uint64_t bound_ms;
		int disciplined;
		uint8_t did;
		int64_t stepped_ms, slewed_ms;
		const char *why;
	} cases[] = {
		{ 0, 1, 0, CLOCK_KEPT, 0, 0, "it is right" },
		{ 5, 10, 0, CLOCK_KEPT, 0, 0, "nobody can tell" },
		{ -5, 10, 0, CLOCK_KEPT, 0, 0, "nobody can tell, behind" },
		{ 30, 10, 0, CLOCK_SLEWED, 0, -30, "a little ahead" },
		{ -30, 10, 0, CLOCK_SLEWED, 0, 30, "a little behind" },
		{ 500, 1, 0, CLOCK_SLEWED, 0, -500, "just not too far" },
		{ 501, 1, 0, CLOCK_STEPPED, -501, 0, "too far ahead" },
		{ -60000, 1, 0, CLOCK_STEPPED, 60000, 0, "a minute behind: it was paused" },
		{ 30, 10, 1, CLOCK_LEFT, 0, 0, "a time service is at it" },
		{ -60000, 1, 1, CLOCK_STEPPED, 60000, 0, "too far for a time service" },
	};
	struct peer p;

	dial(&p, path);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct clock_done d;
		int failed = check.failed;

		world->is_disciplined = cases[i].disciplined;
		d = set_clock(&p, cases[i].ahead_ms * ms, cases[i].bound_ms * (uint64_t)ms);
		CHECK(d.did == cases[i].did && d.source == CLOCK_BY_EXCHANGE);
		CHECK(d.ahead_ns == cases[i].ahead_ms * ms);
		CHECK(world->stepped_ns == cases[i].stepped_ms * ms);
		CHECK(world->slewed_ns == cases[i].slewed_ms * ms);
		if (check.failed > failed)
			printf("# %s\n", cases[i].why);
	}
	close(p.fd);
}

static void a_sample_comes_back_changed(void)
{
	struct clock_sample s = { 1234567890123456789, 0 };
	uint8_t mem[CLOCK_SAMPLE_BYTES];
	struct peer p;

	world->now_ns = 987654321;
	clock_sample_encode(&s, mem);
	dial(&p, path);
	say(&p, FRAME_CLOCK, mem, sizeof(mem));
	CHECK(hear(&p, FRAME_CLOCK) && clock_sample_decode(&s, p.f.data, p.f.len) == 0);
	CHECK(s.host_ns == 1234567890123456789 && s.guest_ns == 987654321);
	close(p.fd);
}

/* --- ports --- */

static struct agent_ports seen[2];

static void watch(struct peer *p, struct agent_ports *now)
{
	dial(p, path);
	say(p, FRAME_PORTS, NULL, 0);
	CHECK(hear(p, FRAME_PORTS) && agent_ports_decode(now, p->f.data, p->f.len) == 0);
}

static void follow(struct peer *p, struct agent_ports *now)
{
	static struct agent_ports_change c;

	CHECK(hear(p, FRAME_PORTS_CHANGE) &&
	      agent_ports_change_decode(&c, p->f.data, p->f.len) == 0);
	CHECK(agent_ports_apply(now, &c) == 0);
}

static void two_watchers_see_different_ports(void)
{
	struct peer a, b;

	world->nports = 2;
	watch(&a, &seen[0]);
	CHECK(seen[0].count == 2);
	world->nports = 3; /* found at the latest when b asks, and then a is told */
	watch(&b, &seen[1]);
	CHECK(seen[1].count == 3);
	follow(&a, &seen[0]);
	CHECK(seen[0].epoch == seen[1].epoch && seen[0].count == 3);
	world->nports = 1;
	follow(&a, &seen[0]);
	follow(&b, &seen[1]);
	CHECK(seen[0].count == 1 && seen[1].count == 1 && seen[0].port[0].port == 1000);
	CHECK(seen[0].epoch == seen[1].epoch);
	close(a.fd);
	close(b.fd);
}

static void ports_are_looked_for_while_nobody_watches(void)
{
	struct peer p;
	unsigned scans;

	watch(&p, &seen[0]);
	close(p.fd);
	dial(&p, path);
	CHECK(answers(&p)); /* the watcher's end is behind us */
	scans = world->scans;
	usleep(350 * 1000); /* the absence of something has no event */
	CHECK(world->scans == scans);
	close(p.fd);
}

/* Its socket is full of what it does not read, while the ports change and change. */
static void a_watcher_that_does_not_read_is_told_of_everything(void)
{
	static uint8_t noise[4096];
	struct peer p;
	unsigned told = 0;
	size_t echoed = 0;
	int size = 4096;

	world->nports = 1;
	watch(&p, &seen[0]);
	setsockopt(p.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* Until its own queue in the server holds something. */
	while (send(p.fd, "\x01\0\0\x10\0", 5, MSG_DONTWAIT) == 5 && echoed < 400) {
		if (send(p.fd, noise, sizeof(noise), MSG_DONTWAIT) != sizeof(noise))
			break;
		echoed++;
	}
	for (unsigned i = 0; i < 4; i++) {
		unsigned scans = world->scans;

		world->nports = 300 + 50 * i;
		for (int64_t end = clock_ms() + 3000; world->scans < scans + 2 && clock_ms() < end;)
			usleep(1000);
	}
	/* Either it was dropped, for its echoes were too many, or it hears of the last state. */
	while (seen[0].count != 450 && frame_recv(&p.in, p.fd, &p.f) == 0) {
		static struct agent_ports_change c;

		if (p.f.type == FRAME_PORTS)
			told++, CHECK(agent_ports_decode(&seen[0], p.f.data, p.f.len) == 0);
		else if (p.f.type == FRAME_PORTS_CHANGE)
			told++, CHECK(agent_ports_change_decode(&c, p.f.data, p.f.len) == 0 &&
				      agent_ports_apply(&seen[0], &c) == 0);
	}
	CHECK(told <= 4);
	close(p.fd);
	dial(&p, path);
	CHECK(answers(&p));
	close(p.fd);
}

/* --- the main process --- */

static void start_main(struct peer *p)
{
	static struct exec_req q;
	static uint8_t mem[4096];
	char user[32];
	long len;

	snprintf(user, sizeof(user), "%d:%d", (int)getuid(), (int)getgid());
	q = (struct exec_req){
		.flags = EXEC_MAIN, .id = "", .user = getuid() ? user : "", .cwd = "/"
	};
	q.argv[q.argc++] = "/bin/sleep";
	q.argv[q.argc++] = "100";
	len = exec_req_encode(&q, mem, sizeof(mem));
	dial(p, exec_path);
	say(p, FRAME_EXEC, mem, (size_t)len);
	CHECK(hear(p, FRAME_STARTED));
}

static struct agent_info ask_info(struct peer *p)
{
	struct agent_info i = { 0 };

	say(p, FRAME_INFO, NULL, 0);
	CHECK(hear(p, FRAME_INFO) && agent_info_decode(&i, p->f.data, p->f.len) == 0);
	return i;
}

static void a_signal_goes_elsewhere_than_to_the_main_process(void)
{
	struct exec_status s = { 0 };
	struct agent_info i;
	struct peer main, p;
	uint8_t mem[4];

	dial(&p, path);
	say(&p, FRAME_SIGNAL_MAIN, mem, put_u32(mem, SIGTERM));
	CHECK(is_refused(&p, REFUSED_NOT_FOUND));
	close(p.fd);

	start_main(&main);
	dial(&p, path);
	i = ask_info(&p);
	CHECK(i.main == INFO_MAIN_RUNNING && i.main_pid > 1);
	say(&p, FRAME_SIGNAL_MAIN, mem, put_u32(mem, SIGUSR1));
	CHECK(hear(&p, FRAME_SIGNAL_MAIN));
	CHECK(hear(&main, FRAME_EXIT) && exec_status_decode(&s, main.f.data, main.f.len) == 0);
	CHECK(s.end == EXEC_SIGNALED && s.value == SIGUSR1);
	close(main.fd);
	i = ask_info(&p);
	CHECK(i.main == INFO_MAIN_ENDED && i.main_status.value == SIGUSR1);
	say(&p, FRAME_SIGNAL_MAIN, mem, put_u32(mem, SIGTERM));
	CHECK(is_refused(&p, REFUSED_NOT_FOUND));
	close(p.fd);
}

int main(void)
{
	struct err e = ERR_NONE;
	pid_t server;
	int fd, exec_fd;

	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	snprintf(path, sizeof(path), "/tmp/agentd_test.%d.sock", (int)getpid());
	snprintf(exec_path, sizeof(exec_path), "/tmp/agentd_test.%d.exec", (int)getpid());
	fd = unix_listen(path, 64, &e);
	exec_fd = unix_listen(exec_path, 64, &e);
	server = fork();
	if (server == 0)
		serve(fd, exec_fd);
	close(fd);
	close(exec_fd);
	TEST(a_heartbeat_is_not_echoed);
	TEST(nonsense_is_served);
	TEST(peers_beyond_the_places_are_lost);
	TEST(a_silent_peer_keeps_its_place);
	TEST(info_tells_something_else);
	TEST(a_refused_poweroff_is_untyped);
	TEST(a_clock_is_set_otherwise);
	TEST(a_sample_comes_back_changed);
	TEST(two_watchers_see_different_ports);
	TEST(ports_are_looked_for_while_nobody_watches);
	TEST(a_watcher_that_does_not_read_is_told_of_everything);
	TEST(a_signal_goes_elsewhere_than_to_the_main_process);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(path);
	unlink(exec_path);
	return check_done();
}
