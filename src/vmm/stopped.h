/*
 * stopped - why KVM does not run a guest on, in words.
 */
#ifndef VMM_STOPPED_H
#define VMM_STOPPED_H

#include <linux/kvm.h>
#include <stddef.h>

/* What follows "KVM" in a sentence: of an exit that nobody can serve. */
const char *stopped_why(const struct kvm_run *run, char *text, size_t room);

#endif
