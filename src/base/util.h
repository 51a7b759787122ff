/*
 * util - the handful of macros every file may use.
 */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that embeds *ptr as `member`. */
#define CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* `to` must be a power of two. */
#define ALIGN_UP(n, to) (((n) + ((to)-1)) & ~((__typeof__(n))(to)-1))

#endif
