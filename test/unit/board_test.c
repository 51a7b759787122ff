/* The board's old parts: what a kernel reads from them at boot, and what it may write. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "check.h"
#include "vmm/bus.h"
#include "vmm/cmos.h"
#include "vmm/layout.h"
#include "vmm/pcihost.h"
#include "vmm/power.h"
#include "vmm/serial.h"

static struct bus ports, memory;

static uint64_t in(uint64_t port)
{
	return bus_read(&ports, port, 1) & 0xff;
}

static void out(uint64_t port, uint64_t value)
{
	bus_write(&ports, port, 1, value);
}

/* --- bus ------------------------------------------------------------------------------------ */

static uint64_t echo_read(void *ctx, uint64_t off, unsigned size)
{
	(void)ctx;
	return off << 8 | size;
}

static void an_access_reaches_a_wrong_device(void)
{
	static const struct {
		const char *why;
		uint64_t at;
		unsigned size;
		uint64_t want;
	} cases[] = {
		{ "first byte", 0x100, 1, 1 },
		{ "last byte", 0x107, 1, 0x701 },
		{ "all of it", 0x100, 8, 8 },
		{ "before it", 0xff, 1, UINT64_MAX },
		{ "across its start", 0xff, 2, UINT64_MAX },
		{ "behind it", 0x108, 1, UINT64_MAX },
		{ "across its end", 0x107, 2, UINT64_MAX },
		{ "the last byte there is", UINT64_MAX, 1, 0xf01 },
		{ "beyond the last byte there is", UINT64_MAX, 8, UINT64_MAX },
		{ "no one reads there", 0x200, 4, UINT64_MAX },
	};

	ports.count = 0;
	bus_add(&ports, &(struct bus_dev){ 0x100, 8, NULL, echo_read, NULL });
	bus_add(&ports, &(struct bus_dev){ UINT64_MAX - 15, 16, NULL, echo_read, NULL });
	bus_add(&ports, &(struct bus_dev){ 0x200, 8, NULL, NULL, NULL });
	for (unsigned i = 0; i < COUNT(cases); i++) {
		uint64_t got = bus_read(&ports, cases[i].at, cases[i].size);

		if (got != cases[i].want)
			printf("# %s: got %#jx\n", cases[i].why, (uintmax_t)got);
		CHECK(got == cases[i].want);
		bus_write(&ports, cases[i].at, cases[i].size, 1); /* goes nowhere */
	}
}

/* --- serial --------------------------------------------------------------------------------- */

enum { DATA = PORT_COM1, IER, IIR, LCR, MCR, LSR, MSR, SCRATCH };

static struct conline wire;
static struct serial uart;
static struct loop loop;
static int console, irq;

static void uart_up(void)
{
	ports.count = 0;
	console = memfd_create("console", MFD_CLOEXEC);
	irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(fcntl(console, F_SETFL, O_APPEND) == 0);
	CHECK(loop_open(&loop) == 0);
	wire = (struct conline){ .out = -1 };
	CHECK(conline_open(&wire, console, &loop) == 0);
	serial_attach(&uart, &wire, irq, &ports);
}

static void uart_down(void)
{
	loop_del(&loop, &wire.linger);
	conline_close(&wire);
	loop_close(&loop);
	close(console);
	close(irq);
}

/* Edges since the last question. */
static unsigned edges(void)
{
	uint64_t count = 0;

	return read(irq, &count, sizeof(count)) < 0 ? 0 : (unsigned)count;
}

static void say(const char *text)
{
	for (; *text; text++)
		out(DATA, (uint8_t)*text);
}

static int console_says(const char *want)
{
	char got[256] = "";

	return pread(console, got, sizeof(got) - 1, 0) == (ssize_t)strlen(want) &&
	       !strcmp(got, want);
}

static void a_kernels_tty_stops_after_one_byte(void)
{
	uart_up();
	out(MCR, 8); /* OUT2 */
	CHECK(edges() == 0 && (in(IIR)&0xf) == 1);
	out(IER, 2);
	CHECK(edges() == 1);
	CHECK((in(IIR)&0xf) == 2);
	CHECK((in(IIR)&0xf) == 1); /* reading it was the acknowledgement */
	out(DATA, 'a');
	CHECK(edges() == 1 && (in(IIR)&0xf) == 2);
	out(IER, 2); /* already on: nothing new */
	CHECK(edges() == 0 && (in(IIR)&0xf) == 1);
	out(DATA, 'b');
	out(IER, 0); /* stop_tx */
	CHECK((in(IIR)&0xf) == 1);
	edges();
	out(DATA, 'c');
	CHECK(edges() == 0 && (in(IIR)&0xf) == 1);
	out(IER, 2); /* start_tx */
	CHECK(edges() == 1 && (in(IIR)&0xf) == 2);
	CHECK((in(LSR)&0x61) == 0x60);
	uart_down();
}

