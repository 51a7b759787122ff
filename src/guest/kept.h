/*
 * kept - the latest bytes a command has said, by their offset from its start.
 *
 * A ring over memory of its owner. Bytes before `begin` are forgotten, byte `end` is the next to
 * come.
 */
#ifndef GUEST_KEPT_H
#define GUEST_KEPT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct kept {
	uint8_t *mem; /* borrowed; NULL: nothing is kept, begin == end */
	size_t cap;
	uint64_t begin, end;
};

/* Begins at offset `at`. */
void kept_init(struct kept *k, void *mem, size_t cap, uint64_t at);

/* How much fits without forgetting a byte at or behind `floor`, which is at most `end`. */
size_t kept_room(const struct kept *k, uint64_t floor);

/* One read(2) of at most `most` bytes into that room, forgetting the oldest before `floor`.
 * Bytes read, 0 at the end, -errno; -ENOBUFS without room. */
ssize_t kept_read(struct kept *k, int fd, uint64_t floor, size_t most);

/* The kept bytes from offset `from` on that lie in one piece: their number, at most `most`; 0
 * when there are none. `from` must lie in begin..end. */
size_t kept_span(const struct kept *k, uint64_t from, size_t most, const uint8_t **data);

#endif
