/*
 * Frames out of a stream that anybody may have written. Input: 1 byte, how much comes at a time, 1 byte,
 * how much room there is; then the stream. What is taken for a frame must be one that stands there, in its
 * place; after a length that is none nothing comes any more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "virtio/framestream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct framestream s;

/* Compares a frame with what the stream has at *at, and goes past it. */
static void expect(const uint8_t *data, size_t size, size_t *at, const uint8_t *got, size_t room,
		   ssize_t len)
{
	size_t frame = (size_t)len - NET_HEADER;
	uint32_t said;

	if (len < NET_HEADER + NET_FRAME_MIN || size - *at < 4 + frame)
		abort();
	said = (uint32_t)data[*at] << 24 | data[*at + 1] << 16 | data[*at + 2] << 8 | data[*at + 3];
	if (said != frame)
		abort();
	if (room > NET_HEADER && memcmp(got + NET_HEADER, data + *at + 4, MIN(frame, room - NET_HEADER)))
		abort();
	*at += 4 + frame;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t got[16 * 255];
	size_t step, room, sent = 2, at = 2;
	int pair[2], is_over = 0;

	if (size < 3 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	step = data[0] + 1u;
	room = data[1] * 16u;
	memset(&s, 0, sizeof(s));
	while (sent < size) {
		struct iovec iov[2] = { { got, room / 3 }, { got + room / 3, room - room / 3 } };
		ssize_t n = send(pair[1], data + sent, MIN(step, size - sent), MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : size;
		while ((n = framestream_receive(&s, pair[0], iov, 2)) > 0) {
			if (is_over)
				abort();
			expect(data, size, &at, got, room, n);
		}
		is_over |= n == -EPROTO;
		if (is_over && n != -EPROTO)
			abort();
	}
	close(pair[0]);
	close(pair[1]);
	return 0;
}
