/*
 * vcpu - one virtual CPU and the thread that runs it.
 *
 * The thread only runs the guest and hands register accesses to the buses under the machine's
 * lock. It ends when it is kicked while `stop` is set, or when the guest can not go on, and stands
 * still while `paused` is.
 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "vmm/bus.h"
#include "vmm/cpuid.h"
#include "vmm/vm.h"

struct vcpu_shared {
	pthread_mutex_t lock; /* the machine's: around every access of a device */
	struct bus ports, memory;
	/* Set before a kick; read by each vCPU after KVM_RUN returns. */
	atomic_int stop, paused;
	int go;		       /* the guest may run; under the lock */
	unsigned parked;       /* vCPUs that stand still because of `paused`; under the lock */
	pthread_cond_t resume; /* go, paused or stop has changed */
	/* A vCPU has come to stand. Under the lock, on its thread. */
	void (*stands)(struct vcpu_shared *s);
	/* The guest cannot go on. Called once per vCPU at most, under the lock, on its thread.
	 * reset: it asked for a reset (triple fault); else text says what KVM could not do. */
	void (*died)(struct vcpu_shared *s, int reset, const char *text);
};

struct vcpu {
	int fd;		     /* owned */
	struct kvm_run *run; /* owned mapping of vm->run_len bytes */
	size_t run_len;
	struct vcpu_shared *shared; /* borrowed */
	pthread_t thread;
	int started;
};

#define VCPU_NONE ((struct vcpu){ .fd = -1 })

/* 0, or negative with *e filled. */
int vcpu_open(struct vcpu *c, struct vm *vm, unsigned index, struct cpuid *cpuid,
	      struct vcpu_shared *shared, struct err *e);

/* What a vCPU's thread does first, while it may still ask anything of the host. 0, or negative with *e filled. */
typedef int vcpu_first(struct vcpu *c, void *arg, struct err *e);

/* Its thread, which is in its sandbox when this returns and waits for `go`. `first` may be NULL. What runs on
 * this vCPU runs on that thread alone: for another one KVM_RUN waits until the host's RCU has gone round, some
 * milliseconds. 0, or negative with *e filled: then there is no thread. */
int vcpu_start(struct vcpu *c, vcpu_first *first, void *arg, struct err *e);

/* All that are started run, and those that will be. */
void vcpu_go(struct vcpu_shared *s);

/* Makes a running vCPU look at `stop` and `paused`. */
void vcpu_kick(struct vcpu *c);
void vcpu_join(struct vcpu *c);
void vcpu_close(struct vcpu *c);

#endif
