/* What scripts are told without asking: the file, and the socket. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "host/signpost.h"
#include "turn.h"

static char folder[] = "/tmp/signpost_test.XXXXXX";
static char path[64];
static int dir;
static struct loop loop;
static struct signpost post;

static void world_open(void)
{
	struct err e = ERR_NONE;
	int fd;

	unlink(path);
	loop = LOOP_INIT;
	fd = unix_listen(path, 64, &e);
	CHECK(fd >= 0 && loop_open(&loop) == 0);
	post = SIGNPOST_NONE;
	CHECK(signpost_start(&post, &loop, fd, dir, "this-boot") == 0);
}

static void world_close(void)
{
	signpost_stop(&post);
	loop_close(&loop);
}

static int there_is_a_file(void)
{
	return faccessat(dir, "ready", F_OK, 0) == 0;
}

/* "ready\n", "" at the end, NULL when nothing has come. */
static const char *told(int fd)
{
	static char text[64];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return n < 0 ? NULL : text;
}

static int is_told(int fd, const char *what)
{
	const char *text = told(fd);

	return text && strcmp(text, what) == 0;
}

static void a_file_stays_behind(void)
{
	int fd = openat(dir, "ready", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd); /* of an agent that was killed */
	world_open();
	CHECK(!there_is_a_file());
	signpost_turn(&post, 1);
	CHECK(there_is_a_file());
	signpost_turn(&post, 0);
	CHECK(!there_is_a_file());
	signpost_turn(&post, 1);
	world_close();
	CHECK(!there_is_a_file());
}

static void who_waits_is_not_told(void)
{
	int early, late;

	world_open();
	early = unix_connect(path, 0);
	turn(&loop);
	CHECK(told(early) == NULL);
	signpost_turn(&post, 1);
	CHECK(is_told(early, "ready\n"));
	late = unix_connect(path, 0);
	turn(&loop);
	CHECK(is_told(late, "ready\n") && told(early) == NULL);
	signpost_turn(&post, 0);
	CHECK(is_told(early, "") && is_told(late, ""));
	close(early);
	close(late);
	world_close();
}

/* More than there is room for, and some that only look or talk. */
static void a_crowd_is_turned_away_for_good(void)
{
	int fd[2 * SIGNPOST_CONNS]; /* no more than the backlog takes */

	world_open();
	for (size_t i = 0; i < COUNT(fd); i++) {
		fd[i] = unix_connect(path, 0);
		CHECK(fd[i] >= 0 && fd_write(fd[i], "hello?\n", 7) == 7);
	}
	turn(&loop);
	for (size_t i = 0; i + 1 < COUNT(fd); i++)
		close(fd[i]);
	turn(&loop);
	signpost_turn(&post, 1);
	turn(&loop);
	CHECK(is_told(fd[COUNT(fd) - 1], "ready\n"));
	close(fd[COUNT(fd) - 1]);
	world_close();
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/ready.sock", folder);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	TEST(a_file_stays_behind);
	TEST(who_waits_is_not_told);
	TEST(a_crowd_is_turned_away_for_good);
	unlink(path);
	close(dir);
	rmdir(folder);
	return check_done();
}
