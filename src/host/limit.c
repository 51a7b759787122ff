/*
 * limit - what a device may do in a second, as it is written.
 */
#include "host/limit.h"

#include "base/parse.h"

int limit_rate(uint64_t *out, const char *what, const char *text, struct err *e)
{
	int rc = parse_size(out, what, text, e);

	if (rc == 0 && *out == 0)
		rc = err_usage(e, "%s: rate=%s: nothing would pass", what, text);
	return rc;
}

int limit_ops(uint64_t *out, const char *what, const char *text, struct err *e)
{
	uint32_t ops;
	int rc = parse_u32(&ops, what, text, 1, UINT32_MAX, e);

	*out = rc == 0 ? ops : 0;
	return rc;
}
