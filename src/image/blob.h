/*
 * blob - bytes in memory that is given back to the kernel as a whole: a file, or what came of it.
 */
#ifndef IMAGE_BLOB_H
#define IMAGE_BLOB_H

#include <stddef.h>
#include <stdint.h>

struct blob {
	uint8_t *data; /* owned */
	size_t len, room;
};

#define BLOB_NONE ((struct blob){ 0 })

/* Room for `more` bytes behind what there is, or for what is left below `most`. 0; -EFBIG when
 * nothing is; -ENOMEM. */
int blob_grow(struct blob *b, size_t more, size_t most);

/* What may be written behind what there is. */
size_t blob_left(const struct blob *b, size_t most);

/* Appends all that fd gives. 0 or a negative errno; -EFBIG: it gives more than `most`. */
int blob_read(struct blob *b, int fd, size_t most);

void blob_free(struct blob *b);

#endif
