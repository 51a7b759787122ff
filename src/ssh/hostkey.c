/*
 * hostkey - a public key as SSH writes it.
 */
#include "ssh/hostkey.h"

#include <bearssl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "ssh/base64.h"

static const char blanks[] = " \t";

/* RFC 4251, section 6: printable US-ASCII without blanks and commas, at most 64 of it. */
static int is_name(const uint8_t *text, size_t len)
{
	if (len == 0 || len >= HOSTKEY_TYPE_ROOM)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == ',')
			return 0;
	return 1;
}

int hostkey_from_blob(struct hostkey *k, const void *blob, size_t len)
{
	struct rd r = rd_init(blob, len);
	size_t type_len;
	const uint8_t *type = rd_blob(&r, &type_len);

	if (r.bad || len > sizeof(k->blob) || !is_name(type, type_len) || r.at == r.end)
		return -EPROTO;
	snprintf(k->type, sizeof(k->type), "%.*s", (int)type_len, (const char *)type);
	memcpy(k->blob, blob, len);
	k->len = len;
	return 0;
}

int hostkey_from_fields(struct hostkey *k, const char *type, size_t type_len, const char *base64,
			size_t base64_len)
{
	uint8_t blob[HOSTKEY_MAX];
	long len = base64_take(blob, sizeof(blob), base64, base64_len);

	if (len < 0 || hostkey_from_blob(k, blob, (size_t)len) < 0)
		return -EPROTO;
	return strlen(k->type) == type_len && !memcmp(k->type, type, type_len) ? 0 : -EPROTO;
}

static size_t blank_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && strchr(blanks, text[n]) && text[n])
		n++;
	return n;
}

static size_t word_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] && !strchr(" \t\r\n", text[n]))
		n++;
	return n;
}

int hostkey_from_text(struct hostkey *k, const char *text, size_t len)
{
	size_t front = blank_len(text, len), type, gap, key;

	text += front;
	len -= front;
	type = word_len(text, len);
	gap = blank_len(text + type, len - type);
	key = word_len(text + type + gap, len - type - gap);
	if (type == 0 || gap == 0 || key == 0)
		return -EPROTO;
	return hostkey_from_fields(k, text, type, text + type + gap, key);
}

int hostkey_is_same(const struct hostkey *a, const struct hostkey *b)
{
	return a->len == b->len && !memcmp(a->blob, b->blob, a->len);
}

void hostkey_print(char out[HOSTKEY_PRINT_ROOM], const struct hostkey *k)
{
	uint8_t digest[br_sha256_SIZE];
	char text[BASE64_LEN(sizeof(digest)) + 1];
	br_sha256_context c;

	br_sha256_init(&c);
	br_sha256_update(&c, k->blob, k->len);
	br_sha256_out(&c, digest);
	base64_put(text, digest, sizeof(digest));
	text[strcspn(text, "=")] = '\0';
	snprintf(out, HOSTKEY_PRINT_ROOM, "SHA256:%s", text);
}

void hostkey_text(char out[HOSTKEY_TEXT_ROOM], const struct hostkey *k)
{
	int n = snprintf(out, HOSTKEY_TEXT_ROOM, "%s ", k->type);

	base64_put(out + n, k->blob, k->len);
}
