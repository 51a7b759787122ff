/*
 * boot_x86_64 - what a 64-bit kernel finds when it is entered.
 */
#include "vmm/boot_x86_64.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "vmm/ioctl.h"
#include "vmm/layout.h"
#include "vmm/power.h"

enum {
	PAGE = 4096,
	PTE_PRESENT = 1,
	PTE_WRITE = 2,
	PTE_LARGE = 0x80,
	DIRECTORIES = 4, /* of 1 GiB each */

	SELECTOR_CODE = 0x10, /* __BOOT_CS and __BOOT_DS of the boot protocol */
	SELECTOR_DATA = 0x18,

	CR0_PE = 1,
	CR0_ET = 0x10,
	CR4_PAE = 0x20,
	EFER_LME = 0x100,
	EFER_LMA = 0x400,
	RFLAGS_FIXED = 2,

	E820_RAM = 1,
	E820_RESERVED = 2,
	E820_ENTRIES = 16,

	LOADER_UNDEFINED = 0xff,

	RESET_PORT = PORT_POWER + POWER_RESET,
};
#define CR0_PG 0x80000000ull

_Static_assert(sizeof(struct boot_params) == PAGE, "boot.rst: the zero page");

int boot_write_tables(const struct gmem *m)
{
	static const uint64_t gdt[] = {
		0, 0, 0x00af9b000000ffff, /* 0x10: 64-bit code, flat */
		0x00cf93000000ffff,	  /* 0x18: data, flat */
	};
	uint64_t *table = gmem_span(m, GPA_PAGE_TABLES, (2 + DIRECTORIES) * PAGE);
	void *to = gmem_span(m, GPA_GDT, sizeof(gdt));
	uint64_t *pml4, *pdpt, *pd;

	if (!table || !to)
		return -ENOMEM;
	pml4 = table;
	pdpt = pml4 + 512;
	pd = pdpt + 512;
	memcpy(to, gdt, sizeof(gdt));
	pml4[0] = (GPA_PAGE_TABLES + PAGE) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < DIRECTORIES; i++)
		pdpt[i] = (GPA_PAGE_TABLES + (2 + i) * PAGE) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < DIRECTORIES * 512; i++)
		pd[i] = i << 21 | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
	return 0;
}

/* A stock kernel on hardware-reduced ACPI does not reset by ACPI's register: it wants EFI, and
 * without it jumps to where a PC's BIOS begins, in real mode (Linux, arch/x86/kernel/reboot.c). */
int boot_write_bios_entry(const struct gmem *m)
{
	static const uint8_t code[] = {
		0xba, RESET_PORT & 0xff, RESET_PORT >> 8, /* mov dx, RESET_PORT */
		0xb0, POWER_RESET_NOW,			  /* mov al, POWER_RESET_NOW */
		0xee,					  /* out dx, al */
		0xf4, 0xeb, 0xfd,			  /* hlt, for ever */
	};
	void *to = gmem_span(m, GPA_BIOS_ENTRY, sizeof(code));

	if (!to)
		return -ENOMEM;
	memcpy(to, code, sizeof(code));
	return 0;
}

static void add_range(struct boot_params *bp, uint64_t from, uint64_t to, uint32_t type)
{
	if (from < to)
		bp->e820_table[bp->e820_entries++] =
			(struct boot_e820_entry){ .addr = from, .size = to - from, .type = type };
}

static void write_memory_map(struct boot_params *bp, const struct gmem *m)
{
	const struct gmem_region *low = &m->region[0], *high = &m->region[1];

	add_range(bp, 0, GPA_LOW_END, E820_RAM);
	add_range(bp, GPA_LOW_END, GPA_KERNEL_MIN, E820_RESERVED);
	add_range(bp, GPA_KERNEL_MIN, low->at + low->len, E820_RAM);
	add_range(bp, GPA_ECAM, GPA_ECAM + GPA_ECAM_LEN, E820_RESERVED);
	add_range(bp, high->at, high->at + high->len, E820_RAM);
}

int boot_write_params(const struct gmem *m, const struct kernel *k, const char *cmdline,
		      const struct initrd *i, gpa_t rsdp, struct err *e)
{
	struct boot_params *bp = gmem_span(m, GPA_ZERO_PAGE, sizeof(*bp));
	size_t len = strlen(cmdline) + 1;
	char *line = gmem_span(m, GPA_CMDLINE, len);

	if (!bp || !line)
		return err_set(e, -ENOMEM, "memory: too little for a kernel's boot parameters");
	if (k->header.cmdline_size && len - 1 > k->header.cmdline_size)
		return err_usage(e, "append: the kernel's command line has %zu bytes, this kernel keeps %u",
				 len - 1, k->header.cmdline_size);
	memcpy(line, cmdline, len);
	memset(bp, 0, sizeof(*bp));
	bp->hdr = k->header;
	if (k->header.header == 0) {
		bp->hdr.boot_flag = 0xaa55;
		memcpy(&bp->hdr.header, "HdrS", 4);
		bp->hdr.kernel_alignment = 0x200000;
		bp->hdr.cmdline_size = (uint32_t)len - 1;
	}
	bp->hdr.type_of_loader = LOADER_UNDEFINED;
	bp->hdr.cmd_line_ptr = (uint32_t)GPA_CMDLINE;
	bp->hdr.ramdisk_image = (uint32_t)i->at;
	bp->hdr.ramdisk_size = (uint32_t)i->len;
	bp->hdr.setup_data = GPA_SETUP_DATA;
	bp->acpi_rsdp_addr = rsdp;
	write_memory_map(bp, m);
	return 0;
}

static struct kvm_segment flat(uint16_t selector, uint8_t type, uint8_t code)
{
	return (struct kvm_segment){
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = code,
		.db = !code,
	};
}

int boot_set_registers(int vcpu, gpa_t entry)
{
	struct kvm_fpu fpu = { .fcw = 0x37f, .mxcsr = 0x1f80 };
	struct kvm_regs regs = { .rip = entry, .rsi = GPA_ZERO_PAGE, .rflags = RFLAGS_FIXED };
	struct kvm_sregs s;

	if (kvm_ioctl(vcpu, KVM_GET_SREGS, &s) < 0)
		return -errno;
	s.cs = flat(SELECTOR_CODE, 11, 1);
	s.ds = s.es = s.fs = s.gs = s.ss = flat(SELECTOR_DATA, 3, 0);
	s.gdt = (struct kvm_dtable){ .base = GPA_GDT, .limit = 4 * 8 - 1 };
	s.idt = (struct kvm_dtable){ 0 };
	s.cr3 = GPA_PAGE_TABLES;
	s.cr4 |= CR4_PAE;
	s.cr0 = CR0_PE | CR0_ET | CR0_PG;
	s.efer |= EFER_LME | EFER_LMA;
	if (kvm_ioctl(vcpu, KVM_SET_SREGS, &s) < 0 || kvm_ioctl(vcpu, KVM_SET_FPU, &fpu) < 0 ||
	    kvm_ioctl(vcpu, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}
