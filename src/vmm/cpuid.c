/*
 * cpuid - what the guest's CPUID instruction says: KVM's offer, made true for each vCPU.
 */
#include "vmm/cpuid.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/ioctl.h"

#define LEAF_FEATURES	  0x1u
#define LEAF_CACHE	  0x4u
#define LEAF_TOPOLOGY	  0xbu
#define LEAF_TOPOLOGY_V2  0x1fu
#define LEAF_AMD_SIZES	  0x80000008u
#define LEAF_AMD_CACHE	  0x8000001du
#define LEAF_AMD_TOPOLOGY 0x8000001eu

#define ECX1_MONITOR	  (1u << 3)
#define ECX1_PDCM	  (1u << 15)
#define ECX1_X2APIC	  (1u << 21)
#define ECX1_TSC_DEADLINE (1u << 24)
#define ECX1_HYPERVISOR	  (1u << 31)
#define EDX1_HTT	  (1u << 28)

enum { LEVEL_THREAD = 1, LEVEL_CORE = 2 };

int cpuid_load(struct cpuid *c, int kvm)
{
	c->head.nent = CPUID_ENTRIES;
	return kvm_ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &c->head) < 0 ? -errno : 0;
}

static unsigned bits_for(unsigned count)
{
	unsigned bits = 0;

	while (1u << bits < count)
		bits++;
	return bits;
}

static void features(struct kvm_cpuid_entry2 *e, unsigned vcpu, unsigned vcpus)
{
	e->ebx = (e->ebx & 0x0000ffff) | vcpus << 16 | vcpu << 24;
	/* KVM leaves the hypervisor bit to us; without it the guest does not look for kvm-clock
	 * and calibrates its TSC against a PIT that is not there. */
	e->ecx |= ECX1_HYPERVISOR | ECX1_TSC_DEADLINE | ECX1_X2APIC;
	e->ecx &= ~(ECX1_MONITOR | ECX1_PDCM);
	if (vcpus > 1)
		e->edx |= EDX1_HTT;
	else
		e->edx &= ~EDX1_HTT;
}

/* Intel SDM, CPUID leaf 0BH: eax is the shift to the next level's id, edx the x2APIC id. */
static void topology(struct kvm_cpuid_entry2 *e, unsigned vcpu, unsigned vcpus)
{
	unsigned level = e->index == 0 ? LEVEL_THREAD : e->index == 1 ? LEVEL_CORE : 0;

	e->eax = level == LEVEL_CORE ? bits_for(vcpus) : 0;
	e->ebx = level == LEVEL_CORE ? vcpus : level == LEVEL_THREAD ? 1 : 0;
	e->ecx = e->index | level << 8;
	e->edx = vcpu;
}

/* Each core has the caches of levels 1 and 2 to itself; all cores share the one above. */
static void cache_sharing(struct kvm_cpuid_entry2 *e, unsigned vcpus)
{
	unsigned level = e->eax >> 5 & 7;

	e->eax &= ~(0xfffu << 14);
	e->eax |= (level > 2 ? vcpus - 1 : 0) << 14;
	if (e->function == LEAF_CACHE) /* Intel's also counts the package's cores */
		e->eax = (e->eax & 0x03ffffff) | (vcpus - 1) << 26;
}

static struct kvm_cpuid_entry2 *find(struct cpuid *c, uint32_t function, uint32_t index)
{
	for (unsigned i = 0; i < c->head.nent; i++)
		if (c->entry[i].function == function && c->entry[i].index == index)
			return &c->entry[i];
	return NULL;
}

/* KVM offers a topology leaf's first level only. */
static void add_core_level(struct cpuid *c, uint32_t function)
{
	if (!find(c, function, 0) || find(c, function, 1) || c->head.nent == CPUID_ENTRIES)
		return;
	c->entry[c->head.nent++] = (struct kvm_cpuid_entry2){
		.function = function,
		.index = 1,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
	};
}

void cpuid_for_vcpu(struct cpuid *c, unsigned vcpu, unsigned vcpus)
{
	add_core_level(c, LEAF_TOPOLOGY);
	add_core_level(c, LEAF_TOPOLOGY_V2);
	for (unsigned i = 0; i < c->head.nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entry[i];

		switch (e->function) {
		case LEAF_FEATURES:
			features(e, vcpu, vcpus);
			break;
		case LEAF_CACHE:
		case LEAF_AMD_CACHE:
			cache_sharing(e, vcpus);
			break;
		case LEAF_TOPOLOGY:
		case LEAF_TOPOLOGY_V2:
			topology(e, vcpu, vcpus);
			break;
		case LEAF_AMD_SIZES:
			e->ecx = bits_for(vcpus) << 12 | (vcpus - 1);
			break;
		case LEAF_AMD_TOPOLOGY:
			e->eax = vcpu;
			e->ebx = vcpu; /* one thread per core */
			e->ecx = 0;    /* one node */
			break;
		}
	}
}
