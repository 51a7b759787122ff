/* Keeping a guest's clock: a guest that is ahead, slow, silent, or talks nonsense. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "host/clocksync.h"

/* How the guest is, and what it was told. */
static struct guest {
	int64_t ahead_ns;
	unsigned slow_ms; /* every answer but the third takes that much longer */
	int is_silent, talks_nonsense;
	unsigned asked, sets;
	struct clock_set set; /* the latest */
} * guest;

static char dir[] = "/tmp/clocksync_test.XXXXXX", path[64];
static int dir_fd;

/* --- the guest --- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void answer(int fd, const struct frame *f)
{
	struct clock_sample s;
	struct clock_done d = { CLOCK_STEPPED, CLOCK_BY_EXCHANGE, 0, 0, 0 };
	uint8_t mem[CLOCK_DONE_BYTES];

	if (guest->talks_nonsense) {
		frame_send(fd, FRAME_CLOCK, "nonsense", 8);
	} else if (f->type == FRAME_CLOCK && clock_sample_decode(&s, f->data, f->len) == 0) {
		s.guest_ns = now_ns() + (uint64_t)guest->ahead_ns;
		clock_sample_encode(&s, mem);
		if (guest->asked++ != 2)
			usleep(guest->slow_ms *
			       1000); /* on the way back: it looks as if it was late */
		frame_send(fd, FRAME_CLOCK, mem, CLOCK_SAMPLE_BYTES);
	} else if (f->type == FRAME_CLOCK_SET &&
		   clock_set_decode(&guest->set, f->data, f->len) == 0) {
		d.ahead_ns = guest->set.ahead_ns;
		clock_done_encode(&d, mem);
		guest->asked = 0;
		guest->sets++;
		frame_send(fd, FRAME_CLOCK_SET, mem, sizeof(mem));
	}
}

static void serve(int listen_fd)
{
	for (;;) {
		int fd = accept(listen_fd, NULL, NULL);
		uint8_t mem[128];
		char line[13];
		struct inbox in;
		struct frame f;

		if (fd < 0)
			continue;
		inbox_init(&in, mem, sizeof(mem));
		if (fd_read_all(fd, line, sizeof(line)) == 0 &&
		    !memcmp(line, "CONNECT 4088\n", 13) && fd_write_all(fd, "OK 1\n", 5) == 0)
			while (frame_recv(&in, fd, &f) == 0)
				if (!guest->is_silent)
					answer(fd, &f);
		close(fd);
	}
}

/* --- the host --- */

static struct loop loop;
static struct clocksync k;
static struct timer limit;
static struct clock_done told;

static void limit_due(struct timer *t)
{
	(void)t;
	loop_stop(&loop, -1);
}

static void done(struct clocksync *c, const struct clock_done *d)
{
	(void)c;
	told = *d;
	loop_stop(&loop, 1);
}

/* 1 when a comparison was done within ms. */
static int runs(unsigned ms)
{
	int rc;

	limit.due = limit_due;
	loop_after(&loop, &limit, ms);
	rc = loop_run(&loop);
	loop_cancel(&loop, &limit);
	return rc == 1;
}

static int64_t off_by(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

static void a_guest_is_told_a_wrong_difference(void)
{
	guest->ahead_ns = -3600 * INT64_C(1000000000);
	clocksync_start(&k, &loop, dir_fd, done);
	CHECK(runs(5000));
	CHECK(off_by(told.ahead_ns, guest->ahead_ns) <= (int64_t)guest->set.bound_ns);
	CHECK(guest->set.step_ms == 10); /* nobody knows the time at boot: no need to slew */
	clocksync_stop(&k);
}

static void a_slow_exchange_counts(void)
{
	guest->ahead_ns = 2000000000;
	guest->slow_ms = 40;
	clocksync_start(&k, &loop, dir_fd, done);
	CHECK(runs(5000));
	CHECK(guest->set.bound_ns < 20000000);
	CHECK(off_by(told.ahead_ns, guest->ahead_ns) < 20000000);
	clocksync_stop(&k);
	guest->slow_ms = 0;
}

static void a_jump_is_not_noticed(void)
{
	unsigned sets;

	clocksync_start(&k, &loop, dir_fd, done);
	CHECK(runs(5000));
	CHECK(!runs(200)); /* nothing happens for a minute */
	sets = guest->sets;
	clocksync_jumped(&k);
	clocksync_jumped(&k);
	CHECK(runs(1000));
	CHECK(guest->sets == sets + 1 && guest->set.step_ms == 10);
	clocksync_stop(&k);
	clocksync_jumped(&k);
	CHECK(!runs(200));
}

static void a_silent_guest_is_waited_for(void)
{
	guest->is_silent = 1;
	clocksync_start(&k, &loop, dir_fd, done);
	CHECK(!runs(1500));
	CHECK(!k.runs && k.call.conn.fd < 0);
	guest->is_silent = 0;
	clocksync_jumped(&k);
	CHECK(runs(2000));
	clocksync_stop(&k);
}

static void nonsense_is_believed(void)
{
	unsigned sets = guest->sets;

	guest->talks_nonsense = 1;
	clocksync_start(&k, &loop, dir_fd, done);
	CHECK(!runs(500));
	CHECK(!k.runs && guest->sets == sets);
	clocksync_stop(&k);
	guest->talks_nonsense = 0;
}

static void a_guest_that_is_gone_is_missed(void)
{
	unlink(path);
	clocksync_start(&k, &loop, dir_fd, done);
	CHECK(!runs(200));
	CHECK(!k.runs);
	clocksync_stop(&k);
}

int main(void)
{
	struct err e = ERR_NONE;
	pid_t server;
	int fd;

	guest = mmap(NULL, sizeof(*guest), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/vsock.sock", dir);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = unix_listen(path, 8, &e);
	fcntl(fd, F_SETFL, 0);
	server = fork();
	if (server == 0)
		serve(fd);
	close(fd);
	loop = LOOP_INIT;
	loop_open(&loop);
	TEST(a_guest_is_told_a_wrong_difference);
	TEST(a_slow_exchange_counts);
	TEST(a_jump_is_not_noticed);
	TEST(a_silent_guest_is_waited_for);
	TEST(nonsense_is_believed);
	TEST(a_guest_that_is_gone_is_missed);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	rmdir(dir);
	return check_done();
}
