/*
 * blob - bytes in memory that is given back to the kernel as a whole: a file, or what came of it.
 */
#include "image/blob.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/util.h"

enum { ROOM_FIRST = 1 << 20 };

int blob_grow(struct blob *b, size_t more, size_t most)
{
	size_t want = MIN(most, b->len + more), room = b->room ? b->room : ROOM_FIRST;
	void *p;

	if (b->len >= most)
		return -EFBIG;
	if (want <= b->room)
		return 0;
	while (room < want)
		room *= 2;
	p = b->data ? mremap(b->data, b->room, room, MREMAP_MAYMOVE) :
		      mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	b->data = p;
	b->room = room;
	return 0;
}

size_t blob_left(const struct blob *b, size_t most)
{
	return MIN(b->room, most) - b->len;
}

int blob_read(struct blob *b, int fd, size_t most)
{
	for (;;) {
		/* One byte more than may be: so a file that is too large shows itself. */
		int rc = blob_grow(b, ROOM_FIRST, most + 1);
		ssize_t n = rc < 0 ? rc : fd_read(fd, b->data + b->len, blob_left(b, most + 1));

		if (n <= 0)
			return (int)n;
		b->len += (size_t)n;
		if (b->len > most)
			return -EFBIG;
	}
}

void blob_free(struct blob *b)
{
	if (b->data)
		munmap(b->data, b->room);
	*b = BLOB_NONE;
}
