/*
 * seed - what a guest is told of chance as it begins: 32 random bytes for its kernel's pool, and the
 * number of this life of it, of which no other has the same.
 *
 * The kernel takes the first from its boot parameters (SETUP_RNG_SEED) and overwrites them; the
 * second is the VM generation ID that ACPI points to (dsdt.asl). Without the first a processor that
 * has no RDRAND leaves getrandom(2) blocked for seconds.
 */
#ifndef VMM_SEED_H
#define VMM_SEED_H

#include "virtio/gmem.h"

enum { SEED_BYTES = 32, GENERATION_BYTES = 16 };

/* Writes both, at GPA_SETUP_DATA and GPA_GENERATION. 0 or a negative errno. */
int seed_write(const struct gmem *m);

#endif
