/*
 * gmem - the guest's RAM, and the one checked door into it.
 *
 * Nothing else turns a guest address into a pointer. The guest may change any byte at any
 * moment: what is decided upon must be copied out first, and only the copy believed.
 */
#ifndef VIRTIO_GMEM_H
#define VIRTIO_GMEM_H

#include <stdint.h>

/* A guest physical address. Never a pointer in disguise. */
typedef uint64_t gpa_t;

struct gmem_region {
	gpa_t at;
	uint64_t len;
	uint8_t *host; /* borrowed: the VM's mapping */
};

enum { GMEM_REGIONS = 2 }; /* below and above the hole under 4 GiB */

struct gmem {
	struct gmem_region region[GMEM_REGIONS]; /* unused ones have len 0 */
};

/* Where at..at+len-1 lies, or NULL when a byte of it is not RAM or it spans two regions.
 * A length of 0 is never anywhere. */
void *gmem_span(const struct gmem *m, gpa_t at, uint64_t len);

#endif
