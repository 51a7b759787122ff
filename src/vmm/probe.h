/*
 * probe - can this /dev/kvm really run a kernel?
 *
 * Some hosts offer a KVM that emulates the guest's kernel mode in software, at a few million
 * instructions a second, and stops at instructions it does not know. No list of names tells them
 * apart; a tiny guest that is timed does.
 */
#ifndef VMM_PROBE_H
#define VMM_PROBE_H

#include <linux/kvm.h>

#include "base/err.h"
#include "virtio/gmem.h"

enum {
	PROBE_TURNS = 50000,	/* of a two-instruction loop */
	PROBE_LIMIT_US = 10000, /* 10 MIPS; emulation has 2, hardware thousands */
};

/* Runs the loop on the vCPU, which must have its tables (boot_write_tables) and nothing else to
 * do; its registers are to be set anew afterwards. The microseconds it took, or negative with *e
 * filled: KVM cannot run it (-ENOTSUP). */
long probe_run(const struct gmem *m, int vcpu, struct kvm_run *run, struct err *e);

/* 0 where a run of that length is a processor's, or -ENOTSUP with *e filled: it was emulated. */
int probe_judge(long us, struct err *e);

/* Both, in a VM made for it. */
long probe_kvm(int kvm, struct err *e);

#endif