static void an_interrupt_passes_a_closed_gate(void)
{
	uart_up();
	out(IER, 2);
	out(DATA, 'x');
	CHECK(edges() == 0 && (in(IIR)&0xf) == 2);
	uart_down();
}

static void the_divisor_is_printed(void)
{
	uart_up();
	out(LCR, 0x83);
	out(DATA, 1);
	out(IER, 2);
	CHECK(in(DATA) == 1 && in(IER) == 2);
	out(LCR, 3);
	CHECK(in(DATA) == 0 && in(IER) == 0 && edges() == 0);
	conline_flush(&wire);
	CHECK(console_says(""));
	uart_down();
}

static void the_chip_is_not_recognised(void)
{
	uart_up();
	out(IER, 0xff);
	CHECK(in(IER) == 0x0f); /* the other bits do not exist */
	out(IER, 0);
	CHECK(in(IER) == 0);
	out(SCRATCH, 0xa5);
	CHECK(in(SCRATCH) == 0xa5);
	out(MCR, 0x1a); /* loop-back with OUT2 and RTS must show as DCD and CTS */
	CHECK((in(MSR)&0xf0) == 0x90);
	out(DATA, 'x'); /* and nothing leaves */
	out(MCR, 0);
	CHECK((in(IIR)&0xc0) == 0xc0); /* a 16550A's FIFOs */
	conline_flush(&wire);
	CHECK(console_says(""));
	uart_down();
}

static void lines_come_late_or_broken(void)
{
	uart_up();
	say("one\ntwo");
	CHECK(console_says("one\n"));
	conline_flush(&wire);
	CHECK(console_says("one\ntwo"));
	conline_flush(&wire);
	CHECK(console_says("one\ntwo"));
	say("\r\n");
	CHECK(console_says("one\ntwo\r\n"));
	uart_down();
}

static void an_endless_line_overflows(void)
{
	uart_up();
	for (unsigned i = 0; i < 3 * CONLINE_BUF + 1; i++)
		out(DATA, 'x');
	CHECK(lseek(console, 0, SEEK_END) == 3 * CONLINE_BUF);
	uart_down();
}

static void the_log_fills_the_disk(void)
{
	static char line[4096];
	char tail[16];

	uart_up();
	memset(line, 'a', sizeof(line));
	for (unsigned i = 0; i < CONLINE_LOG_MAX / sizeof(line); i++)
		CHECK(write(console, line, sizeof(line)) == sizeof(line));
	wire.written = CONLINE_LOG_MAX;
	say("the last words\n");
	CHECK(lseek(console, 0, SEEK_END) == CONLINE_LOG_MAX / 2 + 15);
	CHECK(pread(console, tail, 15, CONLINE_LOG_MAX / 2) == 15);
	CHECK(!memcmp(tail, "the last words\n", 15));
	CHECK(fcntl(console, F_GETFL) & O_APPEND);
	say("and more\n");
	CHECK(lseek(console, 0, SEEK_END) == CONLINE_LOG_MAX / 2 + 15 + 9);
	uart_down();
}

/* --- power ---------------------------------------------------------------------------------- */

static struct pcihost pci;
static int event;

static void on_event(struct power *p, enum power_event ev)
{
	(void)p;
	event = ev;
}

static void a_guest_cannot_end_or_ends_by_accident(void)
{
	static const struct {
		const char *why;
		uint64_t port, value;
		int want;
	} cases[] = {
		{ "sleep S5", PORT_POWER, 1 << 5 | 5 << 2, POWER_OFF },
		{ "S5 without enable", PORT_POWER, 5 << 2, 0 },
		{ "S3", PORT_POWER, 1 << 5 | 3 << 2, 0 },
		{ "the wake bit, cleared before", PORT_POWER + 1, 0x80, 0 },
		{ "reset", PORT_POWER + 2, POWER_RESET_NOW, POWER_REBOOT },
		{ "not the reset value", PORT_POWER + 2, 2, 0 },
		{ "i8042 pulse", 0x64, 0xfe, POWER_REBOOT },
		{ "the chipset's reset", PORT_RESET, 0x0e, POWER_REBOOT },
		{ "the kind of reset alone", PORT_RESET, 0x02, 0 },
		{ "i8042 self-test", 0x64, 0xaa, 0 },
		{ "i8042 data", 0x60, 0xfe, 0 },
		{ "panic alone", PORT_PVPANIC, 1, 0 },
	};
	struct power p = { .event = on_event };

	ports.count = 0;
	power_attach(&p, &ports);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		event = 0;
		out(cases[i].port, cases[i].value);
		if (event != cases[i].want)
			printf("# %s: got %d\n", cases[i].why, event);
		CHECK(event == cases[i].want);
	}
	CHECK(p.panicked && (in(PORT_PVPANIC)&1));
	CHECK(in(0x64) == 0xff); /* no keyboard controller to wait for */
	CHECK(in(PORT_POWER + 1) == 0);
	event = 0;
	pcihost_attach(&pci, &memory, &ports);
	bus_write(&ports, PORT_PCI, 4, UINT32_MAX); /* goes across 0xcf9, and is PCI's */
	CHECK(event == 0 && bus_read(&ports, PORT_PCI, 4) == 0x80fffffc);
}

