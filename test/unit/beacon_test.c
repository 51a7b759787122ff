/* What the host hears of a boot, when it listens late, hangs up, or never acknowledges. */
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "guest/beacon.h"

#define BOOT "01234567-89ab-cdef-0123-456789abcdef"

static char path[64];

static int connect_to_test(void)
{
	return unix_connect(path, 1);
}

/* The guest's side, driven by hand, and the host's. */
struct world {
	struct loop loop;
	struct beacon beacon;
	int listener, host; /* -1 while closed */
	struct inbox in;
	uint8_t mem[BEACON_FRAME_MAX];
	int told;
};

static void told(struct beacon *b)
{
	CONTAINER(b, struct world, beacon)->told++;
}

static void open_world(struct world *w)
{
	*w = (struct world){ .loop = LOOP_INIT, .listener = -1, .host = -1 };
	CHECK(loop_open(&w->loop) == 0);
	beacon_init(&w->beacon, &w->loop, connect_to_test);
}

static void close_world(struct world *w)
{
	end_close(&w->beacon.end);
	loop_close(&w->loop);
	fd_close(&w->listener);
	fd_close(&w->host);
	unlink(path);
}

static void turn(struct world *w)
{
	loop_wait(&w->loop);
	loop_dispatch(&w->loop);
}

static void tick_due(struct timer *t)
{
	(void)t; /* it only bounds the wait of a turn */
}

/* Turns the guest's loop until the host has a connection. */
static void accept_guest(struct world *w)
{
	struct timer tick = { .due = tick_due };
	struct err e = ERR_NONE;

	if (w->listener < 0)
		w->listener = unix_listen(path, 8, &e);
	for (int i = 0; i < 500 && w->host < 0; i++) {
		loop_after(&w->loop, &tick, 5);
		turn(w);
		w->host = accept(w->listener, NULL, NULL);
	}
	loop_cancel(&w->loop, &tick);
	CHECK(w->host >= 0 && fd_nonblock(w->host) == 0);
	inbox_init(&w->in, w->mem, sizeof(w->mem));
}

/* The next frame the host hears, turning the guest's loop; 0 when none comes. */
static int hear(struct world *w, struct frame *f)
{
	struct timer tick = { .due = tick_due };
	int rc = 0;

	for (int i = 0; i < 200 && rc == 0; i++) {
		rc = frame_next(&w->in, f);
		if (rc != 0 || inbox_fill(&w->in, w->host) > 0)
			continue;
		loop_after(&w->loop, &tick, 5);
		turn(w);
	}
	loop_cancel(&w->loop, &tick);
	return rc;
}

static void expect_hello(struct world *w)
{
	struct beacon_hello h;
	struct frame f;

	CHECK(hear(w, &f) == 1 && f.type == FRAME_HELLO);
	CHECK(beacon_hello_decode(&h, f.data, f.len) == 0 && !strcmp(h.boot, BOOT));
}

static void expect_stage(struct world *w, const char *name, uint8_t state)
{
	struct beacon_stage s;
	struct frame f;

	CHECK(hear(w, &f) == 1 && f.type == FRAME_STAGE);
	CHECK(beacon_stage_decode(&s, f.data, f.len) == 0 && !strcmp(s.name, name) &&
	      s.state == state);
}

static void expect(struct world *w, uint8_t type)
{
	struct frame f = { 0 };

	CHECK(hear(w, &f) == 1 && f.type == type);
}

static void a_late_host_hears_less(void)
{
	struct world w;

	open_world(&w);
	beacon_stage(&w.beacon, "mounts", STAGE_BEGIN, "");
	beacon_stage(&w.beacon, "mounts", STAGE_DONE, "");
	beacon_stage(&w.beacon, "network", STAGE_FAILED, "no card");
	beacon_ready(&w.beacon);
	beacon_light(&w.beacon, BOOT); /* nobody listens yet */
	accept_guest(&w);
	expect_hello(&w);
	expect_stage(&w, "mounts", STAGE_DONE);
	expect_stage(&w, "network", STAGE_FAILED);
	expect(&w, FRAME_READY);
	beacon_stage(&w.beacon, "late", STAGE_BEGIN, "");
	expect_stage(&w, "late", STAGE_BEGIN);
	close_world(&w);
}

static void a_host_that_comes_back_hears_nothing(void)
{
	struct world w;

	open_world(&w);
	beacon_light(&w.beacon, BOOT);
	beacon_stage(&w.beacon, "mounts", STAGE_DONE, "");
	accept_guest(&w);
	expect_hello(&w);
	expect_stage(&w, "mounts", STAGE_DONE);
	fd_close(&w.host);
	beacon_ready(&w.beacon);
	accept_guest(&w);
	expect_hello(&w);
	expect_stage(&w, "mounts", STAGE_DONE);
	expect(&w, FRAME_READY);
	close_world(&w);
}

