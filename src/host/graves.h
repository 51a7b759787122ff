/*
 * graves - folders of VMs that were being removed when whoever did it was killed.
 *
 * A removal takes the folder away from its name first, to .removed.NAME.PID; what is left of it is
 * nobody's VM.
 */
#ifndef HOST_GRAVES_H
#define HOST_GRAVES_H

#include <stdint.h>

#include "host/store.h"

enum { GRAVE_NAME_ROOM = VM_NAME_ROOM + 32 };

/* The name that a VM's folder has while we remove it. */
void grave_name(char out[GRAVE_NAME_ROOM], const char *vm);

/* Those whose remover has gone: how many, and their sizes added to *bytes; removed if asked for. Or
 * negative with *e filled. */
int graves_sweep(const struct home *h, int remove, uint64_t *bytes, struct err *e);

#endif