/* --- clock ---------------------------------------------------------------------------------- */

static int bcd_is(unsigned reg, int low, int high)
{
	unsigned v;
	int n;

	out(PORT_CMOS, reg);
	v = (unsigned)in(PORT_CMOS + 1);
	n = (int)(v >> 4) * 10 + (int)(v & 15);
	return (v >> 4) < 10 && (v & 15) < 10 && n >= low && n <= high;
}

static void the_clock_is_nonsense(void)
{
	struct cmos c = { 0 };

	ports.count = 0;
	cmos_attach(&c, &ports);
	CHECK(bcd_is(0, 0, 60) && bcd_is(2, 0, 59) && bcd_is(4, 0, 23) && bcd_is(6, 1, 7));
	CHECK(bcd_is(7, 1, 31) && bcd_is(8, 1, 12) && bcd_is(9, 0, 99) && bcd_is(0x32, 20, 99));
	for (unsigned i = 0; i < 256; i++) {
		out(PORT_CMOS, i);
		in(PORT_CMOS + 1);
		out(PORT_CMOS + 1, 0xff);
	}
	out(PORT_CMOS, 0x8a);		    /* register A, with the NMI bit */
	CHECK(!(in(PORT_CMOS + 1) & 0x80)); /* "update in progress" would be waited for */
	out(PORT_CMOS, 0x0b);
	CHECK((in(PORT_CMOS + 1) & 6) == 2);
}

/* --- PCI host bridge ------------------------------------------------------------------------ */

static _Alignas(16) uint8_t ram[4096];
static const struct gmem mem = { .region = { { 0, sizeof(ram), ram } } };
static unsigned kicks;

static int toy_notify(struct vdev *d, unsigned q)
{
	(void)d, (void)q;
	return 0;
}

static const struct vdev_type toy = {
	.name = "toy",
	.id = 4,
	.nqueues = 1,
	.queue_max = 8,
	.notify = toy_notify,
};

static void no_vector(struct vpci_host *h, unsigned v)
{
	(void)h, (void)v;
}

static void count_kick(struct vpci_host *h, int q)
{
	(void)h, (void)q;
	kicks++;
}

static void no_move(struct vpci_host *h)
{
	(void)h;
}

static struct vpci_host vhost = { no_vector, no_vector, no_vector, count_kick, no_move };
static struct vdev dev[2];
static struct vpci function[2];

static void pci_up(void)
{
	ports.count = memory.count = 0;
	pci = (struct pcihost){ 0 };
	for (unsigned i = 0; i < 2; i++) {
		vdev_init(&dev[i], &toy, &mem, NULL, 0);
		vpci_init(&function[i], &dev[i], &vhost, 0xff0000,
			  (uint32_t)GPA_PCI_MEM + i * VPCI_BAR_BYTES);
	}
	pci.slot[1] = &function[0];
	pci.slot[31] = &function[1];
	pcihost_attach(&pci, &memory, &ports);
}

static uint64_t ecam(unsigned slot, unsigned fn, unsigned off, unsigned size)
{
	return bus_read(&memory, GPA_ECAM + slot * 0x8000 + fn * 0x1000 + off, size);
}

