/*
 * layout - where things lie in the guest's physical address space and on its ports.
 *
 * One page, because ACPI's tables (acpi.c, dsdt.asl), the memory map (boot_x86_64.c) and the
 * board (machine.c) must agree. dsdt.asl repeats the numbers marked with a *.
 */
#ifndef VMM_LAYOUT_H
#define VMM_LAYOUT_H

/* Below 1 MiB: what the kernel is entered with. */
#define GPA_GDT		0x00000500ull
#define GPA_PROBE	0x00001000ull /* code of vmm/probe, before the kernel runs */
#define GPA_ZERO_PAGE	0x00007000ull
#define GPA_SETUP_DATA	0x00008000ull /* vmm/seed */
#define GPA_PAGE_TABLES 0x00009000ull /* PML4, PDPT, four page directories */
#define GPA_CMDLINE	0x00020000ull
#define GPA_LOW_END	0x0009fc00ull /* as a PC's: where its extended BIOS data would begin */
#define GPA_GENERATION	0x000df000ull /* * vmm/seed: 16 bytes, in reserved memory */
#define GPA_ACPI	0x000e0000ull
#define GPA_ACPI_END	0x000ffff0ull
#define GPA_BIOS_ENTRY	0x000ffff0ull /* F000:FFF0, where a PC begins, and a kernel ends that knows no other way */
#define GPA_KERNEL_MIN	0x00100000ull

/* The hole under 4 GiB. */
#define GPA_HOLE	0xc0000000ull /* low RAM ends here at the latest */
#define GPA_PCI_MEM	0xd0000000ull /* * windows of PCI functions */
#define GPA_PCI_MEM_LEN 0x10000000ull
#define GPA_ECAM	0xe0000000ull /* * configuration space of bus 0 */
#define GPA_ECAM_LEN	0x00100000ull
#define GPA_IOAPIC	0xfec00000ull
#define GPA_LAPIC	0xfee00000ull
#define GPA_IDENTITY	0xfffbc000ull /* KVM's own pages, needed on Intel */
#define GPA_TSS		0xfffbd000ull
#define GPA_HIGH	0x100000000ull /* RAM goes on here */

/* I/O ports. */
#define PORT_CMOS    0x070
#define PORT_I8042   0x060 /* up to 0x64 */
#define PORT_COM1    0x3f8 /* * */
#define PORT_PVPANIC 0x505 /* * */
#define PORT_PCI     0xcf8 /* configuration mechanism 1 */
#define PORT_RESET   0xcf9 /* in between: a chipset's reset control */
#define PORT_POWER   0x600 /* sleep control, sleep status, reset */

/* Global system interrupts: the IOAPIC's 24 pins, then messages. */
#define GSI_COM1   4 /* * */
#define GSI_BUTTON 5 /* * the power button, edge */
#define GSI_MSI	   24

#endif
