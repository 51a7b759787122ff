/*
 * instant - a point in time as people and files write it: RFC 3339, or so long ago.
 */
#include "base/instant.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"

/* Exactly so many digits. 0 or -EINVAL; *at moves behind them. */
static int number(const char **at, int digits, int max, int *out)
{
	*out = 0;
	for (int i = 0; i < digits; i++, (*at)++) {
		if (!isdigit((unsigned char)**at))
			return -EINVAL;
		*out = *out * 10 + (**at - '0');
	}
	return *out <= max ? 0 : -EINVAL;
}

static int mark(const char **at, const char *any)
{
	return **at && strchr(any, **at) ? *(*at)++ : 0;
}

static int fraction(const char **at)
{
	int ms = 0, unit = 100;

	if (!mark(at, "."))
		return 0;
	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	for (; isdigit((unsigned char)**at); (*at)++, unit /= 10)
		ms += (**at - '0') * unit;
	return ms;
}

/* Minutes east of Greenwich. */
static int zone(const char **at, int *out)
{
	int sign = mark(at, "Zz+-"), hours, minutes;

	*out = 0;
	if (sign == 'Z' || sign == 'z')
		return 0;
	if (!sign || number(at, 2, 23, &hours) < 0 || !mark(at, ":") ||
	    number(at, 2, 59, &minutes) < 0)
		return -EINVAL;
	*out = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
	return 0;
}

int instant_rfc3339(int64_t *out_ms, const char *text)
{
	struct tm tm = { 0 };
	int ms, east;

	if (number(&text, 4, 9999, &tm.tm_year) < 0 || !mark(&text, "-") ||
	    number(&text, 2, 12, &tm.tm_mon) < 0 || !mark(&text, "-") ||
	    number(&text, 2, 31, &tm.tm_mday) < 0 || !mark(&text, "Tt ") ||
	    number(&text, 2, 23, &tm.tm_hour) < 0 || !mark(&text, ":") ||
	    number(&text, 2, 59, &tm.tm_min) < 0 || !mark(&text, ":") ||
	    number(&text, 2, 60, &tm.tm_sec) < 0 || tm.tm_mon == 0 || tm.tm_mday == 0)
		return -EINVAL;
	ms = fraction(&text);
	if (ms < 0 || zone(&text, &east) < 0 || *text)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*out_ms = ((int64_t)timegm(&tm) - east * 60) * 1000 + ms;
	return 0;
}

int instant_parse(int64_t *out_ms, const char *what, const char *text, struct err *e)
{
	struct timespec now;
	uint32_t back;

	if (instant_rfc3339(out_ms, text) == 0)
		return 0;
	if (parse_time(&back, what, text, e) < 0)
		return err_usage(e,
				 "%s: '%s' is neither a time back, as 5m, nor an instant, as "
				 "2026-11-21T09:08:07Z",
				 what, text);
	clock_gettime(CLOCK_REALTIME, &now);
	*out_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - back;
	return 0;
}
