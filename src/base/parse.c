/*
 * parse - the words people type, made into numbers; or a sentence that says what would be right.
 */
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Digits only, unlike strtoull, which takes blanks and signs. 0, -EINVAL or -ERANGE. */
static int digits(uint64_t *out, const char *text, const char **end)
{
	uint64_t v = 0;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		unsigned d = (unsigned)(*text - '0');

		if (v > (UINT64_MAX - d) / 10)
			return -ERANGE;
		v = v * 10 + d;
	}
	*out = v;
	*end = text;
	return 0;
}

int parse_u64(uint64_t *out, const char *text)
{
	const char *end;

	return digits(out, text, &end) < 0 || *end ? -EINVAL : 0;
}

int parse_u32(uint32_t *out, const char *what, const char *text, uint32_t min, uint32_t max,
	      struct err *e)
{
	const char *end;
	uint64_t v;

	if (digits(&v, text, &end) < 0 || *end || v < min || v > max)
		return err_usage(e, "%s: '%s' is not a whole number from %" PRIu32 " to %" PRIu32,
				 what, text, min, max);
	*out = (uint32_t)v;
	return 0;
}

int parse_size(uint64_t *out_bytes, const char *what, const char *text, struct err *e)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} units[] = {
		{ "K", 1ull << 10 }, { "KiB", 1ull << 10 }, { "kB", 1000ull },
		{ "M", 1ull << 20 }, { "MiB", 1ull << 20 }, { "MB", 1000000ull },
		{ "G", 1ull << 30 }, { "GiB", 1ull << 30 }, { "GB", 1000000000ull },
		{ "T", 1ull << 40 }, { "TiB", 1ull << 40 }, { "TB", 1000000000000ull },
	};
	const char *unit;
	uint64_t v;

	if (digits(&v, text, &unit) < 0 || (v == 0 && *unit == '\0'))
		return err_usage(e, "%s: '%s' is not a size: write 512M or 2G", what, text);
	if (*unit == '\0')
		return err_usage(e, "%s: %s of what? write %sM or %sG", what, text, text, text);
	for (unsigned i = 0; i < COUNT(units); i++) {
		if (strcmp(unit, units[i].unit))
			continue;
		if (v > UINT64_MAX / units[i].bytes)
			return err_usage(e, "%s: '%s' is more than any machine has", what, text);
		*out_bytes = v * units[i].bytes;
		return 0;
	}
	return err_usage(e, "%s: '%s': '%s' is no unit of size: use K, M, G or T", what, text,
			 unit);
}

/* The unit at *at, which then stands behind it; 0 when there is none. */
static uint64_t time_unit(const char **at)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };

	for (unsigned i = 0; i < COUNT(units); i++) {
		size_t len = strlen(units[i].unit);

		if (strncmp(*at, units[i].unit, len))
			continue;
		*at += len;
		return units[i].ms;
	}
	return 0;
}

int parse_time(uint32_t *out_ms, const char *what, const char *text, struct err *e)
{
	const char *at = text;
	uint64_t total = 0, v, unit;

	do {
		if (digits(&v, at, &at) < 0)
			goto bad;
		unit = *at == '\0' && total == 0 ? 1000 : time_unit(&at);
		if (unit == 0 || v > UINT32_MAX || total + v * unit > INT32_MAX)
			goto bad;
		total += v * unit;
	} while (*at);
	*out_ms = (uint32_t)total;
	return 0;
bad:
	return err_usage(e,
			 "%s: '%s' is not a time of at most 24 days: write 500ms, 30s, 5m or 1h30m",
			 what, text);
}

int parse_name(const char *text, struct err *e)
{
	size_t len = strlen(text);
	size_t good = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (len == 0 || len > 63 || good != len || text[0] == '-' || text[len - 1] == '-')
		return err_usage(e,
				 "'%s' is not a VM name: 1 to 63 of a-z, 0-9 and -, with no - at "
				 "either end",
				 text);
	return 0;
}
