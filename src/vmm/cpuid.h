/*
 * cpuid - what the guest's CPUID instruction says: KVM's offer, made true for each vCPU.
 */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include <linux/kvm.h>

enum { CPUID_ENTRIES = 256 };

struct cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES];
};

/* KVM's offer. 0 or a negative errno. */
int cpuid_load(struct cpuid *c, int kvm);

/* What differs between vCPUs: ids and topology (one thread a core, one package). */
void cpuid_for_vcpu(struct cpuid *c, unsigned vcpu, unsigned vcpus);

#endif
