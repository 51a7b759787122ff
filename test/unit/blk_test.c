/* The block device under drivers good and bad, over a file in memory. */
#include "virtio/blk.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"
#define INVARIANT(expr) CHECK(expr)
#include "blk_world.h"
#include "heard.h"
#include "vmm/diskd.h"

/* A request as the driver keeps it. */
struct request {
	uint16_t head;
	uint8_t *out, *in, *status; /* data it gives, data it gets */
};

/* How the driver cuts its buffers: lengths of the parts, 0 ends. What is left is one more. */
struct cut {
	const char *why;
	uint32_t out[4], in[4];
};

enum { LARGE_AT = 0x40000 }; /* behind all tables */

static const struct cut plain = { "header, data, status", { 16 }, { 0 } };

static uint16_t add_desc(uint32_t at, uint32_t len, uint16_t flags)
{
	w.desc[w.next_desc] = (struct ring_desc){ at, len, (uint16_t)(flags | DESC_NEXT),
						  (uint16_t)(w.next_desc + 1) };
	return w.next_desc++;
}

static void add_parts(uint32_t at, uint32_t len, const uint32_t parts[4], uint16_t flags)
{
	for (unsigned i = 0; i < 4 && parts[i] && len > 0; i++) {
		uint32_t part = MIN(parts[i], len);

		add_desc(at, part, flags);
		at += part;
		len -= part;
	}
	if (len > 0)
		add_desc(at, len, flags);
}

/* Lays a request out and makes it available, without telling the device. */
static struct request offer(uint32_t type, uint64_t sector, uint32_t out, uint32_t in,
			    const struct cut *cut)
{
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header = { type, 0, sector };
	uint32_t at = w.next_data, status_at = at + 16 + out + in;
	struct request r = { w.next_desc, world_ram + at + 16, world_ram + at + 16 + out,
			     world_ram + status_at };

	memcpy(world_ram + at, &header, sizeof(header));
	memset(r.in, 0xdd, in);
	*r.status = UNTOUCHED;
	add_parts(at, 16 + out, cut->out, 0);
	add_parts(at + 16 + out, in + 1, cut->in[0] ? cut->in : (uint32_t[4]){ in }, DESC_WRITE);
	w.desc[w.next_desc - 1].flags &= (uint16_t)~DESC_NEXT;
	w.avail->ring[w.avail->idx % BLK_QUEUE] = r.head;
	__atomic_store_n(&w.avail->idx, (uint16_t)(w.avail->idx + 1), __ATOMIC_RELEASE);
	w.next_data = (status_at + 64) & ~15u;
	return r;
}

static uint32_t used_len(unsigned i)
{
	return w.used->ring[i % BLK_QUEUE].len;
}

/* One request from end to end; its status. */
static int ask(uint32_t type, uint64_t sector, uint32_t out, uint32_t in, struct request *r)
{
	uint16_t before = w.used->idx;

	w.next_desc = 0;
	w.next_data = DATA_AT;
	*r = offer(type, sector, out, in, &plain);
	kick();
	CHECK((uint16_t)(w.used->idx - before) == 1);
	return *r->status;
}

/* DISCARD or WRITE_ZEROES of one segment; its status. */
static int ask_segment(uint32_t type, uint64_t sector, uint32_t count, uint32_t flags)
{
	struct {
		uint64_t sector;
		uint32_t count, flags;
	} s = { sector, count, flags };
	struct request r;

	w.next_desc = 0;
	w.next_data = DATA_AT;
	r = offer(type, 0, sizeof(s), 0, &plain);
	memcpy(r.out, &s, sizeof(s));
	kick();
	return *r.status;
}

static uint8_t on_disk(uint64_t at)
{
	uint8_t b = 0;

	CHECK(pread(w.disk.fd, &b, 1, (off_t)at) == 1);
	return b;
}

/* --- a good driver -------------------------------------------------------------------------- */

static void the_driver_is_told_something_else(void)
{
	uint64_t capacity;

	world_begin(world_file(), 0, ALL_FEATURES);
	memcpy(&capacity, w.b.dev.config, 8);
	CHECK(capacity == SECTORS && w.b.dev.config_len == 60);
	CHECK(w.b.config.seg_max == 126 && w.b.config.blk_size == 512);
	CHECK(!(vdev_features(&w.b.dev) & BLK_F_RO));
	CHECK(vdev_features(&w.b.dev) & BLK_F_DISCARD);
	world_end();
	world_begin(world_file(), 1, ALL_FEATURES);
	CHECK(vdev_features(&w.b.dev) & BLK_F_RO);
	CHECK(!(vdev_features(&w.b.dev) & (BLK_F_DISCARD | BLK_F_WRITE_ZEROES)));
	world_end();
}

