/*
 * boot_x86_64 - what a 64-bit kernel finds when it is entered (Documentation/arch/x86/boot.rst,
 * "64-bit boot protocol"): page tables, GDT, boot_params with the memory map, registers.
 */
#ifndef VMM_BOOT_X86_64_H
#define VMM_BOOT_X86_64_H

#include <linux/kvm.h>

#include "base/err.h"
#include "vmm/load.h"

/* Page tables (the first 4 GiB, one to one) and GDT, needed for any code at all. */
int boot_write_tables(const struct gmem *m);

/* What a guest that jumps to the BIOS runs: a reset. 0 or a negative errno. */
int boot_write_bios_entry(const struct gmem *m);

/* boot_params, command line. rsdp: where ACPI begins. 0, or negative with *e filled. */
int boot_write_params(const struct gmem *m, const struct kernel *k, const char *cmdline,
		      const struct initrd *i, gpa_t rsdp, struct err *e);

/* The vCPU in long mode, at `entry`, with rsi at the boot_params. 0 or a negative errno. */
int boot_set_registers(int vcpu, gpa_t entry);

#endif
