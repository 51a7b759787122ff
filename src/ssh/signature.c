/*
 * signature - whether the owner of a host key signed something.
 */
#include "ssh/signature.h"

#include <bearssl.h>
#include <crypto_sign_ed25519.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

enum {
	RSA_BYTES_MIN = 1024 / 8, /* OpenSSH takes no shorter one either */
	RSA_BYTES_MAX = 4096 / 8, /* BearSSL's limit */
	DIGEST_ROOM = 64,
	COORDINATE_ROOM = 66, /* of P-521 */
};

struct span {
	const uint8_t *at;
	size_t len;
};

/* What is left of the key's blob behind its type; of the signature's behind its name. */
struct question {
	const struct algorithm *of;
	struct rd key;
	struct span signature, message;
};

static int check_ed25519(struct question *q);
static int check_ecdsa(struct question *q);
static int check_rsa(struct question *q);

static const struct algorithm {
	const char *name, *key_type;
	int (*check)(struct question *q);
	const br_hash_class *hash;
	const char *curve_name;
	int curve;
	size_t coordinate; /* bytes */
	const unsigned char *oid;
} algorithms[] = {
	[SIGNATURE_ED25519] = { "ssh-ed25519", "ssh-ed25519", check_ed25519, NULL, NULL, 0, 0, NULL },
	[SIGNATURE_P256] = { "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", check_ecdsa,
			     &br_sha256_vtable, "nistp256", BR_EC_secp256r1, 32, NULL },
	[SIGNATURE_P384] = { "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", check_ecdsa,
			     &br_sha384_vtable, "nistp384", BR_EC_secp384r1, 48, NULL },
	[SIGNATURE_P521] = { "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", check_ecdsa,
			     &br_sha512_vtable, "nistp521", BR_EC_secp521r1, 66, NULL },
	[SIGNATURE_RSA_512] = { "rsa-sha2-512", "ssh-rsa", check_rsa, &br_sha512_vtable, NULL, 0, 0,
				BR_HASH_OID_SHA512 },
	[SIGNATURE_RSA_256] = { "rsa-sha2-256", "ssh-rsa", check_rsa, &br_sha256_vtable, NULL, 0, 0,
				BR_HASH_OID_SHA256 },
};

const char *signature_name(enum signature_algorithm a)
{
	return algorithms[a].name;
}

const char *signature_key_type(enum signature_algorithm a)
{
	return algorithms[a].key_type;
}

static struct span rd_span(struct rd *r)
{
	struct span s;

	s.at = rd_blob(r, &s.len);
	return s;
}

/* A number that is not negative, without the zeros in front. */
static struct span rd_number(struct rd *r)
{
	struct span s = rd_span(r);

	if (s.len > 0 && *s.at & 0x80)
		r->bad = 1;
	while (s.len > 0 && *s.at == 0) {
		s.at++;
		s.len--;
	}
	return s;
}

static int is_text(struct span s, const char *text)
{
	return s.len == strlen(text) && !memcmp(s.at, text, s.len);
}

static size_t digest(uint8_t out[DIGEST_ROOM], const br_hash_class *hash, struct span of)
{
	br_hash_compat_context c;

	hash->init(&c.vtable);
	hash->update(&c.vtable, of.at, of.len);
	hash->out(&c.vtable, out);
	return hash->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
}

static int check_ed25519(struct question *q)
{
	struct span key = rd_span(&q->key);

	if (!rd_done(&q->key) || key.len != crypto_sign_ed25519_PUBLICKEYBYTES ||
	    q->signature.len != crypto_sign_ed25519_BYTES)
		return -EPROTO;
	return crypto_sign_ed25519_verify_detached(q->signature.at, q->message.at, q->message.len,
						   key.at)
		       ? -EBADMSG
		       : 0;
}

/* r and s, each as long as a coordinate. */
static int put_pair(uint8_t out[2 * COORDINATE_ROOM], size_t each, struct span signature)
{
	struct rd r = rd_init(signature.at, signature.len);

	memset(out, 0, 2 * each);
	for (int i = 0; i < 2; i++) {
		struct span number = rd_number(&r);

		if (r.bad || number.len > each)
			return -EPROTO;
		memcpy(out + (size_t)(i + 1) * each - number.len, number.at, number.len);
	}
	return rd_done(&r) ? 0 : -EPROTO;
}

static int check_ecdsa(struct question *q)
{
	const struct algorithm *a = q->of;
	struct span name = rd_span(&q->key), point = rd_span(&q->key);
	uint8_t pair[2 * COORDINATE_ROOM], hash[DIGEST_ROOM];
	/* BearSSL only reads it. */
	const br_ec_public_key key = { a->curve, (unsigned char *)point.at, point.len };

	if (!rd_done(&q->key) || !is_text(name, a->curve_name) ||
	    point.len != 1 + 2 * a->coordinate || point.at[0] != 4 /* not compressed */ ||
	    put_pair(pair, a->coordinate, q->signature) < 0)
		return -EPROTO;
	return br_ecdsa_vrfy_raw_get_default()(br_ec_get_default(), hash,
					       digest(hash, a->hash, q->message), &key, pair,
					       2 * a->coordinate)
		       ? 0
		       : -EBADMSG;
}

static int check_rsa(struct question *q)
{
	struct span e = rd_number(&q->key), n = rd_number(&q->key), s = q->signature;
	uint8_t padded[RSA_BYTES_MAX] = { 0 }, want[DIGEST_ROOM], is[DIGEST_ROOM];
	const br_rsa_public_key key = { (unsigned char *)n.at, n.len, (unsigned char *)e.at, e.len };
	size_t len;

	if (!rd_done(&q->key) || n.len < RSA_BYTES_MIN || e.len == 0 || s.len > n.len)
		return -EPROTO;
	if (n.len > RSA_BYTES_MAX)
		return -ENOTSUP;
	/* Some write it without the zeros it begins with. */
	memcpy(padded + n.len - s.len, s.at, s.len);
	len = digest(want, q->of->hash, q->message);
	if (!br_rsa_pkcs1_vrfy_get_default()(padded, n.len, q->of->oid, len, &key, is))
		return -EBADMSG;
	return memcmp(want, is, len) ? -EBADMSG : 0;
}

int signature_check(enum signature_algorithm a, const struct hostkey *key, const void *blob,
		    size_t blob_len, const void *message, size_t len)
{
	struct rd r = rd_init(blob, blob_len);
	struct question q = {
		.of = &algorithms[a],
		.key = rd_init(key->blob, key->len),
		.message = { message, len },
	};
	struct span name = rd_span(&r);

	q.signature = rd_span(&r);
	if (!rd_done(&r) || !is_text(name, q.of->name) ||
	    !is_text(rd_span(&q.key), q.of->key_type))
		return -EPROTO;
	return q.of->check(&q);
}