static void a_sector_comes_from_elsewhere(void)
{
	static const struct cut cuts[] = {
		{ "header, data, status", { 16 }, { 0 } },
		{ "the header in two", { 7, 9 }, { 0 } },
		{ "header and data in one", { 16 + 2048 }, { 0 } },
		{ "the data in three", { 16, 1, 511 }, { 1, 511, 1024 } },
		{ "the status behind the data in one buffer", { 16 }, { 2049 } },
		{ "the last byte of the data with the status", { 16 }, { 2047 } },
	};

	for (size_t i = 0; i < COUNT(cuts); i++) {
		struct request r;

		printf("# %s\n", cuts[i].why);
		world_begin(world_file(), 0, ALL_FEATURES);
		r = offer(IN, 3, 0, 2048, &cuts[i]);
		kick();
		CHECK(*r.status == OK && w.used->idx == 1 && used_len(0) == 2049);
		for (unsigned k = 0; k < 2048; k++)
			CHECK(r.in[k] == letter(3 * 512 + k));

		w.next_desc = 0;
		r = offer(OUT, 100, 2048, 0, &cuts[i]);
		memset(r.out, 0x5a, 2048);
		kick();
		CHECK(*r.status == OK && w.used->idx == 2 && used_len(1) == 1);
		CHECK(on_disk(100 * 512 - 1) == letter(100 * 512 - 1));
		CHECK(on_disk(100 * 512) == 0x5a && on_disk(104 * 512 - 1) == 0x5a);
		CHECK(on_disk(104 * 512) == letter(104 * 512));
		world_end();
	}
}

static void the_serial_number_is_another(void)
{
	struct request r;

	world_begin(world_file(), 0, ALL_FEATURES);
	CHECK(ask(GET_ID, 0, 0, 20, &r) == OK);
	CHECK(!memcmp(r.in, "serial-1\0\0\0\0\0\0\0\0\0\0\0\0", 20) && used_len(0) == 21);
	CHECK(ask(GET_ID, 0, 0, 64, &r) == OK && r.in[20] == 0xdd && used_len(1) == 20);
	CHECK(ask(GET_ID, 0, 0, 19, &r) == IOERR && r.in[0] == 0xdd);
	blk_init(&w.b, &world_mem, &w.disk, "vda", "12345678901234567890", &w.host);
	CHECK(!memcmp(w.b.serial, "12345678901234567890", 20));
	world_end();
}

static void a_burst_costs_an_interrupt_each(void)
{
	world_begin(world_file(), 0, ALL_FEATURES & ~VDEV_F_EVENT_IDX);
	for (unsigned i = 0; i < 32; i++)
		offer(IN, i, 0, 512, &plain);
	kick();
	CHECK(w.used->idx == 32 && w.submits == 1 && w.jobs == 32);
	CHECK(w.interrupts == 1);
	world_end();
}

static unsigned allowed;
static uint64_t bytes_spent;

static int limit_wait(struct blk_host *h)
{
	(void)h;
	return allowed == 0;
}

static void limit_spent(struct blk_host *h, uint64_t bytes)
{
	(void)h;
	allowed--;
	bytes_spent += bytes;
}

static void a_limit_is_passed_or_loses_requests(void)
{
	world_begin(world_file(), 0, ALL_FEATURES);
	w.host.must_wait = limit_wait;
	w.host.spent = limit_spent;
	allowed = 2;
	bytes_spent = 0;
	for (unsigned i = 0; i < 5; i++)
		offer(IN, i, 0, 512, &plain);
	kick();
	kick();
	CHECK(w.jobs == 2 && w.used->idx == 2 && bytes_spent == 1024);
	allowed = 10;
	blk_go_on(&w.b);
	world_turn();
	CHECK(w.jobs == 5 && w.used->idx == 5 && allowed == 7 && bytes_spent == 5 * 512);
	world_end();
}

static void requests_beyond_the_places_are_lost(void)
{
	enum { MANY = 40 };

	world_begin(world_file(), 0, ALL_FEATURES);
	w.hold = 1;
	for (unsigned round = 0; round < 3; round++) {
		w.next_desc = 0; /* a driver that offers the same descriptors thrice */
		for (unsigned i = 0; i < MANY; i++)
			offer(IN, i, 0, 0, &plain);
		kick();
	}
	CHECK(w.jobs == BLK_IN_FLIGHT && w.used->idx == 0);
	w.hold = 0;
	world_turn();
	CHECK(w.jobs == 3 * MANY && w.used->idx == 3 * MANY);
	CHECK(w.b.busy == 0 && w.b.dev.status == (DRIVER_UP | VDEV_DRIVER_OK));
	world_end();
}

