/*
 * cmos - the real-time clock a PC keeps behind ports 0x70 and 0x71 (Motorola MC146818).
 */
#include "vmm/cmos.h"

#include <time.h>

#include "vmm/layout.h"

enum {
	REG_SECONDS = 0x00,
	REG_MINUTES = 0x02,
	REG_HOURS = 0x04,
	REG_WEEKDAY = 0x06,
	REG_DAY = 0x07,
	REG_MONTH = 0x08,
	REG_YEAR = 0x09,
	REG_B = 0x0b,
	REG_D = 0x0d,
	REG_CENTURY = 0x32,

	B_24H = 2, /* and binary-coded decimals */
	D_VALID = 0x80,
};

static uint8_t bcd(int v)
{
	return (uint8_t)(v / 10 % 10 << 4 | v % 10);
}

static uint8_t reg_value(uint8_t reg)
{
	time_t now = time(NULL);
	struct tm t;

	gmtime_r(&now, &t);
	switch (reg) {
	case REG_SECONDS:
		return bcd(t.tm_sec);
	case REG_MINUTES:
		return bcd(t.tm_min);
	case REG_HOURS:
		return bcd(t.tm_hour);
	case REG_WEEKDAY:
		return bcd(t.tm_wday + 1);
	case REG_DAY:
		return bcd(t.tm_mday);
	case REG_MONTH:
		return bcd(t.tm_mon + 1);
	case REG_YEAR:
		return bcd(t.tm_year);
	case REG_CENTURY:
		return bcd(19 + t.tm_year / 100);
	case REG_B:
		return B_24H;
	case REG_D:
		return D_VALID;
	}
	return 0;
}

static uint64_t cmos_read(void *ctx, uint64_t off, unsigned size)
{
	struct cmos *c = ctx;

	(void)size;
	return off == 1 ? reg_value(c->index) : 0xff;
}

static void cmos_write(void *ctx, uint64_t off, unsigned size, uint64_t value)
{
	struct cmos *c = ctx;

	(void)size;
	if (off == 0)
		c->index = value & 0x7f; /* the top bit masks NMIs */
}

void cmos_attach(struct cmos *c, struct bus *ports)
{
	bus_add(ports, &(struct bus_dev){ PORT_CMOS, 2, c, cmos_read, cmos_write });
}
