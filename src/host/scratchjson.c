/*
 * scratchjson - JSON that is read, copied from, and thrown away.
 */
#include "host/scratchjson.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

enum { BLOCK = 128 * 1024 }; /* more than that comes from the heap */

static alignas(max_align_t) char block[BLOCK];
static size_t used;
static int is_open; /* while something is parsed */

static void *scratch_alloc(size_t size)
{
	size_t room = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	void *at = block + used;

	if (!is_open || size > BLOCK || room > BLOCK - used)
		return malloc(size);
	used += room;
	return at;
}

/* Also of what jansson had from the heap before, or will have after. */
static void scratch_free(void *at)
{
	uintptr_t p = (uintptr_t)at, begin = (uintptr_t)block;

	if (p < begin || p >= begin + BLOCK)
		free(at);
}

json_t *scratchjson_parse(const char *text, size_t len)
{
	json_t *j;

	json_set_alloc_funcs(scratch_alloc, scratch_free);
	is_open = 1;
	j = json_loadb(text, len, 0, NULL);
	is_open = 0;
	return j;
}

void scratchjson_drop(json_t *j)
{
	json_decref(j);
	used = 0;
}
