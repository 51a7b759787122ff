/* Signatures of host keys: right ones of each kind, and all that comes close. Keys and signatures are made here
 * with BearSSL's own signing; Ed25519's are RFC 8032's second example. */
#include <bearssl.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "check.h"
#include "ssh/signature.h"

static char message[] = "what was exchanged";
static br_hmac_drbg_context random_bytes;
static struct hostkey key;

static void put_text(struct wr *w, const char *text)
{
	wr_blob(w, text, strlen(text));
}

/* As a number that is not negative, with so many zeros in front as are asked for. */
static void put_number(struct wr *w, const uint8_t *data, size_t len, size_t zeros)
{
	uint8_t number[600] = { 0 };
	size_t front = zeros + (len > 0 && data[0] & 0x80 ? 1 : 0);

	memcpy(number + front, data, len);
	wr_blob(w, number, front + len);
}

static int check_as(enum signature_algorithm a, const char *name, const void *signature, size_t len)
{
	uint8_t blob[1024];
	struct wr w = wr_init(blob, sizeof(blob));

	put_text(&w, name);
	wr_blob(&w, signature, len);
	return signature_check(a, &key, blob, wr_len(&w, blob), message, sizeof(message));
}

static int check_of(enum signature_algorithm a, const void *signature, size_t len)
{
	return check_as(a, signature_name(a), signature, len);
}

/* --- ECDSA --- */

static const struct curve {
	enum signature_algorithm algorithm;
	const char *name;
	int id;
	size_t coordinate;
	const br_hash_class *hash;
} curves[] = {
	{ SIGNATURE_P256, "nistp256", BR_EC_secp256r1, 32, &br_sha256_vtable },
	{ SIGNATURE_P384, "nistp384", BR_EC_secp384r1, 48, &br_sha384_vtable },
	{ SIGNATURE_P521, "nistp521", BR_EC_secp521r1, 66, &br_sha512_vtable },
};

static uint8_t pair[2 * 66]; /* r and s of the message */
static uint8_t point[BR_EC_KBUF_PUB_MAX_SIZE];
static size_t point_len;

static void key_of_point(const struct curve *c, const char *curve_name)
{
	uint8_t blob[512];
	struct wr w = wr_init(blob, sizeof(blob));

	put_text(&w, signature_key_type(c->algorithm));
	put_text(&w, curve_name);
	wr_blob(&w, point, point_len);
	CHECK(hostkey_from_blob(&key, blob, wr_len(&w, blob)) == 0);
}

static void sign_with_curve(const struct curve *c)
{
	const br_ec_impl *ec = br_ec_get_default();
	uint8_t secret[BR_EC_KBUF_PRIV_MAX_SIZE], digest[64];
	br_hash_compat_context h;
	br_ec_private_key sk;
	br_ec_public_key pk;

	br_ec_keygen(&random_bytes.vtable, ec, &sk, secret, c->id);
	point_len = br_ec_compute_pub(ec, &pk, point, &sk);
	key_of_point(c, c->name);
	c->hash->init(&h.vtable);
	c->hash->update(&h.vtable, message, sizeof(message));
	c->hash->out(&h.vtable, digest);
	CHECK(br_ecdsa_sign_raw_get_default()(ec, c->hash, digest, &sk, pair) == 2 * c->coordinate);
}

/* r and s of so many bytes each, from the pair's ends, zeros in front, and bytes behind all of it. */
static int check_pair(const struct curve *c, size_t zeros, size_t behind)
{
	uint8_t blob[512];
	struct wr w = wr_init(blob, sizeof(blob));

	put_number(&w, pair, c->coordinate, zeros);
	put_number(&w, pair + c->coordinate, c->coordinate, zeros);
	while (behind-- > 0)
		wr_u8(&w, 0);
	return check_of(c->algorithm, blob, wr_len(&w, blob));
}

