/*
 * ecpair - a key pair on an elliptic curve, made of the kernel's random bytes.
 */
#ifndef SSH_ECPAIR_H
#define SSH_ECPAIR_H

#include <bearssl.h>
#include <stddef.h>
#include <stdint.h>

struct ecpair {
	int curve; /* BR_EC_... */
	size_t secret_len, public_len;
	uint8_t secret[BR_EC_KBUF_PRIV_MAX_SIZE]; /* big-endian */
	uint8_t public[BR_EC_KBUF_PUB_MAX_SIZE];  /* a point, as it is written on the wire */
};

/* 0 or a negative errno. */
int ecpair_make(struct ecpair *p, int curve);

/* What both sides know, and nobody else: of our pair and their point. 0, or -EPROTO: that is no
 * point of the curve, or one that would give our secret away. */
int ecpair_share(uint8_t out[BR_EC_KBUF_PUB_MAX_SIZE], size_t *out_len, const struct ecpair *p,
		 const void *point, size_t len);

#endif
