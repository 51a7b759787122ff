/*
 * serial - a 16550 (National Semiconductor PC16550D), whose line is the console's.
 */
#include "vmm/serial.h"

#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "vmm/layout.h"

enum {
	REG_DATA = 0, /* THR and RBR; DLL behind DLAB */
	REG_IER = 1,  /* DLM behind DLAB */
	REG_IIR = 2,  /* FCR when written */
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_MSR = 6,
	REG_SCR = 7,
	REGS = 8,

	IER_RDA = 1, /* received data available */
	IER_THRE = 2,
	IIR_NONE = 1,
	IIR_THRE = 2,
	IIR_RDA = 4, /* the higher priority of the two */
	IIR_FIFO = 0xc0,
	FCR_CLEAR_RX = 2,
	LCR_DLAB = 0x80,
	MCR_LOOP = 0x10,
	MCR_OUT2 = 8,	      /* gates the interrupt line on a PC */
	LSR_READY = 1,	      /* something was received */
	LSR_EMPTY = 0x60,     /* holding register and shifter */
	MSR_CONNECTED = 0xb0, /* DCD, DSR, CTS */
};

static void interrupt(struct serial *s)
{
	uint64_t one = 1;

	if (s->mcr & MCR_OUT2)
		(void)fd_write(s->irqfd, &one, sizeof(one));
}

/* The transmitter became (is) empty: an edge, if the driver wants to hear of it. */
static void raise_thr(struct serial *s)
{
	if (!(s->ier & IER_THRE))
		return;
	s->thr_irq = 1;
	interrupt(s);
}

static size_t receive(struct conline_port *p, const void *data, size_t len)
{
	struct serial *s = CONTAINER(p, struct serial, port);
	size_t n = MIN(len, SERIAL_FIFO - s->received);

	memcpy(s->in + s->received, data, n);
	s->received += (unsigned)n;
	if (n && (s->ier & IER_RDA))
		interrupt(s);
	return n;
}

static uint8_t read_data(struct serial *s)
{
	uint8_t c = s->in[0];

	if (s->received == 0)
		return 0;
	memmove(s->in, s->in + 1, --s->received);
	if (s->received == 0)
		conline_hungry(s->line);
	return c;
}

static void clear_receiver(struct serial *s)
{
	unsigned had = s->received;

	s->received = 0;
	if (had)
		conline_hungry(s->line);
}

/* Reading it acknowledges an empty transmitter; received data is, by being read. */
static uint8_t read_iir(struct serial *s)
{
	uint8_t iir = s->thr_irq ? IIR_THRE : IIR_NONE;

	if (s->received && (s->ier & IER_RDA))
		return IIR_FIFO | IIR_RDA;
	s->thr_irq = 0;
	return IIR_FIFO | iir;
}

/* In loop-back the modem outputs come back as inputs: drivers detect the chip by that. */
static uint8_t read_msr(const struct serial *s)
{
	if (!(s->mcr & MCR_LOOP))
		return MSR_CONNECTED;
	return (uint8_t)((s->mcr & 0x0c) << 4 | (s->mcr & 1) << 5 | (s->mcr & 2) << 3);
}

static uint64_t serial_read(void *ctx, uint64_t off, unsigned size)
{
	struct serial *s = ctx;
	int dlab = s->lcr & LCR_DLAB;

	(void)size;
	switch (off) {
	case REG_DATA:
		return dlab ? s->dll : read_data(s);
	case REG_IER:
		return dlab ? s->dlm : s->ier;
	case REG_IIR:
		return read_iir(s);
	case REG_LCR:
		return s->lcr;
	case REG_MCR:
		return s->mcr;
	case REG_LSR:
		return LSR_EMPTY | (s->received ? LSR_READY : 0);
	case REG_MSR:
		return read_msr(s);
	case REG_SCR:
		return s->scr;
	}
	return 0;
}

static void write_data(struct serial *s, uint8_t v)
{
	if (s->lcr & LCR_DLAB) {
		s->dll = v;
		return;
	}
	if (!(s->mcr & MCR_LOOP))
		conline_say(s->line, &v, 1);
	raise_thr(s);
}

static void write_ier(struct serial *s, uint8_t v)
{
	uint8_t added = v & (uint8_t)~s->ier;

	if (s->lcr & LCR_DLAB) {
		s->dlm = v;
		return;
	}
	s->ier = v & 0x0f;
	if (!(v & IER_THRE))
		s->thr_irq = 0;
	if (added & IER_THRE)
		raise_thr(s);
	if ((added & IER_RDA) && s->received)
		interrupt(s);
}

static void serial_write(void *ctx, uint64_t off, unsigned size, uint64_t value)
{
	struct serial *s = ctx;
	uint8_t v = (uint8_t)value;

	(void)size;
	switch (off) {
	case REG_DATA:
		write_data(s, v);
		break;
	case REG_IER:
		write_ier(s, v);
		break;
	case REG_IIR:
		if (v & FCR_CLEAR_RX)
			clear_receiver(s);
		break;
	case REG_LCR:
		s->lcr = v;
		break;
	case REG_MCR:
		s->mcr = v & 0x1f;
		break;
	case REG_SCR:
		s->scr = v;
		break;
	}
}

void serial_attach(struct serial *s, struct conline *line, int irqfd, struct bus *ports)
{
	*s = (struct serial){ .port = { receive }, .line = line, .irqfd = irqfd };
	line->port = &s->port;
	bus_add(ports, &(struct bus_dev){ PORT_COM1, REGS, s, serial_read, serial_write });
}
