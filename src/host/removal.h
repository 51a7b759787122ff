/*
 * removal - a VM goes, with what is kept of it outside of its folder: the pins of its host keys.
 */
#ifndef HOST_REMOVAL_H
#define HOST_REMOVAL_H

#include "host/store.h"

/* As store_remove(). The pins go first, and whatever else fails: its keys must not be the next one's of
 * that name. */
int removal_of(struct vmref *v, struct err *e);

#endif
