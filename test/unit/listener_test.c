/* A server with more clients than places, and one without descriptors to take them. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/listener.h"
#include "check.h"
#include "heard.h"

static char path[64];
static struct loop loop;
static struct listener listener;
static int taken[16], ntaken;

static void accepted(struct listener *l, int fd)
{
	(void)l;
	taken[ntaken++] = fd;
}

static void world_open(unsigned places)
{
	struct err e = ERR_NONE;
	int fd;

	loop = LOOP_INIT;
	ntaken = 0;
	unlink(path);
	fd = unix_listen(path, 16, &e);
	CHECK(fd >= 0 && loop_open(&loop) == 0);
	CHECK(listener_open(&listener, &loop, fd, places, accepted) == 0);
}

static void world_close(void)
{
	while (ntaken > 0)
		close(taken[--ntaken]);
	listener_close(&listener);
	loop_close(&loop);
	unlink(path);
}

static void quiet(struct timer *t)
{
	(void)t;
	loop_stop(&loop, 0);
}

/* How often the loop woke up in that time. */
static int turns(unsigned ms)
{
	static struct timer t = { .due = quiet };
	int count = 0;

	loop_after(&loop, &t, ms);
	for (loop.running = 1; loop.running; count++) {
		loop_wait(&loop);
		loop_dispatch(&loop);
	}
	return count;
}

static void one_more_than_there_are_places_gets_in(void)
{
	int fds[3];

	world_open(2);
	for (int i = 0; i < 3; i++)
		fds[i] = unix_connect(path, 1);
	CHECK(turns(50) < 10 && ntaken == 2);
	close(taken[1]);
	ntaken = 1;
	listener_release(&listener);
	turns(50);
	CHECK(ntaken == 2);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	world_close();
}

/* The level-triggered readiness of a backlog that cannot be accepted is a busy loop. */
static void no_descriptors_make_the_loop_spin(void)
{
	struct rlimit before, none;
	int fd, next;

	world_open(8);
	fd = unix_connect(path, 1);
	next = open("/dev/null", O_RDONLY);
	close(next);
	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){ (rlim_t)next, before.rlim_max };
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK(turns(350) < 20);
	CHECK(ntaken == 0);
	CHECK(heard("cannot accept errno=24"));
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	turns(350);
	CHECK(ntaken == 1);
	close(fd);
	world_close();
}

static int nobody(int fd)
{
	(void)fd;
	return 0;
}

static void whoever_is_turned_away_keeps_a_place(void)
{
	struct pollfd p = { .events = POLLIN };

	world_open(1);
	listener.admits = nobody;
	p.fd = unix_connect(path, 1);
	turns(20);
	CHECK(poll(&p, 1, 1000) == 1 && (p.revents & POLLHUP));
	CHECK(ntaken == 0 && listener.taken == 0);
	close(p.fd);
	world_close();
}

int main(void)
{
	snprintf(path, sizeof(path), "/tmp/listener_test.%d.sock", (int)getpid());
	heard_begin();
	TEST(one_more_than_there_are_places_gets_in);
	TEST(no_descriptors_make_the_loop_spin);
	TEST(whoever_is_turned_away_keeps_a_place);
	return check_done();
}
