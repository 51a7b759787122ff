/* Frames: cut anywhere, too long, and queued. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "check.h"
#include "proto/frame.h"

static void a_cut_frame_is_a_frame(void)
{
	static const uint8_t whole[] = { FRAME_STDOUT, 0,	   0, 0, 3, 'a', 'b',
					 'c',	       FRAME_EXIT, 0, 0, 0, 0 };
	uint8_t mem[64];

	for (size_t cut = 0; cut <= sizeof(whole); cut++) {
		struct inbox in;
		struct frame f;
		int frames = 0, p[2];

		CHECK(pipe2(p, O_CLOEXEC) == 0);
		CHECK(write(p[1], whole, cut) == (ssize_t)cut);
		close(p[1]);
		inbox_init(&in, mem, sizeof(mem));
		CHECK(inbox_fill(&in, p[0]) == (ssize_t)cut);
		while (frame_next(&in, &f) > 0)
			frames++;
		CHECK(frames == (cut >= sizeof(whole)) + (cut >= 8));
		CHECK(inbox_is_partial(&in) == (cut != 0 && cut != 8 && cut != sizeof(whole)));
		CHECK(inbox_fill(&in, p[0]) == 0);
		close(p[0]);
	}
}

static void a_long_frame_is_waited_for(void)
{
	static const struct {
		const char *why;
		uint8_t head[FRAME_HEADER];
	} cases[] = {
		{ "longer than this inbox", { FRAME_EXEC, 0, 0, 0, 60 } },
		{ "longer than anybody may", { FRAME_EXEC, 0, 0x10, 0, 1 } },
		{ "4 GiB", { FRAME_EXEC, 0xff, 0xff, 0xff, 0xff } },
	};
	uint8_t mem[64];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct inbox in;
		struct frame f;

		inbox_init(&in, mem, sizeof(mem));
		memcpy(mem, cases[i].head, FRAME_HEADER);
		in.end = FRAME_HEADER;
		if (frame_next(&in, &f) != -EMSGSIZE)
			printf("# %s\n", cases[i].why);
		CHECK(frame_next(&in, &f) == -EMSGSIZE);
	}
}

static void half_a_frame_is_queued(void)
{
	uint8_t mem[16];
	struct fifo f;

	fifo_init(&f, mem, sizeof(mem));
	CHECK(frame_put(&f, FRAME_STDIN, "12345678", 8) == 0 && f.len == 13);
	CHECK(frame_put(&f, FRAME_STDIN, "", 0) == -ENOBUFS && f.len == 13);
	fifo_drop(&f, 13);
	CHECK(frame_put(&f, FRAME_STDIN, mem, FRAME_MAX + 1) == -EMSGSIZE && f.len == 0);
}

/* Posts until the peer takes no more, then reads it all back: order and bytes must hold. */
static void a_posted_frame_is_torn(void)
{
	static uint8_t queue[256 * 1024], in_mem[FRAME_HEADER + 4096];
	uint8_t payload[1000];
	unsigned posted = 0, got = 0;
	struct inbox in;
	struct fifo out;
	struct frame f;
	int pair[2], rc;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	fifo_init(&out, queue, sizeof(queue));
	inbox_init(&in, in_mem, sizeof(in_mem));
	do {
		memset(payload, (int)(posted & 0xff), sizeof(payload));
		rc = frame_post(&out, pair[0], FRAME_STDOUT, payload, 1 + posted % sizeof(payload));
		posted += rc == 0;
	} while (rc == 0);
	CHECK(rc == -ENOBUFS && out.len > 0);
	while (got < posted) {
		CHECK(fifo_write(&out, pair[0]) >= 0 || out.len > 0);
		if (inbox_fill(&in, pair[1]) <= 0)
			break;
		while ((rc = frame_next(&in, &f)) > 0) {
			CHECK(f.len == 1 + got % sizeof(payload) && f.data[0] == (got & 0xff) &&
			      f.data[f.len - 1] == (got & 0xff));
			got++;
		}
	}
	CHECK(got == posted && rc == 0);
	close(pair[1]);
	fifo_drop(&out, out.len);
	CHECK(frame_post(&out, pair[0], FRAME_STDOUT, payload, 1) == -EPIPE);
	close(pair[0]);
}

int main(void)
{
	TEST(a_cut_frame_is_a_frame);
	TEST(a_long_frame_is_waited_for);
	TEST(half_a_frame_is_queued);
	TEST(a_posted_frame_is_torn);
	return check_done();
}