static void jobs_change_their_order(void)
{
	struct disk_job *j;

	world_begin(world_file(), 0, ALL_FEATURES);
	w.hold = 1;
	offer(OUT, 1, 512, 0, &plain);
	offer(FLUSH, 0, 0, 0, &plain);
	offer(OUT, 2, 512, 0, &plain);
	kick();
	offer(FLUSH, 0, 0, 0, &plain);
	kick();
	j = w.held;
	CHECK(j->op == DISK_WRITE && j->at == 512 && !j->through);
	CHECK((j = j->next)->op == DISK_FLUSH);
	CHECK((j = j->next)->op == DISK_WRITE && j->at == 1024);
	CHECK((j = j->next)->op == DISK_FLUSH && !j->next);
	w.hold = 0;
	world_turn();
	CHECK(w.used->idx == 4);
	world_end();
}

static void a_driver_that_knows_no_cache_has_one(void)
{
	world_begin(world_file(), 0, ALL_FEATURES & ~BLK_F_FLUSH);
	w.hold = 1;
	offer(OUT, 1, 512, 0, &plain);
	kick();
	CHECK(w.held->through);
	w.hold = 0;
	world_turn();
	world_end();
}

static void zeroes_are_something_else(void)
{
	for (uint32_t flags = 0; flags <= UNMAP; flags++) {
		world_begin(world_file(), 0, ALL_FEATURES);
		CHECK(ask_segment(ZEROES, 10, 100, flags) == OK);
		CHECK(on_disk(10 * 512 - 1) == letter(10 * 512 - 1));
		for (unsigned i = 10 * 512; i < 110 * 512; i++)
			CHECK(on_disk(i) == 0);
		CHECK(on_disk(110 * 512) == letter(110 * 512));
		world_end();
	}
}

static void what_is_discarded_keeps_its_room(void)
{
	struct stat before, after;

	world_begin(world_file(), 0, ALL_FEATURES);
	fstat(w.disk.fd, &before);
	CHECK(ask_segment(DISCARD, 0, SECTORS, 0) == OK);
	fstat(w.disk.fd, &after);
	CHECK(after.st_blocks < before.st_blocks && after.st_size == before.st_size);
	world_end();
	world_begin(world_file(), 0, ALL_FEATURES & ~(BLK_F_DISCARD | BLK_F_WRITE_ZEROES));
	CHECK(ask_segment(DISCARD, 0, 1, 0) == UNSUPP);
	CHECK(ask_segment(ZEROES, 0, 1, 0) == UNSUPP);
	world_end();
}

/* --- a bad one ------------------------------------------------------------------------------ */

static void a_hostile_request_is_done(void)
{
	static const struct {
		const char *why;
		uint32_t type;
		uint64_t sector;
		uint32_t out, in;
		int status;
	} cases[] = {
		{ "the last sector", IN, SECTORS - 1, 0, 512, OK },
		{ "nothing, at the end", IN, SECTORS, 0, 0, OK },
		{ "nothing, behind the end", IN, SECTORS + 1, 0, 0, IOERR },
		{ "one sector behind the end", IN, SECTORS, 0, 512, IOERR },
		{ "the last sector and one more", IN, SECTORS - 1, 0, 1024, IOERR },
		{ "a sector whose byte offset is 2^64", IN, 1ull << 55, 0, 512, IOERR },
		{ "a sector whose end is 2^64", IN, UINT64_MAX, 0, 512, IOERR },
		{ "half a sector", IN, 0, 0, 256, IOERR },
		{ "a sector and a byte", IN, 0, 0, 513, IOERR },
		{ "a write behind the end", OUT, SECTORS, 512, 0, IOERR },
		{ "a write that would wrap", OUT, UINT64_MAX, 1024, 0, IOERR },
		{ "a write of half a sector", OUT, 0, 100, 0, IOERR },
		{ "a write with room for an answer", OUT, 0, 512, 512, OK },
		{ "a read with data for us", IN, 0, 512, 512, OK },
		{ "SCSI of long ago", 2, 0, 0, 512, UNSUPP },
		{ "secure erase", 14, 0, 16, 0, UNSUPP },
		{ "a type nobody knows", 0xffffffff, 0, 512, 512, UNSUPP },
		{ "the barrier bit of legacy", 1u << 31, 0, 0, 512, UNSUPP },
		{ "zeroes without a segment", ZEROES, 0, 0, 0, IOERR },
		{ "a discard of half a segment", DISCARD, 0, 8, 0, IOERR },
		{ "two segments", ZEROES, 0, 32, 0, IOERR },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r;
		int status;

		world_begin(world_file(), 0, ALL_FEATURES);
		status = ask(cases[i].type, cases[i].sector, cases[i].out, cases[i].in, &r);
		if (status != cases[i].status)
			printf("# %s\n", cases[i].why);
		CHECK(status == cases[i].status);
		if (status != OK)
			for (unsigned k = 0; k < cases[i].in; k++)
				CHECK(r.in[k] == 0xdd);
		/* What the driver may believe to be filled was filled. */
		CHECK(status == OK || used_len(0) == (cases[i].in ? 0u : 1u));
		CHECK(lseek(w.disk.fd, 0, SEEK_END) == SECTORS * 512);
		CHECK(w.b.dev.status == (DRIVER_UP | VDEV_DRIVER_OK));
		world_end();
	}
}

