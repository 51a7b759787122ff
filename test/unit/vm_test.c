/* A /dev/kvm that is none to run a VM on: the sentence says why, and what would help. */
#include "vmm/vm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/util.h"
#include "check.h"

/* The device behind descriptor KVM. */
enum { KVM = 1000, VM };
static int version, lacking, create_errno;

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	long arg;

	va_start(ap, request);
	arg = va_arg(ap, long);
	va_end(ap);
	if (fd == VM)
		return 0;
	if (fd != KVM)
		abort();
	switch ((unsigned)request) {
	case KVM_GET_API_VERSION:
		return version;
	case KVM_CHECK_EXTENSION:
		return arg != lacking;
	case KVM_GET_VCPU_MMAP_SIZE:
		return 4096;
	case KVM_CREATE_VM:
		errno = create_errno;
		if (errno == 0)
			return VM;
		if (errno == EINTR)
			create_errno = EBUSY; /* a signal, and then for good */
		return -1;
	}
	abort();
}

static void a_kvm_that_cannot_is_not_named_with_a_cure(void)
{
	static const struct {
		int version, lacking, create_errno, code;
		const char *want;
	} cases[] = {
		{ 11, 0, 0, -ENOTSUP, "/dev/kvm speaks API version 11, not 12\n  try: a kernel" },
		{ 12, KVM_CAP_IMMEDIATE_EXIT, 0, -ENOTSUP,
		  "/dev/kvm lacks immediate_exit\n  try: a newer kernel" },
		{ 12, KVM_CAP_TSC_DEADLINE_TIMER, 0, -ENOTSUP,
		  "/dev/kvm lacks the TSC deadline timer\n  try: " },
		{ 12, -1, EBUSY, -EBUSY,
		  "/dev/kvm creates no VM: another hypervisor holds the processor\n  try: lsmod" },
		{ 12, -1, EINTR, -EBUSY, "/dev/kvm creates no VM: another hypervisor" },
		{ 12, -1, ENOMEM, -ENOMEM, "/dev/kvm creates no VM: Cannot allocate memory" },
	};

	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		struct vm vm;

		version = cases[i].version;
		lacking = cases[i].lacking;
		create_errno = cases[i].create_errno;
		CHECK(vm_open(&vm, KVM, 1 << 20, 0, NULL, NULL, &e) == cases[i].code);
		if (strncmp(e.text, cases[i].want, strlen(cases[i].want)))
			printf("# got: %s\n", e.text);
		CHECK(!strncmp(e.text, cases[i].want, strlen(cases[i].want)));
		CHECK(vm.fd == -1 && vm.map == NULL);
	}
}

static int no_kernel(const struct gmem *mem, void *arg, struct err *e)
{
	*(int *)arg = gmem_span(mem, 0, 1 << 20) != NULL;
	return err_set(e, -ENOEXEC, "no kernel");
}

static void memory_that_cannot_be_filled_is_no_vm(void)
{
	static const struct {
		int create_errno, code;
		const char *want;
	} cases[] = {
		{ 0, -ENOEXEC, "no kernel" },
		{ ENOMEM, -ENOMEM, "/dev/kvm creates no VM: Cannot allocate memory" },
	};

	version = 12;
	lacking = -1;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		int had_memory = 0;
		struct vm vm;

		create_errno = cases[i].create_errno;
		CHECK(vm_open(&vm, KVM, 1 << 20, 0, no_kernel, &had_memory, &e) == cases[i].code);
		CHECK(!strcmp(e.text, cases[i].want));
		CHECK(had_memory && vm.fd == -1 && vm.map == NULL);
	}
}

int main(void)
{
	TEST(a_kvm_that_cannot_is_not_named_with_a_cure);
	TEST(memory_that_cannot_be_filled_is_no_vm);
	return check_done();
}
