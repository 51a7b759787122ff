/* A guest that is not what it says, on the socket of the beacon. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "host/lookout.h"
#include "turn.h"

static const char boot[] = "01234567-89ab-cdef-0123-456789abcdef";
static const char other[] = "01234567-89ab-cdef-0123-456789abcdee";
static char folder[] = "/tmp/lookout_test.XXXXXX";
static char path[64];

static struct loop loop;
static struct lookout lookout;
static struct {
	int hello, ready, lost, stages, exits;
	char stage[STAGE_NAME_MAX], detail[STAGE_DETAIL_MAX];
} heard;

static int cannot_keep; /* what the guest says of its main process */

static int said(struct lookout *o, const struct lookout_news *news)
{
	(void)o;
	if (news->type == FRAME_MAIN_EXIT && cannot_keep)
		return -ENOSPC;
	heard.hello += news->type == FRAME_HELLO;
	heard.ready += news->type == FRAME_READY;
	heard.exits += news->type == FRAME_MAIN_EXIT;
	heard.lost += news->type == 0;
	if (news->type != FRAME_STAGE)
		return 0;
	heard.stages++;
	snprintf(heard.stage, sizeof(heard.stage), "%s", news->stage.name);
	snprintf(heard.detail, sizeof(heard.detail), "%s", news->stage.detail);
	return 0;
}

static void world_open(void)
{
	struct err e = ERR_NONE;
	int fd;

	loop = LOOP_INIT;
	memset(&heard, 0, sizeof(heard));
	unlink(path);
	fd = unix_listen(path, 16, &e);
	CHECK(fd >= 0 && loop_open(&loop) == 0);
	CHECK(lookout_start(&lookout, &loop, fd, boot, said) == 0);
}

static void world_close(void)
{
	lookout_stop(&lookout);
	loop_close(&loop);
}

static int dial(const char *id, uint16_t protocol)
{
	struct beacon_hello h = { protocol, id, "test" };
	uint8_t text[256];
	long n = beacon_hello_encode(&h, text, sizeof(text));
	int fd = unix_connect(path, 0);

	CHECK(fd >= 0 && frame_send(fd, FRAME_HELLO, text, (size_t)n) == 0);
	turn(&loop);
	return fd;
}

static void say_stage(int fd, const char *name, const char *detail)
{
	struct beacon_stage s = { name, STAGE_DONE, 1, detail };
	uint8_t text[BEACON_FRAME_MAX];
	long n = beacon_stage_encode(&s, text, sizeof(text));

	CHECK(frame_send(fd, FRAME_STAGE, text, (size_t)n) == 0);
}

