/*
 * httpstatus - the status of an HTTP answer, taken as it arrives.
 */
#include "host/httpstatus.h"

#include <string.h>

#include "base/util.h"
#include "host/text.h"

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 204", with or without a reason behind it. */
static int parse(const char *line)
{
	const char *at = line + 9;
	int code;

	if (strncmp(line, "HTTP/", 5) || !is_digit(line[5]) || line[6] != '.' ||
	    !is_digit(line[7]) || line[8] != ' ')
		return -1;
	if (!is_digit(at[0]) || !is_digit(at[1]) || !is_digit(at[2]) || (at[3] && at[3] != ' '))
		return -1;
	code = (at[0] - '0') * 100 + (at[1] - '0') * 10 + at[2] - '0';
	return code >= 100 && code <= 599 ? code : -1;
}

/* What cannot become one is not waited for. */
static int may_be_http(const struct httpstatus *h)
{
	static const char begin[] = "HTTP/";

	return memcmp(h->line, begin, MIN(h->len, sizeof(begin) - 1)) == 0;
}

void httpstatus_take(struct httpstatus *h, const void *data, size_t len)
{
	const char *at = data;

	for (size_t i = 0; i < len && h->code == 0; i++) {
		if (at[i] == '\n') {
			if (h->len && h->line[h->len - 1] == '\r')
				h->line[--h->len] = '\0';
			h->code = strlen(h->line) == h->len ? parse(h->line) : -1;
			return;
		}
		if (h->len == HTTP_LINE_MAX) {
			h->code = -1;
			return;
		}
		h->line[h->len++] = at[i];
		h->line[h->len] = '\0';
		if (!may_be_http(h))
			h->code = -1;
	}
}

void httpstatus_show(const struct httpstatus *h, char *out, size_t cap)
{
	text_clean(out, MIN(cap, 80u), h->line, h->len);
}
