/* The tables as a kernel walks them: from the RSDP on, believing lengths, checking sums. */
#include "vmm/acpi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "check.h"
#include "vmm/layout.h"
#include "vmm/power.h"

enum { RAM = 0x200000 };

static uint8_t ram[RAM];
static const struct gmem mem = { .region = { { 0, RAM, ram } } };

static uint64_t get(gpa_t at, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, ram + at, size);
	return v;
}

static uint8_t sum(gpa_t at, size_t len)
{
	uint8_t s = 0;

	while (len-- > 0)
		s = (uint8_t)(s + ram[at++]);
	return s;
}

/* The table at `at`: inside the area, with that signature and a right sum. Its length. */
static uint32_t table(gpa_t at, const char *signature)
{
	uint32_t len;

	CHECK(at >= GPA_ACPI && at + 36 <= GPA_ACPI_END);
	len = (uint32_t)get(at + 4, 4);
	if (memcmp(ram + at, signature, 4))
		printf("# %.4s instead of %s\n", (char *)ram + at, signature);
	CHECK(!memcmp(ram + at, signature, 4));
	CHECK(len >= 36 && at + len <= GPA_ACPI_END);
	CHECK(sum(at, len) == 0);
	return len;
}

/* Where the XSDT says the table lies. */
static gpa_t find(gpa_t xsdt, const char *signature)
{
	uint32_t len = table(xsdt, "XSDT");

	CHECK((len - 36) % 8 == 0);
	for (gpa_t at = xsdt + 36; at < xsdt + len; at += 8)
		if (!memcmp(ram + get(at, 8), signature, 4))
			return get(at, 8);
	printf("# no %s\n", signature);
	CHECK(!"the table");
	return GPA_ACPI;
}

static gpa_t write_tables(unsigned cpus)
{
	int64_t rsdp;

	memset(ram, 0, sizeof(ram));
	rsdp = acpi_write(&mem, cpus);
	CHECK(rsdp == (int64_t)GPA_ACPI && rsdp % 16 == 0);
	CHECK(!memcmp(ram + rsdp, "RSD PTR ", 8) && get((gpa_t)rsdp + 15, 1) == 2);
	CHECK(sum((gpa_t)rsdp, 20) == 0 && sum((gpa_t)rsdp, 36) == 0);
	CHECK(get((gpa_t)rsdp + 20, 4) == 36);
	return get((gpa_t)rsdp + 24, 8);
}

static void a_kernel_does_not_find_the_tables(void)
{
	gpa_t xsdt = write_tables(2), fadt = find(xsdt, "FACP"), mcfg = find(xsdt, "MCFG");
	uint64_t flags = get(fadt + 112, 4);

	CHECK(table(fadt, "FACP") == 276 && get(fadt + 8, 1) == 6);
	CHECK(flags & 1 << 20 && flags & 1 << 10); /* hardware-reduced, has a reset register */
	CHECK(get(fadt + 116, 1) == 1 && get(fadt + 120, 8) == PORT_POWER + POWER_RESET);
	CHECK(get(fadt + 128, 1) == POWER_RESET_NOW);
	CHECK(get(fadt + 248, 8) == PORT_POWER + POWER_SLEEP_CONTROL);
	CHECK(get(fadt + 260, 8) == PORT_POWER + POWER_SLEEP_STATUS);
	CHECK(table(get(fadt + 140, 8), "DSDT") > 36);
	CHECK(table(mcfg, "MCFG") == 60);
	CHECK(get(mcfg + 44, 8) == GPA_ECAM && get(mcfg + 54, 1) == 0 && get(mcfg + 55, 1) == 0);
}

static void a_cpu_is_missing(void)
{
	static const unsigned counts[] = { 1, 2, 3, 16, 64, 254, 255 };

	for (unsigned n = 0; n < COUNT(counts); n++) {
		gpa_t madt = find(write_tables(counts[n]), "APIC");
		uint32_t len = table(madt, "APIC"), cpus = 0, ioapics = 0;

		CHECK(get(madt + 36, 4) == GPA_LAPIC);
		for (gpa_t at = madt + 44; at < madt + len; at += get(at + 1, 1)) {
			unsigned type = (unsigned)get(at, 1);

			CHECK(get(at + 1, 1) == (type == 0 ? 8 : 12));
			if (check.failed)
				return;
			if (type == 0) {
				CHECK(get(at + 3, 1) == cpus && get(at + 4, 4) == 1);
				cpus++;
			} else {
				CHECK(type == 1 && get(at + 4, 4) == GPA_IOAPIC);
				CHECK(get(at + 8, 4) == 0);
				ioapics++;
			}
		}
		CHECK(cpus == counts[n] && ioapics == 1);
	}
}

static void tables_overlap_or_leave_their_area(void)
{
	gpa_t xsdt = write_tables(255), fadt = find(xsdt, "FACP");
	gpa_t at[] = { GPA_ACPI,	  xsdt, fadt, get(fadt + 140, 8), find(xsdt, "APIC"),
		       find(xsdt, "MCFG") };
	uint64_t end[COUNT(at)];

	for (unsigned i = 0; i < COUNT(at); i++) {
		end[i] = at[i] + (i == 0 ? 36 : get(at[i] + 4, 4));
		CHECK(at[i] % 16 == 0);
		for (unsigned k = 0; k < i; k++)
			CHECK(at[i] >= end[k] || at[k] >= end[i]);
	}
	for (gpa_t byte = 0; byte < GPA_ACPI; byte++)
		CHECK(ram[byte] == 0);
	for (gpa_t byte = GPA_ACPI_END; byte < RAM; byte++)
		CHECK(ram[byte] == 0);
}

static void too_many_cpus_or_too_little_ram_is_taken(void)
{
	static const struct gmem tiny = { .region = { { 0, GPA_ACPI + 128, ram } } };

	memset(ram, 0, sizeof(ram));
	CHECK(acpi_write(&mem, 256) == -ENOSPC);
	CHECK(acpi_write(&mem, UINT32_MAX) == -ENOSPC);
	CHECK(acpi_write(&tiny, 1) == -ENOSPC);
}

/* --- for ACPICA, which reads them back: acpi_test FOLDER CPUS (test/cli/acpi.t) --- */

static void write_table(const char *dir, const char *name, gpa_t at, size_t len)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.dat", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, ram + at, len) == (ssize_t)len);
	close(fd);
}

static void write_all(const char *dir, unsigned cpus)
{
	static const char *const listed[] = { "FACP", "APIC", "MCFG" };
	gpa_t xsdt = write_tables(cpus), dsdt = get(find(xsdt, "FACP") + 140, 8);

	write_table(dir, "RSDP", GPA_ACPI, 36);
	write_table(dir, "XSDT", xsdt, table(xsdt, "XSDT"));
	write_table(dir, "DSDT", dsdt, table(dsdt, "DSDT"));
	for (unsigned i = 0; i < COUNT(listed); i++)
		write_table(dir, listed[i], find(xsdt, listed[i]), table(find(xsdt, listed[i]), listed[i]));
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		write_all(argv[1], (unsigned)atoi(argv[2]));
		return check.failed > 0;
	}
	TEST(a_kernel_does_not_find_the_tables);
	TEST(a_cpu_is_missing);
	TEST(tables_overlap_or_leave_their_area);
	TEST(too_many_cpus_or_too_little_ram_is_taken);
	return check_done();
}