static void an_exit_is_told_before_it_is_kept(void)
{
	const struct exec_status seven = { .end = EXEC_EXITED, .value = 7 };
	struct timer tick = { .due = tick_due };
	struct exec_status s;
	struct frame f = { 0 };
	struct world w;

	open_world(&w);
	beacon_light(&w.beacon, BOOT);
	accept_guest(&w);
	expect_hello(&w);
	beacon_main_exit(&w.beacon, &seven, 5000, told);
	CHECK(hear(&w, &f) == 1 && f.type == FRAME_MAIN_EXIT);
	CHECK(exec_status_decode(&s, f.data, f.len) == 0 && s.value == 7 && w.told == 0);
	fd_close(&w.host); /* gone without a word: it is told again */
	accept_guest(&w);
	expect_hello(&w);
	expect(&w, FRAME_MAIN_EXIT);
	CHECK(w.told == 0);
	CHECK(frame_send(w.host, FRAME_ACK, NULL, 0) == 0);
	for (int i = 0; i < 200 && !w.told; i++) {
		loop_after(&w.loop, &tick, 5);
		turn(&w);
	}
	CHECK(w.told == 1);
	close_world(&w);
}

/* The host's agent was killed: the next command starts another, whenever that is. */
static void an_exit_is_given_up_while_the_host_is_away(void)
{
	const struct exec_status seven = { .end = EXEC_EXITED, .value = 7 };
	struct timer tick = { .due = tick_due };
	struct world w;

	open_world(&w);
	beacon_light(&w.beacon, BOOT);
	accept_guest(&w);
	expect_hello(&w);
	fd_close(&w.host);
	fd_close(&w.listener);
	unlink(path);
	beacon_main_exit(&w.beacon, &seven, 20, told);
	for (int i = 0; i < 30; i++) { /* several times what a host that is there gets */
		loop_after(&w.loop, &tick, 5);
		turn(&w);
	}
	CHECK(w.told == 0);
	accept_guest(&w);
	expect_hello(&w);
	expect(&w, FRAME_MAIN_EXIT);
	for (int i = 0; i < 200 && !w.told; i++) {
		loop_after(&w.loop, &tick, 5);
		turn(&w);
	}
	CHECK(w.told == 1); /* it is back, and says nothing */
	close_world(&w);
}

static void a_silent_host_holds_the_guest(void)
{
	const struct exec_status lost = { .end = EXEC_LOST };
	int64_t began = clock_ms();
	struct world w;

	open_world(&w);
	beacon_light(&w.beacon, BOOT);
	beacon_main_exit(&w.beacon, &lost, 50, told); /* there is not even a connection */
	while (!w.told && clock_ms() - began < 5000)
		turn(&w);
	CHECK(w.told == 1 && clock_ms() - began >= 50);
	close_world(&w);
}

static void nonsense_of_the_host_ends_the_beacon(void)
{
	struct world w;

	open_world(&w);
	beacon_light(&w.beacon, BOOT);
	accept_guest(&w);
	expect_hello(&w);
	CHECK(write(w.host, "\xff\xff\xff\xff\xff\xff\xff", 7) == 7);
	fd_nonblock(w.host);
	for (int i = 0; i < 20; i++) {
		struct timer tick = { .due = tick_due };

		loop_after(&w.loop, &tick, 5);
		turn(&w);
		loop_cancel(&w.loop, &tick);
	}
	fd_close(&w.host);
	accept_guest(&w);
	expect_hello(&w);
	close_world(&w);
}

/* It does not believe what we say, and hangs up. */
static void a_host_that_hangs_up_is_called_all_the_time(void)
{
	int64_t until = clock_ms() + 500;
	struct world w;
	int calls = 0;

	open_world(&w);
	beacon_light(&w.beacon, BOOT);
	for (; clock_ms() < until; calls++) {
		accept_guest(&w);
		expect_hello(&w);
		fd_close(&w.host);
	}
	if (calls > 12)
		printf("# %d calls in 500 ms\n", calls);
	CHECK(calls > 2 && calls <= 12);
	close_world(&w);
}

int main(void)
{
	snprintf(path, sizeof(path), "/tmp/beacon_test.%d.sock", (int)getpid());
	TEST(a_late_host_hears_less);
	TEST(a_host_that_comes_back_hears_nothing);
	TEST(an_exit_is_told_before_it_is_kept);
	TEST(an_exit_is_given_up_while_the_host_is_away);
	TEST(a_silent_host_holds_the_guest);
	TEST(nonsense_of_the_host_ends_the_beacon);
	TEST(a_host_that_hangs_up_is_called_all_the_time);
	return check_done();
}
