/*
 * diskload - the guest's PID 1 of the disk benchmark: reads and writes /dev/vda past its page cache, and says how fast.
 *
 * Prints "disk WHAT NUMBER" lines, requests or KiB a second by the guest's clock, and "disk end". The same
 * program, kernel and file under every VMM.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MAX = 32, BLOCK_MAX = 256 << 10 };

/* What is done `count` times, `depth` at a time. */
static const struct work {
	const char *name;
	int op;
	unsigned block, depth, count;
	int random;
} works[] = {
	{ "warm", IOCB_CMD_PREAD, 4096, 32, 500, 1 },
	{ "randread", IOCB_CMD_PREAD, 4096, 32, 8000, 1 },
	{ "randread1", IOCB_CMD_PREAD, 4096, 1, 2000, 1 },
	{ "randwrite", IOCB_CMD_PWRITE, 4096, 32, 8000, 1 },
	{ "read", IOCB_CMD_PREAD, BLOCK_MAX, 4, 400, 0 },
	{ "write", IOCB_CMD_PWRITE, BLOCK_MAX, 4, 400, 0 },
};

static int disk;
static uint64_t disk_bytes;
static aio_context_t aio;
static struct iocb slot[DEPTH_MAX];
static uint8_t *memory;
static uint32_t seed = 1;

static void fail(const char *what)
{
	printf("disk failed: %s: %s\n", what, strerror(errno));
	for (;;)
		pause();
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t place(const struct work *w, unsigned i)
{
	uint64_t blocks = disk_bytes / w->block;

	seed = seed * 1103515245 + 12345;
	return (w->random ? (seed >> 8) % blocks : i % blocks) * w->block;
}

static void begin(const struct work *w, struct iocb *one, unsigned i)
{
	*one = (struct iocb){
		.aio_lio_opcode = (uint16_t)w->op,
		.aio_fildes = (uint32_t)disk,
		.aio_buf = (uintptr_t)(memory + (size_t)(one - slot) * BLOCK_MAX),
		.aio_nbytes = w->block,
		.aio_offset = (int64_t)place(w, i),
		.aio_data = (uintptr_t)one,
	};
}

static void submit(struct iocb **list, unsigned n)
{
	if (n && syscall(SYS_io_submit, aio, (long)n, list) != (long)n)
		fail("io_submit");
}

static void run(const struct work *w)
{
	struct io_event events[DEPTH_MAX];
	struct iocb *list[DEPTH_MAX];
	unsigned begun = 0, done = 0, n;
	double start = now();

	for (n = 0; n < w->depth; n++)
		begin(w, list[n] = &slot[n], begun++);
	submit(list, n);
	while (done < w->count) {
		long got = syscall(SYS_io_getevents, aio, 1L, (long)DEPTH_MAX, events, NULL);

		if (got < 0)
			fail("io_getevents");
		for (n = 0, done += (unsigned)got; got-- > 0;) {
			struct iocb *one = (struct iocb *)(uintptr_t)events[got].data;

			if (events[got].res != w->block)
				fail(w->name);
			if (begun < w->count)
				begin(w, list[n++] = one, begun++);
		}
		submit(list, n);
	}
	printf("disk %s %.1f\n", w->name,
	       w->count * (w->random ? 1 : w->block / 1024.0) / (now() - start));
}

int main(void)
{
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	if (!freopen("/dev/console", "w", stdout))
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	disk = open("/dev/vda", O_RDWR | O_DIRECT);
	if (disk < 0)
		fail("/dev/vda");
	disk_bytes = (uint64_t)lseek(disk, 0, SEEK_END);
	memory = mmap(NULL, (size_t)DEPTH_MAX * BLOCK_MAX, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED || syscall(SYS_io_setup, DEPTH_MAX, &aio) < 0)
		fail("io_setup");
	for (size_t i = 0; i < sizeof(works) / sizeof(*works); i++)
		run(&works[i]);
	printf("disk end\n");
	for (;;)
		pause();
}
