/*
 * text - foreign bytes made fit for a terminal or for JSON.
 */
#include "host/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

/* Length of the UTF-8 sequence at s (RFC 3629: no overlong forms, no surrogates); 0 when bad. */
static size_t sequence(const uint8_t *s, size_t len)
{
	static const struct {
		uint8_t from, to;  /* first byte */
		uint8_t low, high; /* second byte */
		uint8_t bytes;
	} forms[] = {
		{ 0x20, 0x7e, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < COUNT(forms); i++) {
		if (s[0] < forms[i].from || s[0] > forms[i].to)
			continue;
		if (len < forms[i].bytes)
			return 0;
		if (forms[i].bytes > 1 && (s[1] < forms[i].low || s[1] > forms[i].high))
			return 0;
		for (size_t k = 2; k < forms[i].bytes; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		/* U+0080 to U+009F are control characters too. */
		return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : forms[i].bytes;
	}
	return 0;
}

char *text_clean(char *out, size_t cap, const char *in, size_t len)
{
	size_t used = 0;

	for (size_t at = 0; at < len;) {
		size_t n = sequence((const uint8_t *)in + at, len - at);

		if (used + MAX(n, 1u) >= cap)
			break;
		if (n == 0) {
			out[used++] = '?';
			at++;
		}
		while (n-- > 0)
			out[used++] = in[at++];
	}
	out[used] = '\0';
	return out;
}

size_t text_escape(char *out, size_t cap, const char *in, size_t len)
{
	size_t used = 0;

	/* No sequence and no escape is longer than four bytes. */
	for (size_t at = 0; at < len && used + 4 < cap;) {
		size_t n = sequence((const uint8_t *)in + at, len - at);

		if (n == 0 && (in[at] == '\n' || in[at] == '\t'))
			n = 1;
		if (n == 0)
			used += (size_t)sprintf(out + used, "\\x%02x", (uint8_t)in[at++]);
		while (n-- > 0)
			out[used++] = in[at++];
	}
	out[used] = '\0';
	return used;
}

int text_escape_err(struct err *e)
{
	char clean[sizeof(e->text)];

	text_escape(clean, sizeof(clean), e->text, strlen(e->text));
	memcpy(e->text, clean, strlen(clean) + 1);
	return e->code;
}

char *text_upper(char *out, size_t cap, const char *in)
{
	size_t used = 0;

	for (; *in && used + 1 < cap; in++)
		out[used++] = (char)(*in >= 'a' && *in <= 'z' ? *in - 'a' + 'A' : *in);
	out[used] = '\0';
	return out;
}

char *text_size(char out[TEXT_UNIT_ROOM], unsigned long long bytes)
{
	unsigned long long mib = bytes >> 20;

	if (mib < 1024)
		snprintf(out, TEXT_UNIT_ROOM, "%llu MiB", mib);
	else
		snprintf(out, TEXT_UNIT_ROOM, "%llu.%llu GiB", mib >> 10, (mib & 1023) * 10 >> 10);
	return out;
}

char *text_duration(char out[TEXT_UNIT_ROOM], long long ms)
{
	long long s = ms / 1000;

	if (s < 60)
		snprintf(out, TEXT_UNIT_ROOM, "%llds", s);
	else if (s < 3600)
		snprintf(out, TEXT_UNIT_ROOM, "%lldm%02llds", s / 60, s % 60);
	else
		snprintf(out, TEXT_UNIT_ROOM, "%lldh%02lldm", s / 3600, s / 60 % 60);
	return out;
}
