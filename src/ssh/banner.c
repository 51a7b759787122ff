/*
 * banner - a server's SSH identification string, taken as it arrives (RFC 4253, section 4.2).
 */
#include "ssh/banner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

static void judge(struct banner *b, enum banner_verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void judge(struct banner *b, enum banner_verdict verdict, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	b->verdict = verdict;
}

static int is_printable(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

/* As much as a person needs to recognise who speaks. */
static void put_sample(char *out, size_t cap, const char *bytes, size_t len)
{
	enum { SAMPLE_MAX = 40 };
	size_t used = 0;

	for (size_t i = 0; i < MIN(len, (size_t)SAMPLE_MAX); i++) {
		unsigned char c = (unsigned char)bytes[i];
		int n = snprintf(out + used, cap - used, is_printable(c) ? "%c" : "\\x%02x", c);

		if ((size_t)n >= cap - used)
			break;
		used += (size_t)n;
	}
	out[used] = '\0';
}

void banner_sample(const struct banner *b, char *out, size_t cap)
{
	char text[180];

	put_sample(text, sizeof(text), b->line, MIN(b->len, sizeof(b->line)));
	snprintf(out, cap, *text ? "'%s'" : "%s", text);
}

static void judge_sample(struct banner *b, const char *what)
{
	char text[170];

	put_sample(text, sizeof(text), b->line, MIN(b->len, sizeof(b->line)));
	judge(b, BANNER_NOT_SSH, "%s: '%s'", what, text);
}

/* A record's type and the major number of its version: what servers of TLS say to a stranger. */
static int is_tls(const struct banner *b)
{
	return b->len >= 2 && (b->line[0] == 0x15 || b->line[0] == 0x16) && b->line[1] == 3;
}

static int is_identification(const struct banner *b)
{
	return b->len >= 4 && memcmp(b->line, "SSH-", 4) == 0;
}

/* "2.0": digits, a point, digits. */
static int is_version(const char *text, size_t len)
{
	size_t major = strspn(text, "0123456789");
	size_t minor = text[major] == '.' ? strspn(text + major + 1, "0123456789") : 0;

	return major > 0 && minor > 0 && major + 1 + minor == len;
}

static int is_text(const char *line, size_t len)
{
	while (len > 0 && is_printable((unsigned char)line[len - 1]))
		len--;
	return len == 0;
}

/* SSH-protoversion-softwareversion, perhaps a space and comments. */
static void identified(struct banner *b)
{
	static const char *const spoken[] = { "2.0", "1.99" };
	const char *version = b->line + 4;
	size_t len = strcspn(version, "-");

	if (!is_text(b->line, b->len)) {
		judge_sample(b, "control bytes in the identification string");
		return;
	}
	if (!is_version(version, len) || version[len] != '-' || strchr(" ", version[len + 1])) {
		judge_sample(b, "an identification string that is not SSH-VERSION-SOFTWARE");
		return;
	}
	for (size_t i = 0; i < COUNT(spoken); i++)
		if (strlen(spoken[i]) == len && !memcmp(version, spoken[i], len))
			b->verdict = BANNER_OK;
	if (b->verdict != BANNER_OK)
		judge(b, BANNER_UNSUPPORTED, "it speaks version %.*s of SSH, and not 2.0",
		      (int)MIN(len, 20u), version);
}

static void limit_bytes(struct banner *b, size_t bytes)
{
	if (bytes > BANNER_BEFORE_BYTES)
		judge(b, BANNER_NOT_SSH, "more than %d bytes and no identification string",
		      BANNER_BEFORE_BYTES);
}

/* A line that is allowed in front: UTF-8 for a person, and no control bytes. */
static void came_before(struct banner *b)
{
	b->bytes += b->len + 1;
	limit_bytes(b, b->bytes);
	if (b->len >= 7 && !memcmp(b->line, "HTTP/1.", 7))
		judge_sample(b, "an HTTP answer");
	else if (++b->lines > BANNER_BEFORE_LINES)
		judge(b, BANNER_NOT_SSH, "more than %d lines and no identification string",
		      BANNER_BEFORE_LINES);
	b->len = b->verdict == BANNER_MORE ? 0 : b->len;
}

static void end_line(struct banner *b)
{
	size_t kept = MIN(b->len, sizeof(b->line) - 1);

	if (b->len == kept && kept > 0 && b->line[kept - 1] == '\r')
		b->len = --kept;
	b->line[kept] = '\0';
	if (is_identification(b))
		identified(b);
	else
		came_before(b);
}

/* A line's byte may be text, or the CR in front of its LF. */
static int is_misplaced(const struct banner *b, unsigned char c)
{
	int after_cr = b->len > 0 && b->line[MIN(b->len, sizeof(b->line)) - 1] == '\r';

	return after_cr || (c < 0x20 && c != '\t' && c != '\r') || c == 0x7f;
}

/* Two bytes tell a record of TLS; the first alone is still anybody's. */
static int may_be_tls(const struct banner *b)
{
	return b->lines == 0 && b->len == 1 && (b->line[0] == 0x15 || b->line[0] == 0x16);
}

static void take_byte(struct banner *b, unsigned char c)
{
	int bad = is_misplaced(b, c) || may_be_tls(b);
	int known;

	/* Of a long line the beginning is kept, and its last byte, which may be a CR. */
	b->line[MIN(b->len, sizeof(b->line) - 1)] = (char)c;
	b->len++;
	known = memcmp(b->line, "SSH-", MIN(b->len, 4u)) == 0;
	if (b->lines == 0 && is_tls(b))
		judge_sample(b, "a TLS record");
	else if (bad && !may_be_tls(b))
		judge_sample(b, c ? "control bytes" : "a NUL byte");
	else if (known && b->len >= BANNER_MAX)
		judge(b, BANNER_NOT_SSH, "an identification string of more than %d characters",
		      BANNER_MAX);
	else if (!known)
		limit_bytes(b, b->bytes + b->len);
}

size_t banner_take(struct banner *b, const void *data, size_t len)
{
	const unsigned char *at = data;
	size_t taken = 0;

	while (b->verdict == BANNER_MORE && taken < len) {
		unsigned char c = at[taken++];

		if (c == '\n')
			end_line(b);
		else
			take_byte(b, c);
	}
	return taken;
}
