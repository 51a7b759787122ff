/*
 * holder - who has a VM's lock, as a few words for a sentence.
 */
#ifndef HOST_HOLDER_H
#define HOST_HOLDER_H

#include <stddef.h>

/* "its agent (pid 12)", "vmtool rm (pid 12)"; "another process" when that is all that is known.
 * Returns out. */
char *holder_text(char *out, size_t cap, int dir, const char *lock_name);

#endif