static void an_ecdsa_signature_is_taken_for_another(void)
{
	for (size_t i = 0; i < COUNT(curves); i++) {
		const struct curve *c = &curves[i];

		sign_with_curve(c);
		CHECK(check_pair(c, 0, 0) == 0);
		CHECK(check_pair(c, 9, 0) == 0); /* zeros in front are no number */
		CHECK(check_pair(c, 0, 1) == -EPROTO);
		pair[c->coordinate - 1] ^= 1;
		CHECK(check_pair(c, 0, 0) == -EBADMSG);
		pair[c->coordinate - 1] ^= 1;
		pair[2 * c->coordinate - 1] ^= 1;
		CHECK(check_pair(c, 0, 0) == -EBADMSG);
		memset(pair, 0, c->coordinate);
		CHECK(check_pair(c, 0, 0) == -EBADMSG); /* r is nothing */
		memset(pair, 0xff, c->coordinate);
		CHECK(check_pair(c, 0, 0) == -EBADMSG); /* and beyond the group's order */
	}
}

static int check_numbers(const struct curve *c, const void *r, size_t r_len, const void *s, size_t s_len)
{
	uint8_t blob[512];
	struct wr w = wr_init(blob, sizeof(blob));

	wr_blob(&w, r, r_len);
	wr_blob(&w, s, s_len);
	return check_of(c->algorithm, blob, wr_len(&w, blob));
}

static void a_number_that_cannot_be_is_read(void)
{
	static const uint8_t negative[32] = { 0x80, 1 };
	uint8_t longer[34] = { 0, 1 }, one[] = { 1 };
	const struct curve *c = &curves[0];

	sign_with_curve(c);
	CHECK(check_numbers(c, negative, 32, one, 1) == -EPROTO);
	CHECK(check_numbers(c, one, 1, negative, 32) == -EPROTO);
	CHECK(check_numbers(c, longer, 34, one, 1) == -EPROTO); /* 33 bytes that count */
	CHECK(check_numbers(c, one, 1, longer, 34) == -EPROTO);
	CHECK(check_numbers(c, "", 0, "", 0) == -EBADMSG);
	CHECK(check_numbers(c, one, 1, one, 1) == -EBADMSG);
	CHECK(check_of(c->algorithm, "", 0) == -EPROTO);
	CHECK(check_of(c->algorithm, "\0\0\0\1\1", 5) == -EPROTO);		/* no s */
	CHECK(check_of(c->algorithm, "\377\377\377\377\1", 5) == -EPROTO);	/* r without an end */
	CHECK(check_as(c->algorithm, "ecdsa-sha2-nistp384", pair, 64) == -EPROTO);
}

static void a_point_that_is_none_has_signed(void)
{
	const struct curve *c = &curves[0];

	sign_with_curve(c);
	key_of_point(c, "nistp384");
	CHECK(check_pair(c, 0, 0) == -EPROTO); /* a curve that is not its type's */
	point[0] = 2;
	key_of_point(c, c->name);
	CHECK(check_pair(c, 0, 0) == -EPROTO); /* compressed */
	point[0] = 4;
	point[point_len - 1] ^= 1;
	key_of_point(c, c->name);
	CHECK(check_pair(c, 0, 0) == -EBADMSG); /* beside the curve */
	point_len--;
	key_of_point(c, c->name);
	CHECK(check_pair(c, 0, 0) == -EPROTO);
}

/* --- RSA --- */

enum { BITS = 1024, BYTES = BITS / 8 };

static br_rsa_private_key rsa;
static uint8_t rsa_secret[BR_RSA_KBUF_PRIV_SIZE(BITS)], modulus[BYTES];

static void rsa_key(const uint8_t *e, size_t e_len, const uint8_t *n, size_t n_len)
{
	uint8_t blob[2048];
	struct wr w = wr_init(blob, sizeof(blob));

	put_text(&w, "ssh-rsa");
	wr_blob(&w, e, e_len);
	put_number(&w, n, n_len, 0);
	CHECK(hostkey_from_blob(&key, blob, wr_len(&w, blob)) == 0);
}

static void make_rsa(void)
{
	static uint8_t public[BR_RSA_KBUF_PUB_SIZE(BITS)];
	br_rsa_public_key pk;

	CHECK(br_rsa_keygen_get_default()(&random_bytes.vtable, &rsa, rsa_secret, &pk, public, BITS, 65537) == 1);
	CHECK(pk.nlen == BYTES);
	memcpy(modulus, pk.n, BYTES);
}

