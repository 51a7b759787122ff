/*
 * serial - a 16550 whose line is a file, and whoever else listens (National Semiconductor PC16550D).
 */
#include "vmm/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

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

/* Keeps the newer half. Within one descriptor, since the sandbox opens nothing. */
static void cut_log(struct serial *s)
{
	off_t from = SERIAL_LOG_MAX / 2, to = 0;
	char part[16384];
	ssize_t n;
	int fl;

	/* pwrite(2) appends, whatever the offset, while the file is in append mode. */
	fl = fcntl(s->out, F_GETFL);
	if (fl < 0 || fcntl(s->out, F_SETFL, fl & ~O_APPEND) < 0)
		return;
	while ((n = pread(s->out, part, sizeof(part), from)) > 0) {
		if (pwrite(s->out, part, (size_t)n, to) != n)
			break;
		from += n;
		to += n;
	}
	(void)!ftruncate(s->out, to);
	fcntl(s->out, F_SETFL, fl);
	s->written = (uint64_t)to;
}

void serial_flush(struct serial *s)
{
	if (s->used == 0)
		return;
	if (s->written + s->used > SERIAL_LOG_MAX)
		cut_log(s);
	/* A full disk costs log lines, not the guest. */
	if (fd_write_all(s->out, s->buf, s->used) == 0)
		s->written += s->used;
	if (s->line)
		s->line->said(s, s->buf, s->used);
	s->used = 0;
}

static void arm_linger(struct serial *s)
{
	struct itimerspec t = { .it_value.tv_nsec = SERIAL_LINGER_MS * 1000000 };

	timerfd_settime(s->linger.fd, 0, &t, NULL);
}

static void transmit(struct serial *s, char c)
{
	if (s->used == 0 && c != '\n')
		arm_linger(s);
	s->buf[s->used++] = c;
	if (c == '\n' || s->used == SERIAL_BUF)
		serial_flush(s);
}

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

size_t serial_receive(struct serial *s, const void *data, size_t len)
{
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
	if (s->received == 0 && s->line)
		s->line->hungry(s);
	return c;
}

static void clear_receiver(struct serial *s)
{
	unsigned had = s->received;

	s->received = 0;
	if (had && s->line)
		s->line->hungry(s);
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
		transmit(s, (char)v);
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

static void linger_over(struct watch *w, uint32_t events)
{
	struct serial *s = CONTAINER(w, struct serial, linger);
	uint64_t count;

	(void)events;
	(void)fd_read(w->fd, &count, sizeof(count));
	serial_flush(s);
}

int serial_open(struct serial *s, int out, int irqfd)
{
	struct stat st;

	*s = (struct serial){ .out = out, .irqfd = irqfd, .linger = { -1, linger_over } };
	if (fstat(out, &st) == 0)
		s->written = (uint64_t)st.st_size;
	s->linger.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return s->linger.fd < 0 ? -errno : 0;
}

int serial_attach(struct serial *s, struct bus *ports, struct loop *l)
{
	bus_add(ports, &(struct bus_dev){ PORT_COM1, REGS, s, serial_read, serial_write });
	return loop_add(l, &s->linger, EPOLLIN);
}

void serial_close(struct serial *s)
{
	serial_flush(s);
	fd_close(&s->linger.fd);
}
