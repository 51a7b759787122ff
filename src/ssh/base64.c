/*
 * base64 - RFC 4648's, as keys are written: padded, in one piece, and in one way only.
 */
#include "ssh/base64.h"

#include "base/util.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(char *out, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (; len > 0; len -= MIN(len, 3u), at += 3) {
		uint32_t v = (uint32_t)at[0] << 16 | (len > 1 ? (uint32_t)at[1] << 8 : 0) |
			     (len > 2 ? at[2] : 0u);

		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = len > 1 ? digits[v >> 6 & 63] : '=';
		*out++ = len > 2 ? digits[v & 63] : '=';
	}
	*out = '\0';
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

long base64_take(uint8_t *out, size_t cap, const char *text, size_t len)
{
	size_t pad, bytes, used = 0;
	uint32_t v = 0;

	if (len == 0 || len % 4)
		return -1;
	pad = text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
	bytes = len / 4 * 3 - pad;
	if (bytes > cap)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int digit = i < len - pad ? value_of(text[i]) : 0;

		if (digit < 0)
			return -1;
		v = v << 6 | (uint32_t)digit;
		for (unsigned shift = 24; i % 4 == 3 && shift > 0 && used < bytes; shift -= 8)
			out[used++] = (uint8_t)(v >> (shift - 8));
	}
	/* What the padding cuts off must be zero: else two texts would be the same key. */
	return pad > 0 && v & ((1u << 8 * pad) - 1) ? -1 : (long)bytes;
}