/* 0 1 ff...ff 0 DigestInfo, as PKCS #1 wants it for SHA-256. */
static void pad(uint8_t block[BYTES])
{
	static const uint8_t info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
					0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
	uint8_t *at = block + BYTES - 32 - sizeof(info);
	br_sha256_context h;

	memset(block, 0xff, BYTES);
	block[0] = 0;
	block[1] = 1;
	at[-1] = 0;
	memcpy(at, info, sizeof(info));
	br_sha256_init(&h);
	br_sha256_update(&h, message, sizeof(message));
	br_sha256_out(&h, at + sizeof(info));
}

static int check_block(uint8_t block[BYTES])
{
	CHECK(br_rsa_private_get_default()(block, &rsa) == 1);
	return check_of(SIGNATURE_RSA_256, block, BYTES);
}

static const uint8_t exponent[] = { 1, 0, 1 };

static void a_padding_that_is_wrong_is_taken(void)
{
	enum { INFO = BYTES - 32 - 19 };
	static const struct {
		const char *why;
		int at;
		uint8_t byte;
	} cases[] = {
		{ "not below the modulus's first byte", 0, 1 },
		{ "of encryption", 1, 2 },
		{ "no padding at all", 2, 0 },
		{ "a byte of it", 40, 0xfe },
		{ "its end is too early", 60, 0 },
		{ "no end of it", INFO - 1, 0xff },
		{ "of another length", INFO + 1, 0x32 },
		{ "of another digest", INFO + 14, 2 },
		{ "a parameter that is no NULL", INFO + 15, 4 },
		{ "a digest that is said to be shorter", INFO + 18, 0x1f },
		{ "another digest's first byte", INFO + 19, 0xa5 },
	};
	uint8_t block[BYTES];

	rsa_key(exponent, sizeof(exponent), modulus, BYTES);
	pad(block);
	CHECK(check_block(block) == 0);
	CHECK(check_as(SIGNATURE_RSA_512, "rsa-sha2-512", block, BYTES) == -EBADMSG);
	CHECK(check_as(SIGNATURE_RSA_256, "ssh-rsa", block, BYTES) == -EPROTO); /* SHA-1's name */
	for (size_t i = 0; i < COUNT(cases); i++) {
		int rc;

		pad(block);
		if (block[cases[i].at] == cases[i].byte)
			block[cases[i].at] ^= 1;
		else
			block[cases[i].at] = cases[i].byte;
		rc = check_block(block);
		if (rc != -EBADMSG)
			printf("# %s: %d\n", cases[i].why, rc);
		CHECK(rc == -EBADMSG);
	}
	/* What follows the digest is what a forger of small exponents needs: it moves to the left. */
	pad(block);
	memmove(block + 2, block + 10, BYTES - 10);
	memset(block + BYTES - 8, 0xab, 8);
	CHECK(check_block(block) == -EBADMSG);
}

static void an_rsa_signature_of_another_length_is_taken(void)
{
	uint8_t block[BYTES + 1] = { 0 };

	rsa_key(exponent, sizeof(exponent), modulus, BYTES);
	pad(block + 1);
	CHECK(br_rsa_private_get_default()(block + 1, &rsa) == 1);
	CHECK(check_of(SIGNATURE_RSA_256, block, BYTES + 1) == -EPROTO); /* a zero in front is a byte */
	CHECK(check_of(SIGNATURE_RSA_256, block + 1, BYTES - 1) == -EBADMSG);
	CHECK(check_of(SIGNATURE_RSA_256, block + 1, 0) == -EBADMSG);
	block[0] = 1;
	/* One that begins with a zero may come without it: one message in 256 has such a signature. */
	for (int i = 0; block[0] != 0; i++) {
		message[0] = (char)i;
		message[1] = (char)(i >> 8);
		pad(block);
		CHECK(br_rsa_private_get_default()(block, &rsa) == 1);
	}
	CHECK(check_of(SIGNATURE_RSA_256, block, BYTES) == 0);
	CHECK(check_of(SIGNATURE_RSA_256, block + 1, BYTES - 1) == 0);
}

