/*
 * stopped - why KVM does not run a guest on, in words.
 */
#include "vmm/stopped.h"

#include <stdio.h>

#include "base/util.h"

/* KVM met an instruction of the guest's kernel mode that it had to do itself, and does not know. Which, hosts
 * since Linux 5.14 tell. */
static void emulation(const struct kvm_run *run, char *text, size_t room)
{
	unsigned known = run->emulation_failure.ndata >= 3 &&
			 (run->emulation_failure.flags &
			  KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES);
	unsigned len = known ? MIN(run->emulation_failure.insn_size, 15u) : 0;
	size_t at;

	at = (size_t)snprintf(text, room, "cannot emulate an instruction of the guest's");
	for (unsigned i = 0; i < len && at < room; i++)
		at += (size_t)snprintf(text + at, room - at, "%s%02x", i ? " " : ": ",
				       run->emulation_failure.insn_bytes[i]);
}

const char *stopped_why(const struct kvm_run *run, char *text, size_t room)
{
	switch (run->exit_reason) {
	case KVM_EXIT_INTERNAL_ERROR:
		if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
			emulation(run, text, room);
		else
			snprintf(text, room, "failed inside (suberror %u)", run->internal.suberror);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(text, room, "could not enter the guest (hardware reason %#llx)",
			 (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_SHUTDOWN:
		snprintf(text, room, "saw a triple fault");
		break;
	default:
		snprintf(text, room, "stopped with exit reason %u", run->exit_reason);
	}
	return text;
}
