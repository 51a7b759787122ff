/*
 * sparse - memory for the most there can be, of which only what is used is there.
 */
#include "base/sparse.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* ld(1)'s names for where it lies. */
extern char __bss_start[], _end[];

void sparse_statics(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)__bss_start + page - 1) & ~(page - 1);

	if (from < (uintptr_t)_end)
		madvise((void *)from, (uintptr_t)_end - from, MADV_NOHUGEPAGE);
}
