/*
 * acpi - the tables a kernel finds the machine by (ACPI 6.4).
 */
#include "vmm/acpi.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "dsdt.h"
#include "vmm/layout.h"
#include "vmm/power.h"

#define PACKED __attribute__((packed))

struct sdt { /* section 5.2.6 */
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} PACKED;

struct rsdp { /* section 5.2.5.3 */
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} PACKED;

struct gas { /* generic address, section 5.2.3.2 */
	uint8_t space, bits, offset, access;
	uint64_t address;
} PACKED;

struct fadt { /* section 5.2.9; what hardware-reduced machines ignore is left out by name */
	struct sdt head;
	uint32_t facs, dsdt;
	uint8_t reserved, profile;
	uint8_t fixed_hardware_1[63]; /* SCI_INT ... CENTURY */
	uint16_t boot_arch;
	uint8_t reserved_2;
	uint32_t flags;
	struct gas reset;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor;
	uint64_t x_facs, x_dsdt;
	struct gas fixed_hardware_2[8]; /* X_PM1a_EVT ... X_GPE1 */
	struct gas sleep_control, sleep_status;
	uint64_t hypervisor;
} PACKED;

enum { CPUS_MAX = 255 }; /* xAPIC ids are 8 bits, 255 means all */

struct lapic { /* section 5.2.12.2 */
	uint8_t type, length, uid, id;
	uint32_t flags;
} PACKED;

struct ioapic { /* section 5.2.12.3 */
	uint8_t type, length, id, reserved;
	uint32_t address, gsi_base;
} PACKED;

struct madt { /* section 5.2.12 */
	struct sdt head;
	uint32_t lapic_address, flags;
	struct ioapic ioapic;
	struct lapic lapic[CPUS_MAX]; /* as many as there are */
} PACKED;

struct mcfg { /* PCI Firmware 3.2 section 4.1.2 */
	struct sdt head;
	uint64_t reserved;
	uint64_t address;
	uint16_t segment;
	uint8_t bus_first, bus_last;
	uint32_t reserved_2;
} PACKED;

struct xsdt {
	struct sdt head;
	uint64_t table[3];
} PACKED;

_Static_assert(sizeof(struct sdt) == 36, "ACPI 6.4 section 5.2.6");
_Static_assert(sizeof(struct rsdp) == 36, "ACPI 6.4 section 5.2.5.3");
_Static_assert(offsetof(struct fadt, boot_arch) == 109, "ACPI 6.4 table 5.9");
_Static_assert(offsetof(struct fadt, reset) == 116, "ACPI 6.4 table 5.9");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "ACPI 6.4 table 5.9");
_Static_assert(offsetof(struct fadt, sleep_control) == 244, "ACPI 6.4 table 5.9");
_Static_assert(sizeof(struct fadt) == 276, "ACPI 6.4 table 5.9");

enum {
	SPACE_IO = 1,
	ACCESS_BYTE = 1,

	BOOT_NO_VGA = 1 << 2,
	BOOT_NO_CMOS_RTC = 1 << 5,

	FADT_PWR_BUTTON = 1 << 4, /* no fixed power button */
	FADT_SLP_BUTTON = 1 << 5,
	FADT_RESET_SUP = 1 << 10,
	FADT_HW_REDUCED = 1 << 20,

	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	LAPIC_ENABLED = 1,
};

/* Where the next table goes. */
struct area {
	const struct gmem *m;
	gpa_t at;
};

static uint8_t checksum(const void *data, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
	return (uint8_t)-sum;
}

static struct sdt sdt_head(const char signature[5], size_t length, uint8_t revision)
{
	struct sdt h = {
		.length = (uint32_t)length,
		.revision = revision,
		.oem = { 'V', 'M', 'T', 'O', 'O', 'L' },
		.oem_table = { 'V', 'M', 'T', 'O', 'O', 'L' },
		.oem_revision = 1,
		.creator = { 'V', 'M', 'T', ' ' },
		.creator_revision = 1,
	};

	memcpy(h.signature, signature, 4);
	return h;
}

