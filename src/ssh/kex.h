/*
 * kex - the client's side of an SSH key exchange, as far as the server's proof that it has the host
 * key it shows (RFC 4253, sections 7 and 8; RFC 5656; RFC 8731).
 *
 * An engine without I/O. It speaks after the server, so it never proposes what the server has not,
 * and no server has a failed negotiation to write down. The bytes are hostile.
 */
#ifndef SSH_KEX_H
#define SSH_KEX_H

#include "ssh/ecpair.h"
#include "ssh/packet.h"
#include "ssh/signature.h"

enum { KEX_OUT_ROOM = 8192 };

enum kex_verdict {
	KEX_MORE,
	KEX_DONE,
	KEX_NOTHING, /* the server has no key of those that were wanted */
	KEX_FAILED,
};

struct kex {
	enum kex_verdict verdict;
	char why[200];	  /* of KEX_FAILED: a clause without a stop */
	unsigned offered; /* what the server can sign with: bits by enum signature_algorithm */
	enum signature_algorithm algorithm;
	struct hostkey key; /* of KEX_DONE */
	int is_verified;    /* 0: its signature is of a kind that cannot be checked */
	size_t out_len;	    /* to be sent; whoever has sent it says 0 */
	uint8_t out[KEX_OUT_ROOM];
	/* From here on its own. */
	unsigned wanted, packets;
	int has_proposal; /* the server's KEXINIT came */
	int skip_guess;
	const struct kex_method *method;
	struct ecpair pair;
	br_sha256_context hash;
	struct packet in;
};

/* wanted: as `offered`. Both identifications without their ends. */
void kex_begin(struct kex *k, unsigned wanted, const char *client, const char *server);

/* What came behind the server's identification. */
void kex_take(struct kex *k, const void *data, size_t len);

#endif
