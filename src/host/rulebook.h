/*
 * rulebook - the forwards a VM has in this run (forwards.run), where they are not what its vm.ini says any
 * more: for an agent that takes the VM over.
 */
#ifndef HOST_RULEBOOK_H
#define HOST_RULEBOOK_H

#include "host/forwards.h"

/* What there is now, as rules. A full disk is no reason not to forward. */
void rulebook_write(const struct forwards *fs);

/* A VM that begins has what vm.ini says. */
void rulebook_drop(const struct vmref *v);

/* Calls take() with each rule. 1; or 0: there is none, vm.ini counts. */
int rulebook_read(const struct vmref *v, void (*take)(void *arg, const char *rule), void *arg);

#endif
