/*
 * block - a header of a tar archive: ustar's fields, and how numbers are written in them.
 */
#include "tree/block.h"

#include <errno.h>
#include <stddef.h>

int tar_put_number(char *field, unsigned len, uint64_t value)
{
	uint64_t most = ((uint64_t)1 << 3 * (len - 1)) - 1;
	int is_over = value > most;

	value = is_over ? most : value;
	field[--len] = '\0';
	for (; len > 0; value >>= 3)
		field[--len] = (char)('0' + (value & 7));
	return is_over;
}

/* The first byte's top bit marks it; the rest is two's complement. */
static int get_base256(int64_t *value, const uint8_t *field, unsigned len)
{
	uint64_t v = field[0] & 0x40 ? UINT64_MAX : 0;
	uint64_t sign = v;

	for (unsigned i = 0; i < len; i++) {
		uint8_t byte = i ? field[i] : (uint8_t)((field[0] & 0x7f) | (sign & 0x80));

		if (i + 8 < len && byte != (uint8_t)sign) /* it would be shifted out */
			return -EPROTO;
		v = v << 8 | byte;
	}
	if ((v >> 63) != (sign & 1))
		return -EPROTO;
	*value = (int64_t)v;
	return 0;
}

int tar_get_number(int64_t *value, const char *field, unsigned len)
{
	uint64_t v = 0;
	unsigned i = 0;

	if (field[0] & 0x80)
		return get_base256(value, (const uint8_t *)field, len);
	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(field[i] - '0');
	*value = (int64_t)v; /* 12 digits are 36 bits */
	return i == len || field[i] == ' ' || field[i] == '\0' ? 0 : -EPROTO;
}

uint32_t tar_sum(const struct tar_block *b)
{
	const uint8_t *at = (const uint8_t *)b;
	uint32_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++) {
		int is_own = i >= offsetof(struct tar_block, sum) &&
			     i < offsetof(struct tar_block, type);

		sum += is_own ? ' ' : at[i];
	}
	return sum;
}
