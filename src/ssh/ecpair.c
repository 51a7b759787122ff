/*
 * ecpair - a key pair on an elliptic curve.
 */
#include "ssh/ecpair.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int ecpair_make(struct ecpair *p, int curve)
{
	const br_ec_impl *ec = br_ec_get_default();
	br_hmac_drbg_context random;
	br_ec_private_key secret;
	br_ec_public_key public;
	uint8_t seed[48];

	/* Up to 256 bytes, getrandom(2) is never short. */
	if (getrandom(seed, sizeof(seed), 0) < 0)
		return -errno;
	br_hmac_drbg_init(&random, &br_sha256_vtable, seed, sizeof(seed));
	explicit_bzero(seed, sizeof(seed));
	p->curve = curve;
	p->secret_len = br_ec_keygen(&random.vtable, ec, &secret, p->secret, curve);
	p->public_len = p->secret_len ? br_ec_compute_pub(ec, &public, p->public, &secret) : 0;
	explicit_bzero(&random, sizeof(random));
	return p->public_len ? 0 : -ENOTSUP;
}

int ecpair_share(uint8_t out[BR_EC_KBUF_PUB_MAX_SIZE], size_t *out_len, const struct ecpair *p,
		 const void *point, size_t len)
{
	const br_ec_impl *ec = br_ec_get_default();
	uint8_t product[BR_EC_KBUF_PUB_MAX_SIZE], any = 0;
	size_t at = ec->xoff(p->curve, out_len);

	if (len != p->public_len)
		return -EPROTO;
	memcpy(product, point, len);
	if (!ec->mul(product, len, p->secret, p->secret_len, p->curve))
		return -EPROTO;
	memcpy(out, product + at, *out_len);
	for (size_t i = 0; i < *out_len; i++)
		any |= out[i];
	return any ? 0 : -EPROTO;
}
