/*
 * A stream of frames: what arrives in one piece and what arrives byte by byte must be
 * the same frames.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"

enum { ROOM = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Appends what a read(2) would have brought; room is made as inbox_fill makes it. */
static size_t arrive(struct inbox *in, const uint8_t *data, size_t size)
{
	size_t room;

	memmove(in->mem, in->mem + in->at, in->end - in->at);
	in->end -= in->at;
	in->at = 0;
	room = in->cap - in->end;
	if (size > room)
		size = room;
	memcpy(in->mem + in->end, data, size);
	in->end += size;
	return size;
}

/* A digest of the frames in data, fed `step` bytes at a time. */
static uint64_t frames(const uint8_t *data, size_t size, size_t step)
{
	uint8_t mem[FRAME_HEADER + ROOM];
	struct inbox in;
	struct frame f;
	uint64_t sum = 14695981039346656037u;
	int rc = 0;

	inbox_init(&in, mem, sizeof(mem));
	while (size > 0 && rc == 0) {
		size_t n = arrive(&in, data, step < size ? step : size);

		if (n == 0)
			abort(); /* no frame, and no room for more of it */
		data += n;
		size -= n;
		while ((rc = frame_next(&in, &f)) > 0) {
			if (f.len > ROOM)
				abort();
			sum = (sum ^ f.type) * 1099511628211u;
			for (uint32_t i = 0; i < f.len; i++)
				sum = (sum ^ f.data[i]) * 1099511628211u;
		}
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (frames(data, size, SIZE_MAX) != frames(data, size, 1))
		abort();
	return 0;
}
