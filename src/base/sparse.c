/*
 * sparse - memory for the most there can be, of which only what is used is there.
 */
#include "base/sparse.h"

#include <sys/mman.h>

/* A huge page would be there whole for one byte of it, and not go before all of it is given back. */
void *sparse_map(size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return NULL;
	madvise(mem, len, MADV_NOHUGEPAGE);
	return mem;
}
