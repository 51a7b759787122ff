/*
 * interrupts - a pin of the IOAPIC, and a virtio device's messages: delivered, masked, pending, moved.
 */
#include "bare.h"
#include "rng.h"

enum {
	PIN_VECTOR = VECTOR_FIRST,
	SELF_VECTOR,
	MSIX_VECTOR,
	MOVED_VECTOR,

	UART_IER = PORT_COM1 + 1,
	UART_IIR = PORT_COM1 + 2,
	UART_MCR = PORT_COM1 + 4,
	IER_EMPTY = 2,
	MCR_OUT2 = 8,

	IOAPIC_PINS = 24,
	PIN_MASKED = 1 << 16,
};

static uint32_t ioapic_read(unsigned reg)
{
	write32(GPA_IOAPIC, reg);
	return read32(GPA_IOAPIC + 0x10);
}

static void ioapic_pin(unsigned pin, uint32_t what)
{
	write32(GPA_IOAPIC, 0x11 + 2 * pin);
	write32(GPA_IOAPIC + 0x10, 0); /* to processor 0 */
	write32(GPA_IOAPIC, 0x10 + 2 * pin);
	write32(GPA_IOAPIC + 0x10, what);
}

/* None comes, although there is time for it. */
static int none(unsigned vector)
{
	const unsigned before = came[vector - VECTOR_FIRST];

	for (uint64_t until = now_ns() + 1000000; now_ns() < until;) {
		interrupts(1);
		interrupts(0);
	}
	return came[vector - VECTOR_FIRST] == before;
}

/* Nothing may be said meanwhile: each byte empties the transmitter, which is another interrupt. */
static void a_pin(void)
{
	int came_here, once, empty, silent;

	check((ioapic_read(1) >> 16 & 0xff) == IOAPIC_PINS - 1, "the IOAPIC has its pins");
	ioapic_pin(GSI_COM1, PIN_VECTOR);
	out8(UART_MCR, MCR_OUT2);
	out8(UART_IER, IER_EMPTY);
	came_here = comes(PIN_VECTOR, 1);
	once = none(PIN_VECTOR);
	empty = (in8(UART_IIR) & 15) == 2;
	out8(UART_IER, 0);
	check(came_here && once, "an idle serial port interrupts by its pin, once");
	check(empty, "and says what for");
	ioapic_pin(GSI_COM1, PIN_MASKED | PIN_VECTOR);
	out8(UART_IER, IER_EMPTY);
	silent = none(PIN_VECTOR);
	in8(UART_IIR);
	out8(UART_IER, 0);
	check(silent, "a masked pin is silent");
}

static void to_itself(void)
{
	lapic_write(LAPIC_ICR_HIGH, 0);
	lapic_write(LAPIC_ICR, 1 << 18 | SELF_VECTOR);
	check(comes(SELF_VECTOR, 1), "a processor interrupts itself");
}

static void messages(void)
{
	static struct rng rng;

	check(rng_find(&rng), "the entropy device is found by its capabilities");
	virtio_vector(&rng.dev, 0, 0, 1);
	virtio_vector(&rng.dev, 1, MSIX_VECTOR, 0);
	virtio_msix(&rng.dev, 1, 0);
	check(rng_up(&rng), "and comes up");
	rng_ask(&rng);
	check(rng_answered(&rng), "it answers");
	check(comes(MSIX_VECTOR, 1), "with its message");
	check(none(MSIX_VECTOR) && !(read32(rng.dev.pending) & 2), "once");

	virtio_vector(&rng.dev, 1, MSIX_VECTOR, 1);
	rng_ask(&rng);
	check(rng_answered(&rng) && none(MSIX_VECTOR), "a masked vector is silent");
	check(read32(rng.dev.pending) & 2, "and pending");
	virtio_vector(&rng.dev, 1, MSIX_VECTOR, 0);
	check(comes(MSIX_VECTOR, 2) && !(read32(rng.dev.pending) & 2), "until the mask falls");

	virtio_msix(&rng.dev, 1, 1);
	rng_ask(&rng);
	check(rng_answered(&rng) && none(MSIX_VECTOR), "so is a masked function");
	virtio_msix(&rng.dev, 1, 0);
	check(comes(MSIX_VECTOR, 3), "until that falls");

	/* What waited goes where the vector leads now. */
	virtio_vector(&rng.dev, 1, MSIX_VECTOR, 1);
	rng_ask(&rng);
	check(rng_answered(&rng), "a request under a masked vector");
	virtio_vector(&rng.dev, 1, MOVED_VECTOR, 0);
	check(comes(MOVED_VECTOR, 1) && none(MSIX_VECTOR), "comes by the one it was moved to");
	rng_ask(&rng);
	check(rng_answered(&rng) && comes(MOVED_VECTOR, 2), "and so does the next");

	virtio_msix(&rng.dev, 0, 0);
	rng_ask(&rng);
	check(rng_answered(&rng) && none(MOVED_VECTOR), "without MSI-X there is no message");
}

void bare_run(void)
{
	a_pin();
	to_itself();
	messages();
}
