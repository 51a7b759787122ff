/*
 * kvm - /dev/kvm, or the sentence that says why not and what helps.
 */
#ifndef HOST_KVM_H
#define HOST_KVM_H

#include "base/err.h"

/* The fd, owned by the caller, or negative with *e filled. */
int kvm_open(struct err *e);

#endif
