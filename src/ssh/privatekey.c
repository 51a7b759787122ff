/*
 * privatekey - a key pair as OpenSSH keeps it: "openssh-key-v1", ecdsa-sha2-nistp256, no passphrase.
 */
#include "ssh/privatekey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "ssh/base64.h"
#include "ssh/ecpair.h"

#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END   "-----END OPENSSH PRIVATE KEY-----\n"

enum {
	BLOB_MAX = 512,
	COLUMNS = 70, /* as ssh-keygen breaks its lines */
	BLOCK = 8,    /* that the secret part is padded to when nothing encrypts it */
	POINT = 65,   /* of nistp256, uncompressed */
	SECRET = 32,
};

static const char magic[] = "openssh-key-v1"; /* its NUL is a part of it */
static const char type[] = "ecdsa-sha2-nistp256", curve[] = "nistp256", none[] = "none";

static void put_text(struct wr *w, const char *text)
{
	wr_blob(w, text, strlen(text));
}

/* A positive number: no zeros in front, but one before a bit that would be a sign (RFC 4251, 5). */
static void put_number(struct wr *w, const uint8_t *at, size_t len)
{
	uint8_t with_zero[SECRET + 1] = { 0 };

	for (; len > 0 && *at == 0; at++)
		len--;
	memcpy(with_zero + 1, at, len);
	if (len > 0 && *at & 0x80)
		wr_blob(w, with_zero, len + 1);
	else
		wr_blob(w, at, len);
	explicit_bzero(with_zero, sizeof(with_zero));
}

static size_t put_public(uint8_t out[BLOB_MAX], const struct ecpair *p)
{
	struct wr w = wr_init(out, BLOB_MAX);

	put_text(&w, type);
	put_text(&w, curve);
	wr_blob(&w, p->public, p->public_len);
	return wr_len(&w, out);
}

/* The check is there twice: what was decrypted wrong would have two that differ. */
static size_t put_secret(uint8_t out[BLOB_MAX], const struct ecpair *p, uint32_t check)
{
	struct wr w = wr_init(out, BLOB_MAX);

	wr_be32(&w, check);
	wr_be32(&w, check);
	put_text(&w, type);
	put_text(&w, curve);
	wr_blob(&w, p->public, p->public_len);
	put_number(&w, p->secret, p->secret_len);
	put_text(&w, ""); /* a comment */
	for (uint8_t pad = 1; wr_len(&w, out) % BLOCK; pad++)
		wr_u8(&w, pad);
	return wr_len(&w, out);
}

static size_t put_blob(uint8_t out[BLOB_MAX], const struct ecpair *p, uint32_t check)
{
	struct wr w = wr_init(out, BLOB_MAX);
	uint8_t part[BLOB_MAX];

	for (size_t i = 0; i < sizeof(magic); i++)
		wr_u8(&w, (uint8_t)magic[i]);
	put_text(&w, none); /* cipher */
	put_text(&w, none); /* what makes its key of a passphrase */
	put_text(&w, "");
	wr_be32(&w, 1);
	wr_blob(&w, part, put_public(part, p));
	wr_blob(&w, part, put_secret(part, p, check));
	explicit_bzero(part, sizeof(part));
	return wr_len(&w, out);
}

static void put_lines(char *out, const uint8_t *blob, size_t len)
{
	char text[BASE64_LEN(BLOB_MAX) + 1];
	size_t used = (size_t)sprintf(out, "%s", BEGIN);

	base64_put(text, blob, len);
	for (const char *at = text; *at; at += strnlen(at, COLUMNS))
		used += (size_t)sprintf(out + used, "%.*s\n", COLUMNS, at);
	sprintf(out + used, "%s", END);
	explicit_bzero(text, sizeof(text));
}

int privatekey_make(char out[PRIVATEKEY_ROOM])
{
	uint8_t blob[BLOB_MAX];
	struct ecpair p;
	uint32_t check;
	int rc = ecpair_make(&p, BR_EC_secp256r1);

	if (rc == 0 && getrandom(&check, sizeof(check), 0) < 0)
		rc = -errno;
	if (rc == 0)
		put_lines(out, blob, put_blob(blob, &p, check));
	explicit_bzero(blob, sizeof(blob));
	explicit_bzero(&p, sizeof(p));
	return rc;
}

/* --- and back --- */

/* The lines between the two that frame them, joined and decoded; how many bytes, or -1. */
static long take_lines(uint8_t out[BLOB_MAX], const char *text, size_t len)
{
	const size_t frame = sizeof(BEGIN) - 1 + sizeof(END) - 1;
	char joined[PRIVATEKEY_ROOM];
	size_t used = 0;
	long n;

	if (len < frame || len >= PRIVATEKEY_ROOM || memcmp(text, BEGIN, sizeof(BEGIN) - 1) ||
	    memcmp(text + len - (sizeof(END) - 1), END, sizeof(END) - 1))
		return -1;
	text += sizeof(BEGIN) - 1;
	for (size_t i = 0; i < len - frame; i++)
		if (text[i] != '\n')
			joined[used++] = text[i];
	n = base64_take(out, BLOB_MAX, joined, used);
	explicit_bzero(joined, sizeof(joined));
	return n;
}

static int is_next(struct rd *r, const char *want)
{
	size_t len;
	const uint8_t *got = rd_blob(r, &len);

	return !r->bad && len == strlen(want) && !memcmp(got, want, len);
}

/* What stands behind the public half: the same point again, a number, and nothing but padding. */
static int is_secret(struct rd *r, const uint8_t *point)
{
	uint32_t check = rd_be32(r);
	const uint8_t *again, *number;
	size_t len, digits;

	if (rd_be32(r) != check || !is_next(r, type) || !is_next(r, curve))
		return 0;
	again = rd_blob(r, &len);
	if (len != POINT || memcmp(again, point, POINT) != 0)
		return 0;
	number = rd_blob(r, &digits);
	if (digits == 0 || digits > SECRET + 1 || (number[0] & 0x80) || !is_next(r, ""))
		return 0;
	for (uint8_t pad = 1; r->at < r->end; pad++)
		if (pad >= BLOCK || rd_u8(r) != pad)
			return 0;
	return rd_done(r);
}

static int take_blob(struct hostkey *k, const uint8_t *blob, size_t len)
{
	struct rd r = rd_init(blob, len), public, secret;
	size_t public_len, secret_len, point_len;
	const uint8_t *at, *point;

	for (size_t i = 0; i < sizeof(magic); i++)
		if (rd_u8(&r) != (uint8_t)magic[i])
			return -EPROTO;
	if (!is_next(&r, none) || !is_next(&r, none) || !is_next(&r, "") || rd_be32(&r) != 1)
		return -EPROTO;
	at = rd_blob(&r, &public_len);
	public = rd_init(at, public_len);
	if (!is_next(&public, type) || !is_next(&public, curve))
		return -EPROTO;
	point = rd_blob(&public, &point_len);
	if (!rd_done(&public) || point_len != POINT || hostkey_from_blob(k, at, public_len) < 0)
		return -EPROTO;
	at = rd_blob(&r, &secret_len);
	secret = rd_init(at, secret_len);
	return rd_done(&r) && is_secret(&secret, point) ? 0 : -EPROTO;
}

int privatekey_public(struct hostkey *k, const char *text, size_t len)
{
	uint8_t blob[BLOB_MAX];
	long n = take_lines(blob, text, len);
	int rc = n < 0 ? -EPROTO : take_blob(k, blob, (size_t)n);

	explicit_bzero(blob, sizeof(blob));
	return rc;
}
