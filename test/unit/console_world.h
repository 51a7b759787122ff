/* console_world - a guest's driver around the console device: two rings, and buffers behind them. */
#ifndef CONSOLE_WORLD_H
#define CONSOLE_WORLD_H

#include "driver.h"
#include "virtio/console.h"

enum {
	CW_RECEIVE,
	CW_TRANSMIT,
	CW_DATA_AT = 2 * RING_BYTES,
	CW_RAM = CW_DATA_AT + 0x4000,
};

static _Alignas(16) uint8_t cw_ram[CW_RAM];
static const struct gmem cw_mem = { .region = { { 0, CW_RAM, cw_ram } } };
static struct console cw;
static struct ring cw_rx, cw_tx;
static size_t cw_said;
static uint8_t cw_last[CW_RAM]; /* the newest of what it said, as far as there is room */
static unsigned cw_hungry;

static inline void cw_note(struct console_host *h, const void *data, size_t len)
{
	(void)h;
	if (cw_said + len <= sizeof(cw_last))
		memcpy(cw_last + cw_said, data, len);
	cw_said += len;
}

static inline void cw_note_hunger(struct console_host *h)
{
	(void)h;
	cw_hungry++;
}

static struct console_host cw_host = { cw_note, cw_note_hunger };

/* A device whose driver is up, over rings of zeroes. */
static inline void cw_begin(uint64_t features)
{
	memset(cw_ram, 0, sizeof(cw_ram));
	cw_said = cw_hungry = 0;
	console_init(&cw, &cw_mem, &cw_host);
	driver_begin(&cw.dev, features);
	cw_rx = driver_lay(&cw.dev, CW_RECEIVE, cw_ram, 0);
	cw_tx = driver_lay(&cw.dev, CW_TRANSMIT, cw_ram, RING_BYTES);
	driver_go(&cw.dev);
	cw_hungry = 0;
}

#endif
