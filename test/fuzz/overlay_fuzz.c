/*
 * A disk's overlay under any order of writes, flushes, deaths and power cuts, on a medium that
 * forgets; and overlay files that are a stranger's. Input: a byte; odd: the header and the beginning
 * of the map, as they are; even: acts of 3 bytes. Whatever a sector reads, it may have (overlay_world).
 */
#include "../unit/overlay_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void act(const uint8_t a[3])
{
	unsigned sector = a[1] % OW_SECTORS;
	unsigned count = 1 + a[2] % MIN(OW_SECTORS - sector, 24u);

	switch (a[0] % 8) {
	case 0:
	case 1:
	case 2:
		INVARIANT(ow_write(sector, count) == 0);
		break;
	case 3:
		INVARIANT(ow_zero(sector, count) == 0);
		break;
	case 4:
		INVARIANT(ow_free(sector, count) == 0);
		break;
	case 5:
		INVARIANT(ow_flush() == 0);
		break;
	case 6:
		ow_die(0, 0);
		break;
	default:
		ow_die(1, a[1] * 256u + a[2]);
	}
}

static void acts(const uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 3 <= size && at < 300; at += 3)
		act(data + at);
}

/* It is refused, or read: nothing lies outside of the two files. */
static void strange_file(const uint8_t *data, size_t size)
{
	static uint8_t bytes[OW_BYTES];
	long len = (long)MIN(size, (size_t)OVERLAY_MAP_AT + 64);

	overlay_close(&ow.o);
	INVARIANT(syscall(SYS_pwrite64, ow.delta, data, len, 0L) == len);
	if (ow_open() == 0) {
		INVARIANT(ow_job(DISK_READ, 0, OW_SECTORS, bytes) == 0);
		INVARIANT(ow_job(DISK_WRITE, 1, 9, bytes) == 0);
		INVARIANT(ow_job(DISK_FLUSH, 0, 1, NULL) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ow_begin();
	if (size && data[0] & 1)
		strange_file(data + 1, size - 1);
	else if (size)
		acts(data + 1, size - 1);
	ow_end();
	return 0;
}
