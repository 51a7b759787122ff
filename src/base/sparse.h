/*
 * sparse - memory for the most there can be, of which only what is used is there.
 */
#ifndef BASE_SPARSE_H
#define BASE_SPARSE_H

#include <stddef.h>

/* Zeroed, a page at a time as it is touched; with MADV_DONTNEED a part goes back at once. munmap() ends
 * it. NULL with errno set. */
void *sparse_map(size_t len);

/* The same for the program's static memory: each word has its own there, and uses none of the others'. */
void sparse_statics(void);

#endif
