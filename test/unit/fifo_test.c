/* The byte queue, around its wrap. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fifo.h"
#include "check.h"

static void bytes_change_their_order(void)
{
	uint8_t mem[7], next_in = 0, next_out = 0;
	struct fifo f;

	fifo_init(&f, mem, sizeof(mem));
	for (int turn = 0; turn < 1000; turn++) {
		uint8_t some[5] = { next_in, (uint8_t)(next_in + 1), (uint8_t)(next_in + 2),
				    (uint8_t)(next_in + 3), (uint8_t)(next_in + 4) };
		size_t room = fifo_room(&f), put = fifo_put(&f, some, (size_t)turn % 6);
		struct iovec span[2];
		size_t seen = 0;

		CHECK(put == (room < (size_t)turn % 6 ? room : (size_t)turn % 6));
		next_in = (uint8_t)(next_in + put);
		for (int i = 0, n = fifo_spans(&f, span); i < n; i++)
			for (size_t j = 0; j < span[i].iov_len; j++)
				CHECK(((uint8_t *)span[i].iov_base)[j] ==
				      (uint8_t)(next_out + seen++));
		CHECK(seen == f.len);
		seen = f.len * (size_t)(turn % 3) / 2;
		fifo_drop(&f, seen);
		next_out = (uint8_t)(next_out + seen);
	}
}

static void a_pipe_gets_other_bytes(void)
{
	uint8_t mem[8];
	char got[16] = "";
	struct fifo f;
	int p[2];

	CHECK(pipe2(p, O_NONBLOCK | O_CLOEXEC) == 0);
	fifo_init(&f, mem, sizeof(mem));
	CHECK(fifo_write(&f, p[1]) == 0);
	fifo_put(&f, "abcdef", 6);
	fifo_drop(&f, 5);
	fifo_put(&f, "ghijkl", 6); /* wraps */
	CHECK(fifo_write(&f, p[1]) == 7 && f.len == 0);
	CHECK(read(p[0], got, sizeof(got)) == 7 && !memcmp(got, "fghijkl", 7));
	CHECK(fifo_read(&f, p[0]) == -EAGAIN);
	CHECK(write(p[1], "0123456789", 10) == 10);
	CHECK(fifo_read(&f, p[0]) == 8 && fifo_room(&f) == 0);
	CHECK(fifo_read(&f, p[0]) == -ENOBUFS);
	fifo_drop(&f, 3);
	CHECK(fifo_read(&f, p[0]) == 2 && f.len == 7);
	close(p[1]);
	CHECK(fifo_read(&f, p[0]) == 0);
	close(p[0]);
}

int main(void)
{
	TEST(bytes_change_their_order);
	TEST(a_pipe_gets_other_bytes);
	return check_done();
}
