/* The words for an exit that ends a guest: whoever reads them has nothing else. */
#include "vmm/stopped.h"

#include "base/util.h"
#include "check.h"

static void a_reason_is_lost_or_wrong(void)
{
	static const struct {
		struct kvm_run run;
		const char *want;
	} cases[] = {
		{ { .exit_reason = KVM_EXIT_INTERNAL_ERROR,
		    .emulation_failure = { .suberror = KVM_INTERNAL_ERROR_EMULATION,
					   .ndata = 3,
					   .flags =
						   KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES,
					   .insn_size = 3,
					   .insn_bytes = { 0x0f, 0xae, 0x2f, 0x90 } } },
		  "cannot emulate an instruction of the guest's: 0f ae 2f" },
		{ { .exit_reason = KVM_EXIT_INTERNAL_ERROR,
		    .emulation_failure = { .suberror = KVM_INTERNAL_ERROR_EMULATION,
					   .ndata = 3,
					   .flags =
						   KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES,
					   .insn_size = 255 } },
		  "cannot emulate an instruction of the guest's: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00" },
		/* Hosts before 5.14 do not count them among the data. */
		{ { .exit_reason = KVM_EXIT_INTERNAL_ERROR,
		    .emulation_failure = { .suberror = KVM_INTERNAL_ERROR_EMULATION,
					   .flags =
						   KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES,
					   .insn_size = 3,
					   .insn_bytes = { 1, 2, 3 } } },
		  "cannot emulate an instruction of the guest's" },
		{ { .exit_reason = KVM_EXIT_INTERNAL_ERROR, .internal = { .suberror = 3 } },
		  "failed inside (suberror 3)" },
		{ { .exit_reason = KVM_EXIT_FAIL_ENTRY,
		    .fail_entry.hardware_entry_failure_reason = 0x80000021 },
		  "could not enter the guest (hardware reason 0x80000021)" },
		{ { .exit_reason = KVM_EXIT_HLT }, "stopped with exit reason 5" },
		{ { .exit_reason = KVM_EXIT_SHUTDOWN }, "saw a triple fault" },
	};
	char text[160], small[24];

	for (unsigned i = 0; i < COUNT(cases); i++) {
		CHECK(!strcmp(stopped_why(&cases[i].run, text, sizeof(text)), cases[i].want));
		stopped_why(&cases[i].run, small, sizeof(small));
		CHECK(!strncmp(small, cases[i].want, sizeof(small) - 1) &&
		      strlen(small) < sizeof(small));
	}
}

int main(void)
{
	TEST(a_reason_is_lost_or_wrong);
	return check_done();
}
