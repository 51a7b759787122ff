/*
 * acpi - the tables a kernel finds the machine by (ACPI 6.4): RSDP, XSDT, FADT, MADT, MCFG, DSDT.
 *
 * Hardware-reduced: no fixed events, no PM timer; sleep and reset are registers of vmm/power.
 */
#ifndef VMM_ACPI_H
#define VMM_ACPI_H

#include "virtio/gmem.h"

/* Writes all tables between GPA_ACPI and GPA_ACPI_END. The RSDP's address, or negative
 * (-ENOSPC: more CPUs than fit). */
int64_t acpi_write(const struct gmem *m, unsigned cpus);

#endif
