/*
 * quote - any string as one value of vm.ini, and back, byte for byte.
 *
 * A value is written as it is where vm.ini gives it back so; else in double quotes, with \" \\ \n
 * \t \r and \xNN, as in C.
 */
#ifndef HOST_QUOTE_H
#define HOST_QUOTE_H

#include <stddef.h>

/* Its length; or -EMSGSIZE when it needs more than cap - 1 bytes. */
long quote_put(char *out, size_t cap, const char *text);

/* In place; what has no quote in front stays as it is. 0; or -EINVAL: no quote at the end, bytes
 * behind it, or a backslash before something else. */
int quote_take(char *value);

#endif
