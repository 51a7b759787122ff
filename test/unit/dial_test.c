/* The door to a VM's ports, and what may stand behind it. */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "host/dial.h"

static char path[64];

/* Takes one connection and its first line, and says `answer` in pieces of `piece` bytes. */
static pid_t answering(const char *answer, size_t piece, int stays)
{
	struct err e = ERR_NONE;
	int listener = unix_listen(path, 4, &e);
	pid_t pid = fork();

	if (pid == 0) {
		struct timeval wait = { 0, 50000 };
		char line[64];
		int fd;

		signal(SIGPIPE, SIG_IGN);
		setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		while ((fd = accept(listener, NULL, NULL)) < 0)
			usleep(1000);
		(void)!read(fd, line, sizeof(line));
		for (size_t at = 0; at < strlen(answer); at += piece) {
			(void)fd_write_all(fd, answer + at, MIN(piece, strlen(answer) - at));
			usleep(piece < 4 ? 1000 : 0);
		}
		if (stays)
			pause();
		_exit(0);
	}
	close(listener);
	return pid;
}

static void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
}

static void a_byte_of_the_guest_is_eaten(void)
{
	for (size_t piece = 1; piece < 32; piece += 15) {
		pid_t pid = answering("OK 1234\nguest", piece, 1);
		struct err e = ERR_NONE;
		int fd = dial_vsock(path, 4089, clock_ms() + 5000, &e);
		char said[6] = "";

		CHECK(fd >= 0 && fd_read_all(fd, said, 5) == 0 && !strcmp(said, "guest"));
		fd_close(&fd);
		finish(pid);
	}
}

static void a_wrong_answer_is_a_connection(void)
{
	static const struct {
		const char *why, *answer;
		int stays, rc, exit;
	} cases[] = {
		{ "nobody listens in the guest", "", 0, -ECONNRESET, 0 },
		{ "cut", "OK 12", 0, -ECONNRESET, 0 },
		{ "silence", "", 1, -ETIMEDOUT, 124 },
		{ "half an answer, then silence", "OK 1", 1, -ETIMEDOUT, 124 },
		{ "another protocol", "SSH-2.0-x\n", 1, -EPROTO, 0 },
		{ "no number", "OK \n", 1, -EPROTO, 0 },
		{ "a number and more", "OK 1x\n", 1, -EPROTO, 0 },
		{ "no end", "OK 111111111111111111111111111111111111111111", 1, -EPROTO, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		pid_t pid = answering(cases[i].answer, 64, cases[i].stays);
		struct err e = ERR_NONE;
		int rc = dial_vsock(path, 4089,
				    clock_ms() + (cases[i].rc == -ETIMEDOUT ? 100 : 5000), &e);

		if (rc != cases[i].rc)
			printf("# %s: %d %s\n", cases[i].why, rc, e.text);
		CHECK(rc == cases[i].rc && e.exit == cases[i].exit && e.text[0]);
		finish(pid);
	}
}

static void a_stopped_vm_is_not_told_apart(void)
{
	struct err e = ERR_NONE;
	int fd;

	CHECK(dial_vsock(path, 4089, clock_ms() + 1000, &e) == -ENOENT);
	fd = unix_listen(path, 1, &e);
	close(fd);
	CHECK(dial_vsock(path, 4089, clock_ms() + 1000, &e) == -ECONNREFUSED);
	unlink(path);
}

static void a_full_backlog_waits_for_ever(void)
{
	struct err e = ERR_NONE;
	int listener = unix_listen(path, 0, &e), first = unix_connect(path, 1);
	int64_t began = clock_ms();

	CHECK(first >= 0);
	CHECK(dial_vsock(path, 4089, clock_ms() + 100, &e) == -ETIMEDOUT);
	CHECK(clock_ms() - began < 2000);
	close(first);
	close(listener);
	unlink(path);
}

int main(void)
{
	snprintf(path, sizeof(path), "/tmp/dial_test.%d.sock", (int)getpid());
	TEST(a_byte_of_the_guest_is_eaten);
	TEST(a_wrong_answer_is_a_connection);
	TEST(a_stopped_vm_is_not_told_apart);
	TEST(a_full_backlog_waits_for_ever);
	return check_done();
}
