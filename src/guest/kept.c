/*
 * kept - the latest bytes a command has said, by their offset from its start.
 */
#include "guest/kept.h"

#include <errno.h>

#include "base/fd.h"
#include "base/util.h"

void kept_init(struct kept *k, void *mem, size_t cap, uint64_t at)
{
	*k = (struct kept){ .mem = mem, .cap = cap, .begin = at, .end = at };
}

size_t kept_room(const struct kept *k, uint64_t floor)
{
	return k->cap - (size_t)(k->end - MAX(floor, k->begin));
}

ssize_t kept_read(struct kept *k, int fd, uint64_t floor, size_t most)
{
	size_t tail = (size_t)(k->end % k->cap);
	size_t room = MIN(kept_room(k, floor), k->cap - tail);
	ssize_t n;

	if (room == 0)
		return -ENOBUFS;
	n = fd_read(fd, k->mem + tail, MIN(room, most));
	if (n <= 0)
		return n;
	k->end += (uint64_t)n;
	if (k->end - k->begin > k->cap)
		k->begin = k->end - k->cap;
	return n;
}

size_t kept_span(const struct kept *k, uint64_t from, size_t most, const uint8_t **data)
{
	size_t head = (size_t)(from % k->cap);
	size_t len = MIN((size_t)(k->end - from), k->cap - head);

	*data = k->mem + head;
	return MIN(len, most);
}
