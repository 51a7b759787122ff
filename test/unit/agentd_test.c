/* The agent's port: heartbeats, and peers that talk nonsense. (Its poweroff needs a VM.) */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "guest/agentd.h"

static char path[64];

static void serve(int fd)
{
	static struct agentd d;
	struct loop loop = LOOP_INIT;
	struct poweroff p;
	struct reap r;

	loop_open(&loop);
	reap_init(&r);
	poweroff_init(&p, &loop, &r);
	if (agentd_open(&d, &loop, &r, fd, &p) < 0)
		_exit(1);
	_exit(loop_run(&loop));
}

static int call(void)
{
	struct timeval limit = { 5, 0 };
	int fd = unix_connect(path, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static int answers(int fd)
{
	uint8_t mem[64];
	struct inbox in;
	struct frame f;

	inbox_init(&in, mem, sizeof(mem));
	return frame_send(fd, FRAME_HEARTBEAT, "nonce", 5) == 0 && frame_recv(&in, fd, &f) == 0 &&
	       f.type == FRAME_HEARTBEAT && f.len == 5 && !memcmp(f.data, "nonce", 5);
}

static void a_heartbeat_is_not_echoed(void)
{
	int fd = call();

	CHECK(answers(fd));
	CHECK(answers(fd));
	close(fd);
}

static void nonsense_is_served(void)
{
	static const struct {
		const char *why;
		uint8_t bytes[10];
		size_t len;
	} cases[] = {
		{ "an unknown type", { 0x7f, 0, 0, 0, 0 }, 5 },
		{ "another port's frame", { FRAME_EXEC, 0, 0, 0, 0 }, 5 },
		{ "4 GiB", { FRAME_HEARTBEAT, 0xff, 0xff, 0xff, 0xff }, 5 },
		{ "beyond this port's frames", { FRAME_HEARTBEAT, 0, 1, 0, 0 }, 5 },
		{ "a poweroff without its time", { FRAME_POWEROFF, 0, 0, 0, 0 }, 5 },
		{ "a poweroff with too much", { FRAME_POWEROFF, 0, 0, 0, 5, 0, 0, 0, 0, 0 }, 10 },
		{ "a poweroff next year", { FRAME_POWEROFF, 0, 0, 0, 4, 0xff, 0, 0, 0 }, 9 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int fd = call();
		uint8_t byte;

		CHECK(fd_write_all(fd, cases[i].bytes, cases[i].len) == 0);
		if (fd_read(fd, &byte, 1) != 0)
			printf("# %s\n", cases[i].why);
		CHECK(fd_read(fd, &byte, 1) == 0);
		close(fd);
	}
}

static void peers_beyond_the_places_are_lost(void)
{
	int fds[AGENTD_CONNS + 5];

	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = call();
	for (size_t i = 0; i < AGENTD_CONNS; i++)
		CHECK(answers(fds[i]));
	for (size_t i = 0; i < 5; i++)
		close(fds[i]);
	for (size_t i = AGENTD_CONNS; i < COUNT(fds); i++)
		CHECK(answers(fds[i]));
	for (size_t i = 5; i < COUNT(fds); i++)
		close(fds[i]);
}

int main(void)
{
	struct err e = ERR_NONE;
	pid_t server;
	int fd;

	snprintf(path, sizeof(path), "/tmp/agentd_test.%d.sock", (int)getpid());
	fd = unix_listen(path, 64, &e);
	server = fork();
	if (server == 0)
		serve(fd);
	close(fd);
	TEST(a_heartbeat_is_not_echoed);
	TEST(nonsense_is_served);
	TEST(peers_beyond_the_places_are_lost);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(path);
	return check_done();
}