static void a_hostile_segment_is_done(void)
{
	static const struct {
		const char *why;
		uint32_t type;
		uint64_t sector;
		uint32_t count, flags;
		int status;
	} cases[] = {
		{ "all", DISCARD, 0, SECTORS, 0, OK },
		{ "none", DISCARD, 0, 0, 0, IOERR },
		{ "one too many", DISCARD, 0, SECTORS + 1, 0, IOERR },
		{ "behind the end", ZEROES, SECTORS, 1, 0, IOERR },
		{ "an end that wraps", ZEROES, UINT64_MAX, 2, 0, IOERR },
		{ "more than we said", DISCARD, 0, BLK_FREE_MOST + 1, 0, IOERR },
		{ "more zeroes than we said", ZEROES, 0, BLK_ZERO_MOST + 1, 0, IOERR },
		{ "a discard that unmaps", DISCARD, 0, 1, UNMAP, UNSUPP },
		{ "a reserved flag", ZEROES, 0, 1, 2, UNSUPP },
		{ "all flags", DISCARD, 0, 1, UINT32_MAX, UNSUPP },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int status;

		world_begin(world_file(), 0, ALL_FEATURES);
		status = ask_segment(cases[i].type, cases[i].sector, cases[i].count,
				     cases[i].flags);
		if (status != cases[i].status)
			printf("# %s\n", cases[i].why);
		CHECK(status == cases[i].status);
		CHECK(lseek(w.disk.fd, 0, SEEK_END) == SECTORS * 512);
		world_end();
	}
}

static void a_read_only_disk_is_written(void)
{
	struct request r;

	/* The driver may ignore F_RO, or not have agreed to it. */
	world_begin(world_file(), 1, ALL_FEATURES);
	CHECK(ask(OUT, 0, 512, 0, &r) == IOERR);
	CHECK(ask_segment(DISCARD, 0, 1, 0) == IOERR);
	CHECK(ask_segment(ZEROES, 0, 1, 0) == IOERR);
	CHECK(w.jobs == 0);
	CHECK(ask(IN, 0, 0, 512, &r) == OK && r.in[5] == letter(5));
	CHECK(ask(FLUSH, 0, 0, 0, &r) == OK);
	world_end();
}

static void a_request_without_its_ends_is_served(void)
{
	static const struct {
		const char *why;
		struct ring_desc desc[3];
	} cases[] = {
		{ "no status", { { DATA_AT, 16, 0, 0 } } },
		{ "an empty status", { { DATA_AT, 16, DESC_NEXT, 1 }, { 0, 0, DESC_WRITE, 0 } } },
		{ "no header", { { DATA_AT, 513, DESC_WRITE, 0 } } },
		{ "a header of 15 bytes",
		  { { DATA_AT, 15, DESC_NEXT, 1 }, { DATA_AT + 512, 1, DESC_WRITE, 0 } } },
		{ "a status outside RAM",
		  { { DATA_AT, 16, DESC_NEXT, 1 }, { RAM, 1, DESC_WRITE, 0 } } },
		{ "data that wraps",
		  { { DATA_AT, 16, DESC_NEXT, 1 },
		    { UINT64_MAX - 100, 512, DESC_NEXT | DESC_WRITE, 2 },
		    { DATA_AT + 512, 1, DESC_WRITE, 0 } } },
		{ "a loop", { { DATA_AT, 16, DESC_NEXT, 1 }, { DATA_AT, 16, DESC_NEXT, 0 } } },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r;

		world_begin(world_file(), 0, ALL_FEATURES);
		memcpy(w.desc, cases[i].desc, sizeof(cases[i].desc));
		w.avail->idx = 1;
		kick();
		if (!(w.b.dev.status & VDEV_NEEDS_RESET))
			printf("# %s\n", cases[i].why);
		CHECK(w.b.dev.status & VDEV_NEEDS_RESET && w.config_interrupts == 1);
		CHECK(w.used->idx == 0 && w.jobs == 0);
		/* It is told, resets, and all is well. */
		world_reset();
		CHECK(w.b.dev.status == 0);
		driver_up(ALL_FEATURES);
		CHECK(ask(IN, 0, 0, 512, &r) == OK && r.in[1] == letter(1));
		world_end();
	}
}