/* Copies the finished table; its address, or 0 when there is no room. */
static gpa_t place(struct area *a, const void *table, size_t len)
{
	gpa_t at = (a->at + 15) & ~15ull;
	void *to = at + len <= GPA_ACPI_END ? gmem_span(a->m, at, len) : NULL;

	if (!to)
		return 0;
	memcpy(to, table, len);
	a->at = at + len;
	return at;
}

static gpa_t place_sdt(struct area *a, struct sdt *h)
{
	h->checksum = 0;
	h->checksum = checksum(h, h->length);
	return place(a, h, h->length);
}

static struct gas port(uint16_t at)
{
	return (struct gas){ .space = SPACE_IO, .bits = 8, .access = ACCESS_BYTE, .address = at };
}

static gpa_t place_fadt(struct area *a, gpa_t dsdt)
{
	struct fadt f = {
		.head = sdt_head("FACP", sizeof(f), 6),
		.boot_arch = BOOT_NO_VGA | BOOT_NO_CMOS_RTC, /* and no bit for an 8042 */
		.flags = FADT_HW_REDUCED | FADT_RESET_SUP | FADT_PWR_BUTTON | FADT_SLP_BUTTON,
		.reset = port(PORT_POWER + POWER_RESET),
		.reset_value = POWER_RESET_NOW,
		.minor = 4,
		.x_dsdt = dsdt,
		.sleep_control = port(PORT_POWER + POWER_SLEEP_CONTROL),
		.sleep_status = port(PORT_POWER + POWER_SLEEP_STATUS),
	};

	return place_sdt(a, &f.head);
}

static gpa_t place_madt(struct area *a, unsigned cpus)
{
	struct madt t = {
		.head = sdt_head("APIC", offsetof(struct madt, lapic[cpus]), 5),
		.lapic_address = (uint32_t)GPA_LAPIC,
		.ioapic = { MADT_IOAPIC, sizeof(t.ioapic), 0, 0, (uint32_t)GPA_IOAPIC, 0 },
	};

	for (unsigned i = 0; i < cpus; i++)
		t.lapic[i] = (struct lapic){ MADT_LAPIC, sizeof(struct lapic), (uint8_t)i,
					     (uint8_t)i, LAPIC_ENABLED };
	return place_sdt(a, &t.head);
}

static gpa_t place_mcfg(struct area *a)
{
	struct mcfg t = { .head = sdt_head("MCFG", sizeof(t), 1), .address = GPA_ECAM };

	return place_sdt(a, &t.head);
}

static gpa_t place_xsdt(struct area *a, gpa_t fadt, gpa_t madt, gpa_t mcfg)
{
	struct xsdt t = { .head = sdt_head("XSDT", sizeof(t), 1), .table = { fadt, madt, mcfg } };

	return place_sdt(a, &t.head);
}

static gpa_t place_rsdp(struct area *a, gpa_t xsdt)
{
	struct rsdp r = {
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
		.oem = { 'V', 'M', 'T', 'O', 'O', 'L' },
		.revision = 2,
		.length = sizeof(r),
		.xsdt = xsdt,
	};

	r.checksum = checksum(&r, 20); /* the part ACPI 1.0 knew */
	r.extended_checksum = checksum(&r, sizeof(r));
	return place(a, &r, sizeof(r));
}

int64_t acpi_write(const struct gmem *m, unsigned cpus)
{
	/* The RSDP stands first, where a scan from 0xe0000 on finds it at once. */
	struct area a = { m, GPA_ACPI + 64 };
	struct area first = { m, GPA_ACPI };
	gpa_t dsdt, fadt, madt, mcfg, xsdt;

	if (cpus > CPUS_MAX)
		return -ENOSPC;
	dsdt = place(&a, dsdt_aml, sizeof(dsdt_aml));
	fadt = place_fadt(&a, dsdt);
	madt = place_madt(&a, cpus);
	mcfg = place_mcfg(&a);
	xsdt = place_xsdt(&a, fadt, madt, mcfg);
	if (!dsdt || !fadt || !madt || !mcfg || !xsdt)
		return -ENOSPC;
	return (int64_t)place_rsdp(&first, xsdt);
}
