/*
 * base64 - RFC 4648's, as keys are written: padded, in one piece, and in one way only.
 */
#ifndef SSH_BASE64_H
#define SSH_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Characters for so many bytes, without a NUL. */
#define BASE64_LEN(bytes) (((bytes) + 2) / 3 * 4)

/* BASE64_LEN(len) characters and a NUL. */
void base64_put(char *out, const void *data, size_t len);

/* How many bytes; or -1: characters that are none of its, no or wrong padding, bits behind the
 * last byte, or more than cap bytes. */
long base64_take(uint8_t *out, size_t cap, const char *text, size_t len);

#endif