static void a_status_at_the_end_is_looked_for_in_an_empty_buffer(void)
{
	static const struct ring_desc desc[] = {
		{ DATA_AT, 16, DESC_NEXT, 1 },
		{ DATA_AT + 512, 513, DESC_NEXT | DESC_WRITE, 2 },
		{ 0, 0, DESC_WRITE, 0 },
	};

	world_begin(world_file(), 0, ALL_FEATURES);
	memset(world_ram + DATA_AT, 0, 16);
	memcpy(w.desc, desc, sizeof(desc));
	world_ram[DATA_AT + 1024] = UNTOUCHED;
	w.avail->idx = 1;
	kick();
	CHECK(world_ram[DATA_AT + 1024] == OK && world_ram[DATA_AT + 512 + 7] == letter(7));
	world_end();
}

static void a_broken_ring_drops_what_came_before_it(void)
{
	struct request r;

	world_begin(world_file(), 0, ALL_FEATURES);
	r = offer(OUT, 5, 512, 0, &plain);
	memset(r.out, 0x77, 512);
	w.avail->ring[1] = BLK_QUEUE; /* no such descriptor */
	w.avail->idx = 2;
	kick();
	CHECK(w.b.dev.status & VDEV_NEEDS_RESET);
	/* The write was whole and is done; but the ring is the driver's no more. */
	CHECK(on_disk(5 * 512) == 0x77 && w.used->idx == 0 && w.b.busy == 0);
	world_end();
}

/* --- resets and errors ---------------------------------------------------------------------- */

static void a_reset_leaves_jobs_under_way(void)
{
	struct request r;

	world_begin(world_file(), 0, ALL_FEATURES);
	w.hold = 1;
	r = offer(IN, 0, 0, 512, &plain);
	kick();
	world_reset();
	CHECK(w.b.dev.status == (DRIVER_UP | VDEV_DRIVER_OK)); /* the driver waits for 0 */
	offer(IN, 1, 0, 512, &plain);
	kick();
	CHECK(w.jobs == 1);
	w.hold = 0;
	world_turn();
	CHECK(w.b.dev.status == 0 && w.b.busy == 0);
	CHECK(*r.status == UNTOUCHED && w.used->idx == 0 && w.interrupts == 0);
	driver_up(ALL_FEATURES);
	CHECK(ask(IN, 0, 0, 512, &r) == OK);
	world_end();
}

static void a_cut_file_grows_again(void)
{
	struct request r;

	world_begin(world_file(), 0, ALL_FEATURES);
	CHECK(ftruncate(w.disk.fd, 100 * 512) == 0);
	CHECK(ask(IN, 99, 0, 512, &r) == OK);
	CHECK(ask(IN, 99, 0, 1024, &r) == IOERR);
	CHECK(ask(IN, 200, 0, 512, &r) == IOERR);
	CHECK(ask(OUT, 99, 512, 0, &r) == OK);
	CHECK(ask(OUT, 100, 512, 0, &r) == IOERR);
	CHECK(ask(OUT, 99, 1024, 0, &r) == IOERR);
	CHECK(ask_segment(ZEROES, 100, 1, 0) == IOERR);
	CHECK(lseek(w.disk.fd, 0, SEEK_END) == 100 * 512);
	CHECK(w.b.errors == 5 && w.b.dev.status == (DRIVER_UP | VDEV_DRIVER_OK));
	world_end();
}

static void an_error_of_the_host_is_hidden(void)
{
	static const struct {
		int result, status;
	} cases[] = { { 0, OK },	  { -EIO, IOERR },	   { -ENOSPC, IOERR },
		      { -EDQUOT, IOERR }, { -EOPNOTSUPP, UNSUPP }, { -EBADF, IOERR } };

	heard(""); /* what others provoked */
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r;

		world_begin(world_file(), 0, ALL_FEATURES);
		w.hold = 1;
		r = offer(OUT, 0, 512, 0, &plain);
		kick();
		w.held->result = cases[i].result;
		blk_done(&w.b, w.held);
		CHECK(*r.status == cases[i].status && w.used->idx == 1 && w.interrupts == 1);
		CHECK(heard("vda: cannot write 512 bytes at 0") == (cases[i].status == IOERR));
		w.held = NULL;
		world_end();
	}
}

static void what_is_no_disk_is_opened(void)
{
	struct disk d;
	int p[2], fd = memfd_create("odd", MFD_CLOEXEC);

	CHECK(pipe(p) == 0);
	CHECK(disk_open(&d, p[0], 0) == -EINVAL);
	CHECK(disk_open(&d, -1, 0) == -EBADF);
	CHECK(disk_open(&d, fd, 0) == -EMEDIUMTYPE);
	CHECK(ftruncate(fd, 513) == 0 && disk_open(&d, fd, 0) == -EMEDIUMTYPE);
	CHECK(ftruncate(fd, 512) == 0 && disk_open(&d, fd, 0) == 0 && d.bytes == 512);
	CHECK(lseek(fd, 0, SEEK_END) == 512);
	close(p[0]);
	close(p[1]);
	close(fd);
}

