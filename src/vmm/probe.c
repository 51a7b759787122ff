/*
 * probe - can this /dev/kvm really run a kernel?
 */
#include "vmm/probe.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/fd.h"
#include "vmm/boot_x86_64.h"
#include "vmm/ioctl.h"
#include "vmm/layout.h"
#include "vmm/stopped.h"
#include "vmm/vm.h"

enum { PROBE_PORT = 0xf4, ATTEMPTS = 3 };

static const uint8_t code[] = {
	0xb9,
	PROBE_TURNS & 0xff,
	PROBE_TURNS >> 8 & 0xff,
	PROBE_TURNS >> 16,
	0, /* mov ecx, TURNS */
	0xff,
	0xc9, /* 1: dec ecx */
	0x75,
	0xfc, /* jnz 1b */
	0xe6,
	PROBE_PORT, /* out PROBE_PORT, al */
	0xf4,	    /* hlt */
};

/* Microseconds until the guest's OUT, or negative. */
static long timed_run(int vcpu, struct kvm_run *run, struct err *e)
{
	int64_t start = clock_us();
	char why[160];
	int rc;

	do
		rc = kvm_ioctl(vcpu, KVM_RUN, 0);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return err_sys(e, "/dev/kvm runs no guest");
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != PROBE_PORT)
		return err_set(e, -ENOTSUP, "/dev/kvm cannot run a guest's kernel: KVM %s\n  try: dmesg | grep -i kvm, which "
			       "may say more; then another host",
			       stopped_why(run, why, sizeof(why)));
	return (long)(clock_us() - start);
}

long probe_run(const struct gmem *m, int vcpu, struct kvm_run *run, struct err *e)
{
	void *to = gmem_span(m, GPA_PROBE, sizeof(code));
	long best = -1;

	if (!to)
		return err_set(e, -ENOMEM, "memory: too little to try the CPU");
	memcpy(to, code, sizeof(code));
	/* The quickest counts: another program may have had the CPU meanwhile. */
	for (int i = 0; i < ATTEMPTS && (best < 0 || best > PROBE_LIMIT_US); i++) {
		long us;

		if (boot_set_registers(vcpu, GPA_PROBE) < 0)
			return err_sys(e, "/dev/kvm takes no registers");
		us = timed_run(vcpu, run, e);
		if (us < 0)
			return us;
		if (best < 0 || us < best)
			best = us;
		/* The OUT completes at the next entry, which must not run the guest on. */
		run->immediate_exit = 1;
		kvm_ioctl(vcpu, KVM_RUN, 0);
		run->immediate_exit = 0;
	}
	return best;
}

int probe_judge(long us, struct err *e)
{
	if (us <= PROBE_LIMIT_US)
		return 0;
	return err_set(e, -ENOTSUP,
		       "this /dev/kvm emulates the guest's kernel mode (%d instructions took "
		       "%ld.%ld ms): it cannot boot a kernel\n  try: a host whose own processor "
		       "virtualises: grep -cE 'vmx|svm' /proc/cpuinfo there is not 0",
		       2 * PROBE_TURNS, us / 1000, us / 100 % 10);
}

long probe_kvm(int kvm, struct err *e)
{
	struct vm vm = VM_NONE;
	struct kvm_run *run = MAP_FAILED;
	int vcpu = -1;
	long rc;

	rc = vm_open(&vm, kvm, 2 << 20, 0, NULL, NULL, e);
	if (rc < 0)
		return rc;
	vcpu = kvm_ioctl(vm.fd, KVM_CREATE_VCPU, 0);
	if (vcpu >= 0)
		run = mmap(NULL, vm.run_len, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (vcpu < 0 || run == MAP_FAILED)
		rc = err_sys(e, "/dev/kvm makes no virtual CPU");
	else if (boot_write_tables(&vm.mem) < 0)
		rc = err_set(e, -ENOMEM, "memory: too little to try the CPU");
	else
		rc = probe_run(&vm.mem, vcpu, run, e);
	if (rc >= 0 && probe_judge(rc, e) < 0)
		rc = e->code;
	if (run != MAP_FAILED)
		munmap(run, vm.run_len);
	fd_close(&vcpu);
	vm_close(&vm);
	return rc;
}
