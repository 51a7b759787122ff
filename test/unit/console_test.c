/* The console device under drivers good and bad. */
#include "check.h"
#include "console_world.h"

/* One descriptor of a ring, offered. */
static void offer(struct ring *r, uint16_t at, uint32_t gpa, uint32_t len, uint16_t flags)
{
	r->desc[at] = (struct ring_desc){ gpa, len, flags, (uint16_t)(at + 1) };
	if (!(flags & DESC_NEXT))
		ring_offer(r, at);
}

static void broken_by(unsigned queue)
{
	vdev_notify(&cw.dev, queue);
	CHECK(cw.dev.status & VDEV_NEEDS_RESET);
	CHECK(!console_is_up(&cw));
	CHECK(console_receive(&cw, "x", 1) <=
	      1); /* whoever types does not know, and harms nobody */
	vdev_notify(&cw.dev, CW_RECEIVE);
}

static void what_the_guest_says_is_lost(void)
{
	cw_begin(VDEV_F_VERSION_1);
	memcpy(cw_ram + CW_DATA_AT, "hello, ", 7);
	memcpy(cw_ram + CW_DATA_AT + 64, "world\n", 6);
	offer(&cw_tx, 0, CW_DATA_AT, 7, DESC_NEXT);
	cw_tx.desc[1] = (struct ring_desc){ CW_DATA_AT + 64, 6, 0, 0 };
	ring_offer(&cw_tx, 0);
	vdev_notify(&cw.dev, CW_TRANSMIT);
	CHECK(cw_said == 13 && !memcmp(cw_last, "hello, world\n", 13));
	CHECK(cw_tx.used->idx == 1 && cw_tx.used->ring[0].len == 0);
	CHECK(driver_again == 1); /* there may be more, and others have their turn first */
	vdev_notify(&cw.dev, CW_TRANSMIT);
	CHECK(cw_said == 13 && driver_again == 1);
}

static void a_long_line_is_cut(void)
{
	cw_begin(VDEV_F_VERSION_1);
	for (unsigned i = 0; i < 5000; i++)
		cw_ram[CW_DATA_AT + i] = (uint8_t)(i * 7);
	offer(&cw_tx, 0, CW_DATA_AT, 5000, 0);
	vdev_notify(&cw.dev, CW_TRANSMIT);
	CHECK(cw_said == 5000 && !memcmp(cw_last, cw_ram + CW_DATA_AT, 5000));
}

static void what_is_typed_does_not_arrive(void)
{
	cw_begin(VDEV_F_VERSION_1);
	offer(&cw_rx, 0, CW_DATA_AT, 4, DESC_WRITE);
	offer(&cw_rx, 1, CW_DATA_AT + 8, 64, DESC_WRITE);
	CHECK(console_receive(&cw, "ls -la\n", 7) == 7);
	CHECK(driver_again == 1 && cw_rx.used->idx == 0); /* in a turn of its own */
	vdev_notify(&cw.dev, CW_RECEIVE);
	CHECK(cw_rx.used->idx == 2 && cw_rx.used->ring[0].len == 4 && cw_rx.used->ring[1].len == 3);
	CHECK(!memcmp(cw_ram + CW_DATA_AT, "ls -", 4) &&
	      !memcmp(cw_ram + CW_DATA_AT + 8, "la\n\0", 4));
	CHECK(cw_hungry == 1);
}

/* A guest that does not read holds back who types, and loses nothing of it. */
static void more_is_taken_than_there_is_room(void)
{
	uint8_t text[CONSOLE_TYPED + 10];

	cw_begin(VDEV_F_VERSION_1);
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)i;
	CHECK(console_receive(&cw, text, sizeof(text)) == CONSOLE_TYPED);
	CHECK(console_receive(&cw, text, 1) == 0);
	vdev_notify(&cw.dev, CW_RECEIVE);
	CHECK(cw_rx.used->idx == 0 && cw_hungry == 0);
	offer(&cw_rx, 0, CW_DATA_AT, 100, DESC_WRITE);
	vdev_notify(&cw.dev, CW_RECEIVE);
	CHECK(cw_rx.used->idx == 1 && cw_rx.used->ring[0].len == 100 && cw_hungry == 0);
	CHECK(console_receive(&cw, text, sizeof(text)) == 100);
	offer(&cw_rx, 1, CW_DATA_AT + 100, 1000, DESC_WRITE);
	vdev_notify(&cw.dev, CW_RECEIVE);
	CHECK(cw_rx.used->ring[1].len == CONSOLE_TYPED && cw_hungry == 1);
	CHECK(!memcmp(cw_ram + CW_DATA_AT, text, CONSOLE_TYPED));
	CHECK(!memcmp(cw_ram + CW_DATA_AT + CONSOLE_TYPED, text, 100));
}

/* Before there is a driver, and after it has reset the device. */
static void the_next_driver_gets_the_last_ones_input(void)
{
	cw_begin(VDEV_F_VERSION_1);
	CHECK(console_is_up(&cw));
	CHECK(console_receive(&cw, "secret", 6) == 6);
	CHECK(vdev_set_status(&cw.dev, 0) == 1 && !console_is_up(&cw));
	vdev_run(&cw.dev);
	CHECK(cw.typed == 0 && cw_hungry == 1); /* whoever waited to type goes on, elsewhere */
	console_init(&cw, &cw_mem, &cw_host);
	CHECK(!console_is_up(&cw));
}

static void a_buffer_to_be_filled_is_said(void)
{
	cw_begin(VDEV_F_VERSION_1);
	offer(&cw_tx, 0, CW_DATA_AT, 4, DESC_WRITE);
	broken_by(CW_TRANSMIT);
	CHECK(cw_said == 0);
}

static void a_buffer_to_be_said_is_filled(void)
{
	cw_begin(VDEV_F_VERSION_1);
	offer(&cw_rx, 0, CW_DATA_AT, 4, 0);
	console_receive(&cw, "x", 1);
	broken_by(CW_RECEIVE);
	CHECK(cw_ram[CW_DATA_AT] == 0);
	cw_begin(VDEV_F_VERSION_1);
	offer(&cw_rx, 0, CW_DATA_AT, 0, DESC_WRITE); /* nothing would ever fit */
	console_receive(&cw, "x", 1);
	broken_by(CW_RECEIVE);
}

static void a_ring_outside_memory_is_followed(void)
{
	cw_begin(VDEV_F_VERSION_1);
	offer(&cw_tx, 0, CW_RAM - 2, 4, 0);
	broken_by(CW_TRANSMIT);
	CHECK(cw_said == 0);
}

int main(void)
{
	TEST(what_the_guest_says_is_lost);
	TEST(a_long_line_is_cut);
	TEST(what_is_typed_does_not_arrive);
	TEST(more_is_taken_than_there_is_room);
	TEST(the_next_driver_gets_the_last_ones_input);
	TEST(a_buffer_to_be_filled_is_said);
	TEST(a_buffer_to_be_said_is_filled);
	TEST(a_ring_outside_memory_is_followed);
	return check_done();
}