/* --- the workers ---------------------------------------------------------------------------- */

static unsigned syncs; /* that the thread was asked for */

/* This program's own comes before libc's. */
int fdatasync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

static struct diskd d;
static struct loop l;
static enum spec_aio engine;

static void workers_begin(int fd, int readonly)
{
	world_begin(fd, readonly, ALL_FEATURES);
	l = LOOP_INIT;
	syncs = 0;
	memset(&d, 0, sizeof(d));
	CHECK(loop_open(&l) == 0);
	CHECK(diskd_start(&d, &w.b, &w.disk, &(struct spec_disk){ .aio = (uint8_t)engine }, &l) == 0);
	CHECK((d.ring.fd >= 0) == (engine == SPEC_AIO_IO_URING));
	w.b.host = &d.host;
}

static void workers_end(void)
{
	diskd_stop(&d);
	loop_close(&l);
	close(d.ready.fd);
	world_end();
}

static void forget(void)
{
	w.next_desc = 0;
	w.next_data = DATA_AT;
}

static void until_used(uint16_t idx)
{
	while (w.used->idx != idx) {
		loop_wait(&l);
		loop_dispatch(&l);
	}
}

/* One request by the workers; its status. */
static int have_done(uint32_t type, uint64_t sector, uint32_t out, uint32_t in, struct request *r)
{
	uint16_t before = w.used->idx;

	forget();
	*r = offer(type, sector, out, in, &plain);
	vdev_notify(&w.b.dev, 0);
	until_used((uint16_t)(before + 1));
	return *r->status;
}

static void a_worker_loses_a_job(void)
{
	enum { ROUNDS = 20, EACH = 30 };

	workers_begin(world_file(), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct request r[EACH], flush;

		forget();
		for (unsigned i = 0; i < EACH; i++) {
			r[i] = offer(i % 3 ? OUT : IN, i, i % 3 ? 512 : 0, i % 3 ? 0 : 512, &plain);
			if (i % 3)
				memset(r[i].out, (int)(round + i), 512);
		}
		flush = offer(FLUSH, 0, 0, 0, &plain);
		vdev_notify(&w.b.dev, 0);
		until_used((uint16_t)((round + 1) * (EACH + 1)));
		for (unsigned i = 0; i < EACH; i++) {
			CHECK(*r[i].status == OK && *flush.status == OK);
			if (i % 3)
				CHECK(on_disk(i * 512 + 511) == (uint8_t)(round + i));
			else
				CHECK(r[i].in[0] == letter(i * 512) && r[i].in[511] == letter(i * 512 + 511));
		}
	}
	/* What was handed over before the end is done at the end. */
	forget();
	for (unsigned i = 0; i < EACH; i++)
		memset(offer(OUT, i, 512, 0, &plain).out, 0xaa, 512);
	memset(offer(OUT, 100, 65536 + 512, 0, &plain).out, 0xbb, 65536 + 512);
	vdev_notify(&w.b.dev, 0);
	for (unsigned i = 0; i < BLK_IN_FLIGHT && engine == SPEC_AIO_IO_URING; i++)
		w.b.req[i].job.result += w.b.req[i].job.len > 65536; /* nobody but this thread looks at it */
	diskd_stop(&d);
	for (unsigned i = 0; i < BLK_IN_FLIGHT; i++)
		CHECK(w.b.req[i].job.result == 0);
	for (unsigned i = 0; i < EACH; i++)
		CHECK(on_disk(i * 512) == 0xaa);
	CHECK(on_disk(100 * 512) == 0xbb && on_disk(228 * 512 + 511) == 0xbb);
	workers_end();
}

/* As large as a driver can make one: all of seg_max, through a table of its own, 32 of them at once. */
static void offer_large_ones(uint32_t type, uint32_t part, uint32_t last)
{
	enum { TABLE = 0x800, HEADER = 0x8000 };

	memset(world_ram + HEADER, 0, 16);
	world_ram[HEADER] = (uint8_t)type;
	for (uint16_t i = 0; i < 32; i++) {
		struct ring_desc *t = (struct ring_desc *)(void *)(world_ram + DATA_AT + i * TABLE);

		t[0] = (struct ring_desc){ HEADER, 16, DESC_NEXT, 1 };
		/* The pieces lie over each other: a guest may. */
		for (uint16_t k = 0; k < BLK_SEGS; k++)
			t[k + 1] = (struct ring_desc){ LARGE_AT, k == BLK_SEGS - 1 ? last : part,
						       DESC_NEXT | (type == IN ? DESC_WRITE : 0),
						       (uint16_t)(k + 2) };
		t[BLK_SEGS + 1] = (struct ring_desc){ LARGE_AT + last + i, 1, DESC_WRITE, 0 };
		world_ram[LARGE_AT + last + i] = UNTOUCHED;
		w.desc[i] = (struct ring_desc){ DATA_AT + i * TABLE, (BLK_SEGS + 2) * sizeof(*t),
						DESC_INDIRECT, 0 };
		w.avail->ring[(w.avail->idx + i) % BLK_QUEUE] = i;
	}
	__atomic_store_n(&w.avail->idx, (uint16_t)(w.avail->idx + 32), __ATOMIC_RELEASE);
	vdev_notify(&w.b.dev, 0);
	until_used(w.avail->idx);
	for (unsigned i = 0; i < 32; i++)
		CHECK(world_ram[LARGE_AT + last + i] == OK);
}