static int is_closed(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

static void somebody_else_is_the_beacon(void)
{
	int fd;

	world_open();
	fd = dial(other, PROTOCOL_VERSION);
	CHECK(is_closed(fd) && heard.hello == 0);
	close(fd);
	fd = dial(boot, PROTOCOL_VERSION + 1);
	CHECK(is_closed(fd) && heard.hello == 0);
	close(fd);
	fd = unix_connect(path, 0);
	CHECK(frame_send(fd, FRAME_READY, NULL, 0) == 0);
	turn(&loop);
	CHECK(is_closed(fd) && heard.ready == 0);
	close(fd);
	CHECK(heard.lost == 0); /* none of them ever was the beacon */
	world_close();
}

static void a_second_beacon_replaces_the_first(void)
{
	int first, second;

	world_open();
	first = dial(boot, PROTOCOL_VERSION);
	second = dial(boot, PROTOCOL_VERSION);
	CHECK(heard.hello == 1 && !is_closed(first) && is_closed(second));
	CHECK(frame_send(first, FRAME_READY, NULL, 0) == 0);
	turn(&loop);
	CHECK(heard.ready == 1 && heard.lost == 0);
	close(first);
	turn(&loop);
	CHECK(heard.lost == 1);
	close(second);
	world_close();
}

/* Its connection broke, or its agent here died and another listens. */
static void a_guest_that_comes_back_is_not_heard(void)
{
	int fd;

	world_open();
	fd = dial(boot, PROTOCOL_VERSION);
	close(fd);
	turn(&loop);
	CHECK(heard.hello == 1 && heard.lost == 1);
	fd = dial(boot, PROTOCOL_VERSION);
	CHECK(heard.hello == 2 && !is_closed(fd));
	CHECK(frame_send(fd, FRAME_READY, NULL, 0) == 0);
	turn(&loop);
	CHECK(heard.ready == 1);
	close(fd);
	world_close();
}

static void a_guest_that_comes_and_goes_fills_the_log(void)
{
	world_open();
	for (int i = 0; i < LOOKOUT_HELLOS_MAX + 5; i++) {
		close(dial(boot, PROTOCOL_VERSION));
		turn(&loop);
	}
	CHECK(heard.hello == LOOKOUT_HELLOS_MAX && heard.lost == LOOKOUT_HELLOS_MAX);
	world_close();
}

static void an_exit_is_acknowledged_before_it_is_kept(void)
{
	const struct exec_status seven = { .end = EXEC_EXITED, .value = 7 };
	uint8_t text[EXEC_STATUS_BYTES], head[FRAME_HEADER];
	int fd;

	world_open();
	exec_status_encode(&seven, text);
	fd = dial(boot, PROTOCOL_VERSION);
	cannot_keep = 1;
	CHECK(frame_send(fd, FRAME_MAIN_EXIT, text, sizeof(text)) == 0);
	turn(&loop);
	CHECK(recv(fd, head, sizeof(head), MSG_DONTWAIT) < 0 && errno == EAGAIN);
	cannot_keep = 0;
	CHECK(frame_send(fd, FRAME_MAIN_EXIT, text, sizeof(text)) == 0);
	turn(&loop);
	CHECK(recv(fd, head, sizeof(head), MSG_DONTWAIT) == FRAME_HEADER && head[0] == FRAME_ACK);
	CHECK(heard.exits == 1);
	close(fd);
	world_close();
}

static void a_guest_fills_the_log(void)
{
	int fd;

	world_open();
	fd = dial(boot, PROTOCOL_VERSION);
	for (int i = 0; i < 3 * LOOKOUT_STAGES_MAX; i++) {
		say_stage(fd, "again", "");
		if (i % 50 == 0)
			turn(&loop);
	}
	turn(&loop);
	CHECK(heard.stages == LOOKOUT_STAGES_MAX);
	CHECK(frame_send(fd, FRAME_READY, NULL, 0) == 0);
	turn(&loop);
	CHECK(heard.ready == 1); /* what matters is still heard */
	close(fd);
	world_close();
}

static void a_stage_carries_control_bytes(void)
{
	int fd;

	world_open();
	fd = dial(boot, PROTOCOL_VERSION);
	say_stage(fd, "a\x1b[2J", "b\n\xff");
	turn(&loop);
	CHECK(!strcmp(heard.stage, "a?[2J") && !strcmp(heard.detail, "b??"));
	close(fd);
	world_close();
}

static void an_absurd_frame_is_waited_for(void)
{
	static const uint8_t heads[][FRAME_HEADER] = {
		{ FRAME_HELLO, 0xff, 0xff, 0xff, 0xff },
		{ FRAME_HELLO, 0, 0x10, 0, 0 },
		{ FRAME_STAGE, 0, 0, 8, 0 },
	};

	world_open();
	for (size_t i = 0; i < COUNT(heads); i++) {
		int fd = unix_connect(path, 0);

		CHECK(fd_write_all(fd, heads[i], FRAME_HEADER) == 0);
		turn(&loop);
		CHECK(is_closed(fd));
		close(fd);
	}
	world_close();
}

/* In all places; the beacon waits in the backlog behind them. */
static void silent_ones_keep_the_beacon_out(void)
{
	int silent[LOOKOUT_CONNS], fd;

	world_open();
	lookout.hello_ms = 500;
	for (int i = 0; i < LOOKOUT_CONNS; i++)
		silent[i] = unix_connect(path, 0);
	turn(&loop);
	fd = dial(boot, PROTOCOL_VERSION);
	CHECK(heard.hello == 0);
	for (int i = 0; i < 200 && !heard.hello; i++)
		turn(&loop);
	CHECK(heard.hello == 1);
	for (int i = 0; i < LOOKOUT_CONNS; i++) {
		CHECK(is_closed(silent[i]));
		close(silent[i]);
	}
	for (int i = 0; i < 5; i++)
		turn(&loop);
	CHECK(!is_closed(fd)); /* who said hello may be silent */
	CHECK(heard.lost == 0);
	close(fd);
	world_close();
}

static void a_status_is_not_acknowledged(void)
{
	static const struct exec_status status = { .end = EXEC_EXITED, .value = 7 };
	uint8_t text[EXEC_STATUS_BYTES], head[FRAME_HEADER];
	int fd;

	world_open();
	fd = dial(boot, PROTOCOL_VERSION);
	exec_status_encode(&status, text);
	CHECK(frame_send(fd, FRAME_MAIN_EXIT, text, sizeof(text)) == 0);
	turn(&loop);
	CHECK(heard.exits == 1);
	CHECK(recv(fd, head, sizeof(head), MSG_DONTWAIT) == FRAME_HEADER && head[0] == FRAME_ACK);
	close(fd);
	world_close();
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/s", folder);
	TEST(somebody_else_is_the_beacon);
	TEST(a_second_beacon_replaces_the_first);
	TEST(a_guest_that_comes_back_is_not_heard);
	TEST(a_guest_that_comes_and_goes_fills_the_log);
	TEST(an_exit_is_acknowledged_before_it_is_kept);
	TEST(a_guest_fills_the_log);
	TEST(a_stage_carries_control_bytes);
	TEST(an_absurd_frame_is_waited_for);
	TEST(silent_ones_keep_the_beacon_out);
	TEST(a_status_is_not_acknowledged);
	unlink(path);
	rmdir(folder);
	return check_done();
}
