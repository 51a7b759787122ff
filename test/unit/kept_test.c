/* What is kept of a command's output: the latest bytes by their offset, never one too many. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "guest/kept.h"

enum { CAP = 64 };

static uint8_t mem[CAP];
static int from[2]; /* a pipe, non-blocking to read */

/* The byte at an offset of the stream. */
static uint8_t byte_at(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8));
}

/* Writes the stream's bytes at..at+len to the pipe and keeps them. */
static void keep(struct kept *k, size_t len, uint64_t floor)
{
	for (uint64_t at = k->end, end = at + len; at < end; at++) {
		uint8_t byte = byte_at(at);

		CHECK(write(from[1], &byte, 1) == 1);
	}
	while (len > 0) {
		ssize_t n = kept_read(k, from[0], floor == UINT64_MAX ? k->end : floor, len);

		CHECK(n > 0);
		if (n <= 0)
			return;
		len -= (size_t)n;
	}
}

/* Nonzero when everything from begin to end is there and right. */
static int is_whole(const struct kept *k)
{
	uint64_t at = k->begin;
	const uint8_t *data;
	size_t len;

	while ((len = kept_span(k, at, 7, &data)) > 0)
		for (size_t i = 0; i < len; i++)
			if (data[i] != byte_at(at++))
				return 0;
	return at == k->end;
}

static void a_byte_moves_or_is_kept_too_long(void)
{
	struct kept k;
	unsigned seed = 3;

	kept_init(&k, mem, CAP, 0);
	for (int i = 0; i < 1000; i++) {
		keep(&k, 1 + (size_t)rand_r(&seed) % 100, UINT64_MAX);
		CHECK(is_whole(&k) && k.end - k.begin <= CAP);
	}
	CHECK(k.end - k.begin == CAP && k.end > 10000);
}

static void what_must_not_be_forgotten_is(void)
{
	struct kept k;

	kept_init(&k, mem, CAP, 1000); /* an offset that is no multiple of the ring's */
	keep(&k, CAP, 1000);
	CHECK(kept_room(&k, 1000) == 0 && kept_read(&k, from[0], 1000, 1) == -ENOBUFS);
	CHECK(kept_room(&k, 1010) == 10 && k.begin == 1000);
	keep(&k, 10, 1010);
	CHECK(k.begin == 1010 && k.end == 1000 + CAP + 10 && is_whole(&k));
	CHECK(kept_room(&k, 1010) == 0 && kept_room(&k, k.end) == CAP);
	CHECK(kept_room(&k, 0) == 0); /* a floor that is forgotten already */
}

static void an_end_or_an_error_counts_as_bytes(void)
{
	struct kept k;

	kept_init(&k, mem, CAP, 5);
	CHECK(kept_read(&k, from[0], 5, 10) == -EAGAIN && k.end == 5);
	fd_close(&from[1]);
	CHECK(kept_read(&k, from[0], 5, 10) == 0 && k.end == 5 && k.begin == 5);
}

int main(void)
{
	CHECK(pipe2(from, O_CLOEXEC) == 0 && fd_nonblock(from[0]) == 0);
	TEST(a_byte_moves_or_is_kept_too_long);
	TEST(what_must_not_be_forgotten_is);
	TEST(an_end_or_an_error_counts_as_bytes);
	return check_done();
}
