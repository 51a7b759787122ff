/*
 * clock - the guest's wall clock, corrected by what the host says, or by the host's own clock
 * where the kernel lets us read it (ptp_kvm, Documentation/virt/kvm/x86/hypercalls.rst
 * KVM_HC_CLOCK_PAIRING).
 *
 * What is a little wrong is slewed, so that no program sees time jump; what is more wrong than the
 * host tolerates is set at once. Where a time service of the guest disciplines the clock
 * (adjtimex(2): STA_UNSYNC is clear), little is left to it.
 */
#ifndef GUEST_CLOCK_H
#define GUEST_CLOCK_H

#include "proto/agent.h"

/* What a clock is made of: the machine's, or a test's. Each 0 or a negative errno. */
struct clock_ops {
	int64_t (*now)(void); /* ns since 1970 */
	/* How far ahead of the host it is; -ENODEV: this guest cannot know. */
	int (*ptp)(int64_t *ahead_ns, uint64_t *bound_ns);
	int (*is_disciplined)(void);
	int (*step)(int64_t by_ns);
	int (*slew)(int64_t by_ns);
};

extern const struct clock_ops clock_ops_machine;

struct clock {
	const struct clock_ops *ops; /* borrowed */
	int is_known;
	int64_t ahead_ns; /* as it was left by the last correction */
	uint64_t bound_ns;
};

/* The guest's time, for a sample. */
int64_t clock_now(const struct clock *c);

void clock_correct(struct clock *c, const struct clock_set *set, struct clock_done *done);

#endif
