/*
 * cpuid - what the guest's CPUID instruction says: KVM's offer, made true for each vCPU.
 */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include <linux/kvm.h>
#include <stdint.h>

enum { CPUID_ENTRIES = 256 };

struct cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES];
};

/* KVM's offer. 0 or a negative errno. */
int cpuid_load(struct cpuid *c, int kvm);

/* What KVM leaves empty in its offer though it is the processor's own: its name, and AMD's first caches. */
void cpuid_add_name(struct cpuid *c);

/* How fast the TSC runs, for guests that ask a hypervisor's leaves (FreeBSD does); 0: it is not known. */
void cpuid_tell_frequency(struct cpuid *c, uint32_t tsc_khz);

/* What differs between vCPUs: ids and topology (one thread a core, one package). */
void cpuid_for_vcpu(struct cpuid *c, unsigned vcpu, unsigned vcpus);

#endif
