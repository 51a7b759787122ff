/*
 * cpuid - what the guest's CPUID instruction says: KVM's offer, made true for each vCPU.
 */
#include "vmm/cpuid.h"

#include <cpuid.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "vmm/ioctl.h"

#define LEAF_FEATURES	  0x1u
#define LEAF_CACHE	  0x4u
#define LEAF_FEATURES_7	  0x7u
#define LEAF_PMU	  0xau
#define LEAF_TOPOLOGY	  0xbu
#define LEAF_XSAVE	  0xdu
#define LEAF_TILES	  0x1du
#define LEAF_TILE_MUL	  0x1eu
#define LEAF_TOPOLOGY_V2  0x1fu
#define LEAF_KVM	  0x40000000u
#define LEAF_FREQUENCIES  0x40000010u
#define LEAF_AMD_FEATURES 0x80000001u
#define LEAF_NAME	  0x80000002u /* to 4 */
#define LEAF_AMD_CACHE_1  0x80000005u
#define LEAF_AMD_SIZES	  0x80000008u
#define LEAF_AMD_CACHE	  0x8000001du
#define LEAF_AMD_TOPOLOGY 0x8000001eu

#define ECX1_MONITOR	  (1u << 3)
#define ECX1_PDCM	  (1u << 15)
#define ECX1_X2APIC	  (1u << 21)
#define ECX1_TSC_DEADLINE (1u << 24)
#define ECX1_HYPERVISOR	  (1u << 31)
#define EDX1_HTT	  (1u << 28)
#define ECX81_CMP_LEGACY  (1u << 1) /* what EDX1_HTT counts are cores */
#define ECX7_WAITPKG	  (1u << 5)
#define EDX7_ARCH_CAPS	  (1u << 29)
#define EDX7_AMX	  (1u << 22 | 1u << 24 | 1u << 25) /* BF16, TILE, INT8 */
#define EAX7_1_AMX	  (1u << 21)			   /* FP16 */
#define EDX7_1_AMX	  (1u << 8)			   /* COMPLEX */
#define XCR0_AMX	  (3u << 17)

enum {
	LEVEL_THREAD = 1,
	LEVEL_CORE = 2,
	APIC_BUS_KHZ = 1000000, /* KVM counts an APIC's timer in nanoseconds */

	/* arch_prctl(2): of <asm/prctl.h> since Linux 5.17. */
	REQ_XCOMP_GUEST_PERM = 0x1025,
	XCOMP_TILE_DATA = 18,
};

/* A guest's AMX state makes each vCPU 8 KiB larger, so the kernel wants to be asked before the first one is
 * made; KVM does not offer what was not granted. Refused where there is none. */
static void ask_for_amx(void)
{
	(void)syscall(SYS_arch_prctl, REQ_XCOMP_GUEST_PERM, XCOMP_TILE_DATA);
}

int cpuid_load(struct cpuid *c, int kvm)
{
	ask_for_amx();
	c->head.nent = CPUID_ENTRIES;
	if (kvm_ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &c->head) < 0)
		return -errno;
	cpuid_add_name(c);
	return 0;
}

void cpuid_add_name(struct cpuid *c)
{
	for (unsigned i = 0; i < c->head.nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entry[i];

		if (e->function >= LEAF_NAME && e->function <= LEAF_AMD_CACHE_1 &&
		    !(e->eax | e->ebx | e->ecx | e->edx))
			__get_cpuid(e->function, &e->eax, &e->ebx, &e->ecx, &e->edx);
	}
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

/* AMD's processors have no such register; KVM invents one. Waiting in a deep sleep of the processor is the
 * host's to decide. */
static void features_7(struct kvm_cpuid_entry2 *e, int amd, int amx)
{
	if (e->index == 0) {
		e->ecx &= ~ECX7_WAITPKG;
		e->edx &= ~((amd ? EDX7_ARCH_CAPS : 0) | (amx ? 0 : EDX7_AMX));
	} else if (e->index == 1 && !amx) {
		e->eax &= ~EAX7_1_AMX;
		e->edx &= ~EDX7_1_AMX;
	}
}

static void nothing(struct kvm_cpuid_entry2 *e)
{
	e->eax = e->ebx = e->ecx = e->edx = 0;
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

static struct kvm_cpuid_entry2 *find_or_add(struct cpuid *c, uint32_t function)
{
	struct kvm_cpuid_entry2 *e = find(c, function, 0);

	if (e || c->head.nent == CPUID_ENTRIES)
		return e;
	e = &c->entry[c->head.nent++];
	*e = (struct kvm_cpuid_entry2){ .function = function };
	return e;
}

void cpuid_tell_frequency(struct cpuid *c, uint32_t tsc_khz)
{
	struct kvm_cpuid_entry2 *kvm = find(c, LEAF_KVM, 0), *e;

	e = kvm && tsc_khz ? find_or_add(c, LEAF_FREQUENCIES) : NULL;
	if (!e)
		return;
	e->eax = tsc_khz;
	e->ebx = APIC_BUS_KHZ;
	kvm->eax = MAX(kvm->eax, LEAF_FREQUENCIES); /* the highest leaf of a hypervisor's */
}

static int is_amd(struct cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = find(c, 0, 0);

	/* "AuthenticAMD", "HygonGenuine" */
	return e && (e->ebx == 0x68747541 || e->ebx == 0x6f677948);
}

static int has_amx(struct cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = find(c, LEAF_XSAVE, 0);

	return e && (e->eax & XCR0_AMX) == XCR0_AMX;
}

void cpuid_for_vcpu(struct cpuid *c, unsigned vcpu, unsigned vcpus)
{
	int amd = is_amd(c), amx = has_amx(c);

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
		case LEAF_FEATURES_7:
			features_7(e, amd, amx);
			break;
		case LEAF_PMU: /* no counters: a guest would set a watchdog on one, and exit for it */
			nothing(e);
			break;
		case LEAF_TILES:
		case LEAF_TILE_MUL:
			if (!amx)
				nothing(e);
			break;
		case LEAF_TOPOLOGY:
		case LEAF_TOPOLOGY_V2:
			topology(e, vcpu, vcpus);
			break;
		case LEAF_AMD_FEATURES:
			if (amd && vcpus > 1)
				e->ecx |= ECX81_CMP_LEGACY;
			else
				e->ecx &= ~ECX81_CMP_LEGACY;
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
