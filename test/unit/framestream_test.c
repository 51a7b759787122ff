/* Frames over a stream socket whose other end is ours. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "virtio/framestream.h"

static struct framestream s;
static int ours = -1, theirs = -1;
static uint8_t got[NET_HEADER + NET_FRAME_MAX + 1];

static void begin(void)
{
	int pair[2];

	fd_close(&ours);
	fd_close(&theirs);
	memset(&s, 0, sizeof(s));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	ours = pair[0];
	theirs = pair[1];
	fd_nonblock(ours);
}

static uint8_t letter(unsigned frame, size_t at)
{
	return (uint8_t)((frame * 0x9e3779b9u + (uint32_t)at * 0x85ebca6bu) >> 24);
}

static size_t make(uint8_t *out, unsigned frame, size_t len)
{
	out[0] = 0;
	out[1] = (uint8_t)(len >> 16);
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		out[4 + i] = letter(frame, i);
	return 4 + len;
}

static ssize_t receive(void)
{
	struct iovec iov[3] = { { got, 7 }, { got + 7, 0 }, { got + 7, sizeof(got) - 7 } };

	memset(got, 0xff, 100);
	return framestream_receive(&s, ours, iov, 3);
}

static int is_frame(unsigned frame, size_t len)
{
	static const uint8_t header[NET_HEADER];

	if (memcmp(got, header, sizeof(header)) != 0)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (got[NET_HEADER + i] != letter(frame, i))
			return 0;
	return 1;
}

static void a_frame_in_pieces_is_lost(void)
{
	uint8_t bytes[3000];
	size_t len = make(bytes, 1, 60);

	len += make(bytes + len, 2, 1514);
	begin();
	for (size_t i = 0, frames = 0; i < len; i++) {
		ssize_t rc;

		(void)!write(theirs, bytes + i, 1);
		rc = receive();
		if (i != 63 && i != len - 1) {
			CHECK(rc == -EAGAIN);
			continue;
		}
		frames++;
		CHECK(rc == (frames == 1 ? 72 : 1526) && is_frame((unsigned)frames, (size_t)rc - 12));
	}
}

static void frames_that_came_together_are_mixed_up(void)
{
	static uint8_t bytes[FRAMESTREAM_WHOLE];

	begin();
	for (unsigned round = 0; round < 400; round++) {
		size_t lens[] = { 14, 60 + round, 1514, round * 160 + 14 };

		for (unsigned i = 0; i < COUNT(lens); i++)
			fd_write_all(theirs, bytes, make(bytes, round * 4 + i, lens[i]));
		for (unsigned i = 0; i < COUNT(lens); i++) {
			ssize_t rc = receive();

			if (rc != (ssize_t)lens[i] + 12 || !is_frame(round * 4 + i, lens[i])) {
				CHECK(!"another frame, or none");
				return;
			}
		}
		CHECK(receive() == -EAGAIN);
	}
}

static void what_does_not_fit_spoils_the_next(void)
{
	uint8_t bytes[400], room[50];
	struct iovec iov = { room, sizeof(room) };

	begin();
	fd_write_all(theirs, bytes, make(bytes, 1, 100));
	fd_write_all(theirs, bytes, make(bytes, 2, 60));
	CHECK(framestream_receive(&s, ours, &iov, 1) == 112); /* says how long it was */
	CHECK(receive() == 72 && is_frame(2, 60));
}

static void a_length_that_is_none_is_waited_for(void)
{
	static const uint8_t bad[][4] = {
		{ 0, 0, 0, 0 }, { 0, 0, 0, 13 }, { 0, 1, 0, 15 }, { 255, 255, 255, 255 }, { 0x80, 0, 0, 60 },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		begin();
		(void)!write(theirs, bad[i], 4);
		CHECK(receive() == -EPROTO);
		CHECK(receive() == -EPROTO);
	}
}

static void the_end_is_not_seen(void)
{
	uint8_t bytes[100];
	struct iovec iov[2] = { { NULL, 0 }, { bytes, 60 } };

	begin();
	fd_write_all(theirs, bytes, make(bytes, 1, 60));
	fd_close(&theirs);
	CHECK(receive() == 72);
	CHECK(receive() == -EPIPE);
	CHECK(framestream_send(&s, ours, iov, 2, 72) == -EPIPE);
}

/* Sends until the socket is full, and reads all at the other end. */
static void a_full_socket_cuts_a_frame(void)
{
	static uint8_t data[NET_FRAME_MAX], back[FRAMESTREAM_WHOLE], want[FRAMESTREAM_WHOLE];
	unsigned sent = 0, taken = 0;
	int full = 0;

	begin();
	for (unsigned turn = 0; turn < 3000; turn++) {
		size_t len = 14 + sent * 977 % (NET_FRAME_MAX - 13);
		struct iovec iov[3] = { { NULL, 12 }, { data, 5 }, { data + 5, len - 5 } };
		int rc = framestream_flush(&s, ours);

		for (size_t i = 0; i < len; i++)
			data[i] = letter(sent, i);
		if (rc == 0)
			rc = framestream_send(&s, ours, iov, 3, 12 + len);
		CHECK(rc == 0 || rc == -EAGAIN);
		sent += rc == 0;
		full += rc == -EAGAIN || s.out_at < s.out_end;
		/* A frame is read when the socket is full, and now and then. */
		while ((rc == -EAGAIN || s.out_at < s.out_end) && taken < sent) {
			size_t n = make(want, taken, 14 + taken * 977 % (NET_FRAME_MAX - 13));
			size_t at = 0;

			while (at < n) {
				ssize_t part = recv(theirs, back + at, MIN(n - at, (size_t)5000),
						    MSG_DONTWAIT);

				at += part > 0 ? (size_t)part : 0;
				if (framestream_flush(&s, ours) == -EPIPE) /* in pieces */
					abort();
			}
			if (memcmp(back, want, n) != 0) {
				CHECK(!"another frame");
				return;
			}
			taken++;
		}
	}
	CHECK(full > 50 && taken > 500);
}

int main(void)
{
	TEST(a_frame_in_pieces_is_lost);
	TEST(frames_that_came_together_are_mixed_up);
	TEST(what_does_not_fit_spoils_the_next);
	TEST(a_length_that_is_none_is_waited_for);
	TEST(the_end_is_not_seen);
	TEST(a_full_socket_cuts_a_frame);
	return check_done();
}
