/*
 * quote - any string as one value of vm.ini, and back, byte for byte.
 */
#include "host/quote.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

static const struct {
	char letter, means;
} escapes[] = {
	{ 'n', '\n' }, { 't', '\t' }, { 'r', '\r' }, { '"', '"' }, { '\\', '\\' },
};

/* ';' begins a comment in vm.ini wherever a blank is before it. */
static int needs_escape(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f || c == ';' || c == '"' || c == '\\';
}

static int needs_quotes(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || text[0] == ' ' || text[len - 1] == ' ' || text[0] == '"')
		return 1;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f || *text == ';')
			return 1;
	return 0;
}

static size_t put_escaped(char out[5], char c)
{
	for (size_t i = 0; i < COUNT(escapes); i++)
		if (escapes[i].means == c)
			return (size_t)snprintf(out, 5, "\\%c", escapes[i].letter);
	return (size_t)snprintf(out, 5, "\\x%02x", (unsigned char)c);
}

long quote_put(char *out, size_t cap, const char *text)
{
	size_t used = 0;

	if (!needs_quotes(text))
		return strlen(text) < cap ? snprintf(out, cap, "%s", text) : -EMSGSIZE;
	if (cap < 3)
		return -EMSGSIZE;
	out[used++] = '"';
	for (; *text; text++) {
		char one[5] = { *text };
		size_t n = needs_escape(*text) ? put_escaped(one, *text) : 1;

		if (used + n + 2 > cap)
			return -EMSGSIZE;
		memcpy(out + used, one, n);
		used += n;
	}
	out[used++] = '"';
	out[used] = '\0';
	return (long)used;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What stands behind the backslash at `from`; the bytes it took, or 0. */
static size_t take_escape(const char *from, char *means)
{
	for (size_t i = 0; i < COUNT(escapes); i++) {
		if (escapes[i].letter != *from)
			continue;
		*means = escapes[i].means;
		return 1;
	}
	if (*from != 'x' || digit(from[1]) < 0 || digit(from[2]) < 0)
		return 0;
	*means = (char)(digit(from[1]) << 4 | digit(from[2]));
	return *means ? 3 : 0;
}

int quote_take(char *value)
{
	const char *from = value + 1;
	char *to = value;

	if (*value != '"')
		return 0;
	for (; *from && *from != '"'; to++) {
		size_t n;

		if (*from != '\\') {
			*to = *from++;
			continue;
		}
		n = take_escape(++from, to);
		if (n == 0)
			return -EINVAL;
		from += n;
	}
	if (from[0] != '"' || from[1])
		return -EINVAL;
	*to = '\0';
	return 0;
}