static void functions_are_missed_or_imagined(void)
{
	pci_up();
	for (unsigned slot = 0; slot < 32; slot++)
		for (unsigned fn = 0; fn < 8; fn++) {
			int there = fn == 0 && (slot == 0 || slot == 1 || slot == 31);

			CHECK((ecam(slot, fn, 0, 4) != UINT32_MAX) == there);
			bus_write(&ports, PORT_PCI, 4, 1u << 31 | slot << 11 | fn << 8);
			CHECK((bus_read(&ports, PORT_PCI + 4, 4) != UINT32_MAX) == there);
			CHECK((uint32_t)bus_read(&ports, PORT_PCI + 4, 4) ==
			      (uint32_t)ecam(slot, fn, 0, 4));
		}
	CHECK((ecam(0, 0, 8, 4) >> 16) == 0x0600);
	CHECK(ecam(1, 0, 0x100, 4) == 0);		    /* no extended capabilities */
	bus_write(&ports, PORT_PCI, 4, 1u << 31 | 1 << 16); /* bus 1 */
	CHECK((uint32_t)bus_read(&ports, PORT_PCI + 4, 4) == UINT32_MAX);
	bus_write(&ports, PORT_PCI, 4, 1 << 11); /* not enabled */
	CHECK((uint32_t)bus_read(&ports, PORT_PCI + 4, 4) == UINT32_MAX);
	bus_write(&ports, PORT_PCI, 4, 1u << 31 | 1 << 11);
	CHECK(bus_read(&ports, PORT_PCI, 4) == (1u << 31 | 1 << 11));
	CHECK(bus_read(&ports, PORT_PCI + 6, 2) == 0x1044);
}

static void a_window_answers_where_it_is_not(void)
{
	pci_up();
	CHECK(bus_read(&memory, GPA_PCI_MEM, 4) == UINT64_MAX); /* decoding is off */
	for (unsigned slot = 1; slot < 32; slot += 30)
		bus_write(&memory, GPA_ECAM + slot * 0x8000 + 4, 2, PCI_COMMAND_MEMORY);
	CHECK(bus_read(&memory, GPA_PCI_MEM + 18, 2) == 1);
	CHECK(bus_read(&memory, GPA_PCI_MEM + VPCI_BAR_BYTES + 18, 2) == 1);
	CHECK(bus_read(&memory, GPA_PCI_MEM + VPCI_BAR_BYTES - 2, 4) == UINT64_MAX);
	CHECK(bus_read(&memory, GPA_PCI_MEM + 2 * VPCI_BAR_BYTES, 4) == UINT64_MAX);
	/* Out of the range of windows, to the last page there is, back into the other's. */
	static const uint32_t places[] = {
		0, 0x8000, 0xfee00000, 0xffff8000, 0xd0008000, 0xdfff8000
	};

	for (unsigned i = 0; i < COUNT(places); i++) {
		bus_write(&memory, GPA_ECAM + 0x8000 + 0x10, 4, places[i]);
		bus_read(&memory, GPA_PCI_MEM, 4);
		bus_read(&memory, GPA_PCI_MEM + GPA_PCI_MEM_LEN - 8, 8);
		bus_write(&memory, GPA_PCI_MEM + VPCI_BAR_BYTES + VPCI_BAR_NOTIFY, 2, 0);
	}
	CHECK(bus_read(&memory, GPA_PCI_MEM + GPA_PCI_MEM_LEN - VPCI_BAR_BYTES + 18, 2) == 1);
	CHECK(kicks == COUNT(places));
}

static void some_access_reaches_beyond_the_bus(void)
{
	static const uint64_t values[] = { 0, 1, 0xd0000002, UINT64_MAX };

	pci_up();
	for (unsigned v = 0; v < COUNT(values); v++) {
		for (unsigned size = 1; size <= 8; size *= 2)
			for (uint64_t off = 0; off < 4 * 0x8000; off += 1 + off % 3) {
				bus_write(&memory, GPA_ECAM + off, size, values[v]);
				bus_read(&memory, GPA_ECAM + off, size);
				bus_read(&memory, GPA_ECAM + GPA_ECAM_LEN - off, size);
				bus_read(&memory, GPA_PCI_MEM + off, size);
			}
		for (unsigned size = 1; size <= 4; size *= 2)
			for (uint32_t address = 0; address < 0x20000; address += 0xff) {
				bus_write(&ports, PORT_PCI, 4, 1u << 31 | address);
				for (unsigned at = 0; at < 8; at++) {
					bus_read(&ports, PORT_PCI + at, size);
					bus_write(&ports, PORT_PCI + at, size, values[v]);
				}
			}
	}
	CHECK((ecam(1, 0, 0, 4) & 0xffff) == 0x1af4);
}

int main(void)
{
	TEST(an_access_reaches_a_wrong_device);
	TEST(a_kernels_tty_stops_after_one_byte);
	TEST(an_interrupt_passes_a_closed_gate);
	TEST(the_divisor_is_printed);
	TEST(the_chip_is_not_recognised);
	TEST(lines_come_late_or_broken);
	TEST(an_endless_line_overflows);
	TEST(the_log_fills_the_disk);
	TEST(a_guest_cannot_end_or_ends_by_accident);
	TEST(the_clock_is_nonsense);
	TEST(functions_are_missed_or_imagined);
	TEST(a_window_answers_where_it_is_not);
	TEST(some_access_reaches_beyond_the_bus);
	return check_done();
}
