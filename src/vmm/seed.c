/*
 * seed - what a guest is told of chance as it begins.
 */
#include "vmm/seed.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <sys/random.h>

#include "vmm/layout.h"

/* Linux 6.0; the headers of older ones lack it. */
enum { RNG_SEED = 9 };

/* Blocks until the host's own pool is ready: no guest begins before. */
static int random_bytes(void *to, size_t len)
{
	ssize_t n;

	do
		n = getrandom(to, len, 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

int seed_write(const struct gmem *m)
{
	struct setup_data *seed = gmem_span(m, GPA_SETUP_DATA, sizeof(*seed) + SEED_BYTES);
	void *generation = gmem_span(m, GPA_GENERATION, GENERATION_BYTES);
	int rc;

	if (!seed || !generation)
		return -ENOMEM;
	*seed = (struct setup_data){ .type = RNG_SEED, .len = SEED_BYTES };
	rc = random_bytes(seed->data, SEED_BYTES);
	return rc < 0 ? rc : random_bytes(generation, GENERATION_BYTES);
}