static void a_large_request_loses_a_part(void)
{
	enum { BYTES = 4 << 20, PART = BYTES / BLK_SEGS, LAST = BYTES - PART * (BLK_SEGS - 1) };
	int fd = world_file();

	CHECK(ftruncate(fd, BYTES) == 0);
	workers_begin(fd, 0);
	for (unsigned i = 0; i < LAST; i++)
		world_ram[LARGE_AT + i] = letter(i);
	offer_large_ones(OUT, PART, LAST);
	CHECK(lseek(fd, 0, SEEK_END) == BYTES);
	for (unsigned k = 0; k < BLK_SEGS; k++)
		CHECK(on_disk(k * PART) == letter(0) && on_disk(k * PART + PART - 1) == letter(PART - 1));
	CHECK(on_disk(BYTES - 1) == letter(LAST - 1));
	memset(world_ram + LARGE_AT, 0, LAST);
	offer_large_ones(IN, PART, LAST);
	for (unsigned i = 0; i < LAST; i++)
		CHECK(world_ram[LARGE_AT + i] == letter(i));
	CHECK(used_len(32) == BYTES + 1 && w.b.errors == 0);
	workers_end();
}

/* Short ones and long ones, for they go different ways. */
static void a_worker_makes_something_else_of_a_cut_file(void)
{
	enum { LONG = 65536 + 1024 };
	struct request r;

	workers_begin(world_file(), 0);
	CHECK(have_done(IN, 0, 0, LONG, &r) == OK && r.in[LONG - 1] == letter(LONG - 1));
	CHECK(have_done(OUT, 100, LONG, 0, &r) == OK);
	CHECK(ftruncate(w.disk.fd, 200 * 512) == 0);
	CHECK(have_done(IN, 199, 0, 512, &r) == OK && r.in[3] == world_ram[DATA_AT + 16 + 3]);
	CHECK(have_done(IN, 199, 0, 1024, &r) == IOERR);
	CHECK(have_done(IN, 200, 0, 512, &r) == IOERR);
	CHECK(have_done(IN, 100, 0, LONG, &r) == IOERR);
	CHECK(have_done(OUT, 199, 512, 0, &r) == OK);
	CHECK(have_done(OUT, 200, 512, 0, &r) == IOERR);
	CHECK(have_done(OUT, 100, LONG, 0, &r) == IOERR);
	CHECK(lseek(w.disk.fd, 0, SEEK_END) == 200 * 512 && w.b.errors == 5);
	workers_end();
}

static void a_full_file_is_hidden_by_a_worker(void)
{
	struct rlimit before, small = { 150 * 512, RLIM_INFINITY };
	struct request r;

	signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
	small.rlim_max = before.rlim_max;
	workers_begin(world_file(), 0);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	/* The first part fits, so the call comes back short; and then it does not. */
	CHECK(have_done(OUT, 100, 65536 + 512, 0, &r) == IOERR);
	CHECK(have_done(OUT, 160, 512, 0, &r) == IOERR);
	CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
	CHECK(have_done(OUT, 100, 65536 + 512, 0, &r) == OK && w.b.errors == 2);
	workers_end();
}

static void a_reset_leaves_a_workers_job(void)
{
	struct request r;

	for (uint32_t len = 512; len <= 65536 + 512; len += 65536) {
		workers_begin(world_file(), 0);
		r = offer(IN, 0, 0, len, &plain);
		vdev_notify(&w.b.dev, 0);
		world_reset();
		CHECK(w.b.dev.status != 0); /* the driver waits for 0, whatever has been done already */
		while (w.b.dev.status != 0) {
			loop_wait(&l);
			loop_dispatch(&l);
		}
		CHECK(w.b.busy == 0 && *r.status == UNTOUCHED && w.used->idx == 0);
		driver_up(ALL_FEATURES);
		CHECK(have_done(IN, 7, 0, 512, &r) == OK && r.in[1] == letter(7 * 512 + 1));
		workers_end();
	}
}

