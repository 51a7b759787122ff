/*
 * unpack - one compressed stream in memory, recognised by its first bytes, to what was packed.
 *
 * The bytes are a stranger's. What stands behind the end of the stream is ignored: a kernel's build
 * appends the unpacked size.
 */
#ifndef IMAGE_UNPACK_H
#define IMAGE_UNPACK_H

#include "base/err.h"
#include "image/blob.h"

/* "gzip", "lz4", "xz", "zstd"; NULL: it is none of these. */
const char *unpack_format(const void *data, size_t len);

/* what: for the sentence. 0; -ENOEXEC: of no known format; -EBADMSG: damaged or cut; -EFBIG: more
 * than `most` bytes; -ENOMEM; then *out is empty, and *e filled. The caller frees *out. */
int unpack(struct blob *out, const char *what, const void *data, size_t len, size_t most,
	   struct err *e);

#endif