static void an_rsa_key_that_cannot_be_is_used(void)
{
	static uint8_t large[4104 / 8] = { 0x80 };
	uint8_t block[BYTES], negative[] = { 0x81, 0, 1 };

	pad(block);
	CHECK(br_rsa_private_get_default()(block, &rsa) == 1);
	rsa_key(exponent, sizeof(exponent), modulus, BYTES);
	CHECK(check_of(SIGNATURE_RSA_256, block, BYTES) == 0);
	rsa_key(exponent, sizeof(exponent), modulus, BYTES - 1);
	CHECK(check_of(SIGNATURE_RSA_256, block, BYTES - 1) == -EPROTO); /* too short to be safe */
	rsa_key(exponent, sizeof(exponent), large, sizeof(large));
	CHECK(check_of(SIGNATURE_RSA_256, block, BYTES) == -ENOTSUP);
	rsa_key((const uint8_t *)"", 0, modulus, BYTES);
	CHECK(check_of(SIGNATURE_RSA_256, block, BYTES) == -EPROTO);
	rsa_key((const uint8_t *)"\0\0", 2, modulus, BYTES);
	CHECK(check_of(SIGNATURE_RSA_256, block, BYTES) == -EPROTO);
	rsa_key(negative, sizeof(negative), modulus, BYTES);
	CHECK(check_of(SIGNATURE_RSA_256, block, BYTES) == -EPROTO);
	memset(modulus, 0, BYTES); /* the last one to need it */
	rsa_key(exponent, sizeof(exponent), modulus, BYTES);
	CHECK(check_of(SIGNATURE_RSA_256, block, BYTES) == -EPROTO);
}

/* --- Ed25519 --- */

static const uint8_t ed_public[32] = { 0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a,
				       0xa7, 0x4d, 0x1b, 0x7e, 0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4,
				       0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c };
static const uint8_t ed_signature[64] = {
	0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40,
	0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda,
	0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c,
	0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00
};

static int check_ed(const uint8_t *public, size_t public_len, const uint8_t *signature, size_t len)
{
	uint8_t blob[256];
	struct wr w = wr_init(blob, sizeof(blob));

	put_text(&w, "ssh-ed25519");
	wr_blob(&w, public, public_len);
	CHECK(hostkey_from_blob(&key, blob, wr_len(&w, blob)) == 0);
	w = wr_init(blob, sizeof(blob));
	put_text(&w, "ssh-ed25519");
	wr_blob(&w, signature, len);
	return signature_check(SIGNATURE_ED25519, &key, blob, wr_len(&w, blob), "\x72", 1);
}

static void an_ed25519_signature_is_taken_for_another(void)
{
	/* The group's order, little-endian: added to s it is the same number to whoever does not look. */
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
					   0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
	uint8_t other[65] = { 0 }, zero[32] = { 0 };
	unsigned carry = 0;

	CHECK(check_ed(ed_public, 32, ed_signature, 64) == 0);
	CHECK(check_ed(ed_public, 32, ed_signature, 63) == -EPROTO);
	memcpy(other, ed_signature, 64);
	CHECK(check_ed(ed_public, 32, other, 65) == -EPROTO);
	CHECK(check_ed(ed_public, 31, ed_signature, 64) == -EPROTO);
	for (int i = 0; i < 64; i += 21) {
		other[i] ^= 1;
		CHECK(check_ed(ed_public, 32, other, 64) == -EBADMSG);
		other[i] ^= 1;
	}
	for (int i = 0; i < 32; i++) {
		carry += other[32 + i] + order[i];
		other[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	CHECK(check_ed(ed_public, 32, other, 64) == -EBADMSG);
	CHECK(check_ed(zero, 32, ed_signature, 64) == -EBADMSG); /* a point that signs for everybody */
}

int main(void)
{
	br_hmac_drbg_init(&random_bytes, &br_sha256_vtable, "always the same", 15);
	make_rsa();
	TEST(an_ecdsa_signature_is_taken_for_another);
	TEST(a_number_that_cannot_be_is_read);
	TEST(a_point_that_is_none_has_signed);
	TEST(a_padding_that_is_wrong_is_taken);
	TEST(an_rsa_signature_of_another_length_is_taken);
	TEST(an_ed25519_signature_is_taken_for_another);
	TEST(an_rsa_key_that_cannot_be_is_used);
	return check_done();
}