/* A second sync knows nothing of what the first could not write. */
static void a_sync_that_failed_is_asked_for_again(void)
{
	struct request r;
	int fd, p[2];

	CHECK(pipe(p) == 0);
	workers_begin(world_file(), 0);
	CHECK(have_done(FLUSH, 0, 0, 0, &r) == OK);
	CHECK(syncs == (engine == SPEC_AIO_THREADS));
	workers_end();
	/* What cannot be synced. */
	fd = world_file();
	world_begin(fd, 0, ALL_FEATURES);
	l = LOOP_INIT;
	syncs = 0;
	memset(&d, 0, sizeof(d));
	w.disk.fd = p[1];
	CHECK(loop_open(&l) == 0);
	CHECK(diskd_start(&d, &w.b, &w.disk, &(struct spec_disk){ .aio = (uint8_t)engine }, &l) == 0);
	w.b.host = &d.host;
	CHECK(have_done(FLUSH, 0, 0, 0, &r) == IOERR);
	CHECK(syncs == (engine == SPEC_AIO_THREADS));
	w.disk.fd = fd;
	workers_end();
	close(p[0]);
	close(p[1]);
}

/* Here for want of descriptors; elsewhere by a filter, or by kernel.io_uring_disabled. */
static void a_ring_that_is_refused_leaves_no_disk(void)
{
	struct spec_disk best = { .aio = SPEC_AIO_BEST }, demanded = { .aio = SPEC_AIO_IO_URING };
	struct rlimit before, few;
	struct request r;
	int next;

	world_begin(world_file(), 0, ALL_FEATURES);
	l = LOOP_INIT;
	memset(&d, 0, sizeof(d));
	CHECK(loop_open(&l) == 0);
	next = dup(0);
	close(next);
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	few = (struct rlimit){ (rlim_t)next + 1, before.rlim_max };
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0); /* the eventfd's is the last */
	CHECK(diskd_start(&d, &w.b, &w.disk, &demanded, &l) == -EMFILE && d.ring.fd == -1 && !d.started);
	loop_del(&l, &d.ready);
	close(d.ready.fd);
	heard("");
	memset(&d, 0, sizeof(d));
	CHECK(diskd_start(&d, &w.b, &w.disk, &best, &l) == 0 && d.ring.fd == -1);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	CHECK(heard("vda: no io_uring, a thread does all: "));
	w.b.host = &d.host;
	CHECK(have_done(IN, 3, 0, 512, &r) == OK && r.in[1] == letter(3 * 512 + 1));
	workers_end();
}

static void with_workers(enum spec_aio which)
{
	engine = which;
	TEST(a_worker_loses_a_job);
	TEST(a_large_request_loses_a_part);
	TEST(a_worker_makes_something_else_of_a_cut_file);
	TEST(a_full_file_is_hidden_by_a_worker);
	TEST(a_reset_leaves_a_workers_job);
	TEST(a_sync_that_failed_is_asked_for_again);
}

static int has_io_uring(void)
{
	struct uring u;
	int file = memfd_create("file", MFD_CLOEXEC), told = eventfd(0, EFD_CLOEXEC);
	int rc = uring_open(&u, &file, 1, told);

	if (rc == 0)
		uring_close(&u);
	else
		printf("# of threads only, for this host's kernel gives no io_uring: %s\n", strerror(-rc));
	close(file);
	close(told);
	return rc == 0;
}

int main(void)
{
	heard_begin();
	log_open(heard_fd, "test", LOG_INFO);
	TEST(the_driver_is_told_something_else);
	TEST(a_sector_comes_from_elsewhere);
	TEST(the_serial_number_is_another);
	TEST(a_burst_costs_an_interrupt_each);
	TEST(a_limit_is_passed_or_loses_requests);
	TEST(requests_beyond_the_places_are_lost);
	TEST(jobs_change_their_order);
	TEST(a_driver_that_knows_no_cache_has_one);
	TEST(zeroes_are_something_else);
	TEST(what_is_discarded_keeps_its_room);
	TEST(a_hostile_request_is_done);
	TEST(a_hostile_segment_is_done);
	TEST(a_read_only_disk_is_written);
	TEST(a_request_without_its_ends_is_served);
	TEST(a_status_at_the_end_is_looked_for_in_an_empty_buffer);
	TEST(a_broken_ring_drops_what_came_before_it);
	TEST(a_reset_leaves_jobs_under_way);
	TEST(a_cut_file_grows_again);
	TEST(an_error_of_the_host_is_hidden);
	TEST(what_is_no_disk_is_opened);
	with_workers(SPEC_AIO_THREADS);
	TEST(a_ring_that_is_refused_leaves_no_disk);
	if (has_io_uring())
		with_workers(SPEC_AIO_IO_URING);
	return check_done();
}
