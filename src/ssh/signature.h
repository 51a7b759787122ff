/*
 * signature - whether the owner of a host key signed something: the algorithms of RFC 5656, 8332 and
 * 8709.
 *
 * Key and signature are a server's, and hostile.
 */
#ifndef SSH_SIGNATURE_H
#define SSH_SIGNATURE_H

#include "ssh/hostkey.h"

/* In the order of preference; several may be made with one type of key. */
enum signature_algorithm {
	SIGNATURE_ED25519,
	SIGNATURE_P256,
	SIGNATURE_P384,
	SIGNATURE_P521,
	SIGNATURE_RSA_512,
	SIGNATURE_RSA_256,
	SIGNATURE_COUNT,
};

const char *signature_name(enum signature_algorithm a);
const char *signature_key_type(enum signature_algorithm a);

/* `blob` is the algorithm's name and what it made. 0: so it is; -EBADMSG: it is not; -EPROTO: key or
 * signature are none of that algorithm; -ENOTSUP: RSA of more bits than can be told. */
int signature_check(enum signature_algorithm a, const struct hostkey *key, const void *blob,
		    size_t blob_len, const void *message, size_t len);

#endif
