/*
 * kex - the client's side of an SSH key exchange, as far as the server's proof.
 */
#include "ssh/kex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/util.h"

enum {
	MSG_DISCONNECT = 1,
	MSG_IGNORE = 2,
	MSG_DEBUG = 4,
	MSG_KEXINIT = 20,
	MSG_ECDH_INIT = 30,
	MSG_ECDH_REPLY = 31,
	COOKIE = 16,
	PACKETS_MAX = 32, /* a server that only talks is not heard for ever */
};

/* The name-lists of KEXINIT, in their order. */
enum { LIST_KEX, LIST_HOSTKEY, LIST_CIPHERS, LISTS = 10, LISTS_ECHOED = 8 };

struct list {
	const uint8_t *at;
	size_t len;
};

static const struct kex_method {
	const char *name;
	int curve;
} methods[] = {
	{ "curve25519-sha256", BR_EC_curve25519 },
	{ "curve25519-sha256@libssh.org", BR_EC_curve25519 },
	{ "ecdh-sha2-nistp256", BR_EC_secp256r1 },
};

static void fail(struct kex *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct kex *k, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(k->why, sizeof(k->why), fmt, ap);
	va_end(ap);
	k->verdict = KEX_FAILED;
}

static void hash_blob(struct kex *k, const void *data, size_t len)
{
	uint8_t length[4];
	struct wr w = wr_init(length, sizeof(length));

	wr_be32(&w, (uint32_t)len);
	br_sha256_update(&k->hash, length, sizeof(length));
	br_sha256_update(&k->hash, data, len);
}

/* A number that is not negative, in as few bytes as it needs. */
static void hash_number(struct kex *k, const uint8_t *data, size_t len)
{
	uint8_t number[BR_EC_KBUF_PUB_MAX_SIZE + 1] = { 0 };
	size_t front;

	while (len > 0 && *data == 0) {
		data++;
		len--;
	}
	front = len > 0 && *data & 0x80;
	memcpy(number + front, data, len);
	hash_blob(k, number, front + len);
}

static void send_packet(struct kex *k, const uint8_t *payload, size_t len)
{
	struct wr w = wr_init(k->out + k->out_len, sizeof(k->out) - k->out_len);

	packet_put(&w, payload, len);
	if (w.bad)
		fail(k, "what it proposes is too long");
	else
		k->out_len += wr_len(&w, k->out + k->out_len);
}

/* The next name of a list, which becomes shorter. */
static struct list next_name(struct list *l)
{
	const uint8_t *comma = memchr(l->at, ',', l->len);
	struct list name = { l->at, comma ? (size_t)(comma - l->at) : l->len };
	size_t gone = name.len + (comma != NULL);

	l->at += gone;
	l->len -= gone;
	return name;
}

static int is_named(struct list name, const char *text)
{
	return name.len == strlen(text) && !memcmp(name.at, text, name.len);
}

static int list_has(struct list l, const char *text)
{
	while (l.len > 0)
		if (is_named(next_name(&l), text))
			return 1;
	return 0;
}

/* What both can: the first of ours that the server has. 0, or the verdict is there. */
static int agree(struct kex *k, const struct list *theirs)
{
	unsigned both;

	for (int a = 0; a < SIGNATURE_COUNT; a++)
		if (list_has(theirs[LIST_HOSTKEY], signature_name(a)))
			k->offered |= 1u << a;
	both = k->offered & k->wanted;
	if (!both) {
		k->verdict = KEX_NOTHING;
		return -ENOENT;
	}
	k->algorithm = (enum signature_algorithm)__builtin_ctz(both);
	for (size_t i = 0; i < COUNT(methods) && !k->method; i++)
		if (list_has(theirs[LIST_KEX], methods[i].name))
			k->method = &methods[i];
	if (k->method)
		return 0;
	fail(k, "it has neither curve25519-sha256 nor ecdh-sha2-nistp256 to exchange keys with");
	return -ENOTSUP;
}

/* Ours. Ciphers and the like are never used, so the server's own lists are given back to it: then
 * there is always one that both have. */
static void propose(struct kex *k, const struct list *theirs, const struct packet *in)
{
	uint8_t mem[KEX_OUT_ROOM];
	const char *name = signature_name(k->algorithm);
	struct wr w = wr_init(mem, sizeof(mem));
	struct rd theirs_whole = packet_read(in);

	wr_u8(&w, MSG_KEXINIT);
	if (getrandom(w.at, COOKIE, 0) != COOKIE) {
		fail(k, "no random bytes: %s", strerror(errno));
		return;
	}
	w.at += COOKIE;
	wr_blob(&w, k->method->name, strlen(k->method->name));
	wr_blob(&w, name, strlen(name));
	for (int i = LIST_CIPHERS; i < LISTS_ECHOED; i++)
		wr_blob(&w, theirs[i].at, theirs[i].len);
	for (int i = LISTS_ECHOED; i < LISTS; i++)
		wr_blob(&w, "", 0);
	wr_u8(&w, 0); /* no guess follows */
	wr_be32(&w, 0);
	if (w.bad) {
		fail(k, "what it proposes is too long");
		return;
	}
	hash_blob(k, mem, wr_len(&w, mem));
	hash_blob(k, theirs_whole.at, in->payload);
	send_packet(k, mem, wr_len(&w, mem));
}

static void send_point(struct kex *k)
{
	uint8_t mem[8 + BR_EC_KBUF_PUB_MAX_SIZE];
	struct wr w = wr_init(mem, sizeof(mem));
	int rc = ecpair_make(&k->pair, k->method->curve);

	if (rc < 0) {
		fail(k, "no key pair for the exchange: %s", strerror(-rc));
		return;
	}
	wr_u8(&w, MSG_ECDH_INIT);
	wr_blob(&w, k->pair.public, k->pair.public_len);
	send_packet(k, mem, wr_len(&w, mem));
}

/* A guess of the server's is right when the first of both lists is what was agreed upon. */
static int guessed_right(const struct kex *k, struct list *theirs)
{
	return is_named(next_name(&theirs[LIST_KEX]), k->method->name) &&
	       is_named(next_name(&theirs[LIST_HOSTKEY]), signature_name(k->algorithm));
}

static void heard_proposal(struct kex *k, struct rd *r)
{
	struct list theirs[LISTS];
	int has_guessed;

	for (int i = 0; i < COOKIE; i++)
		rd_u8(r);
	for (int i = 0; i < LISTS; i++)
		theirs[i].at = rd_blob(r, &theirs[i].len);
	has_guessed = rd_u8(r);
	rd_be32(r);
	if (!rd_done(r) || k->has_proposal) {
		fail(k, "its proposal for the key exchange is broken");
		return;
	}
	k->has_proposal = 1;
	if (agree(k, theirs) < 0)
		return;
	propose(k, theirs, &k->in);
	if (k->verdict == KEX_MORE)
		send_point(k);
	k->skip_guess = has_guessed && !guessed_right(k, theirs);
}

/* What was exchanged, in one hash, and whether the key that is shown has signed it. */
static void judge_signature(struct kex *k, const uint8_t *signature, size_t len)
{
	uint8_t digest[br_sha256_SIZE];
	int rc;

	br_sha256_out(&k->hash, digest);
	rc = signature_check(k->algorithm, &k->key, signature, len, digest, sizeof(digest));
	k->is_verified = rc == 0;
	if (rc == -EBADMSG)
		fail(k, "it has not the private key of the %s it shows: the signature is another's",
		     k->key.type);
	else if (rc == -EPROTO)
		fail(k, "its %s key or the signature is broken", k->key.type);
	else
		k->verdict = KEX_DONE;
}

static void heard_reply(struct kex *k, struct rd *r)
{
	uint8_t secret[BR_EC_KBUF_PUB_MAX_SIZE];
	size_t blob_len, point_len, signature_len, secret_len = 0;
	const uint8_t *blob = rd_blob(r, &blob_len), *point = rd_blob(r, &point_len),
		      *signature = rd_blob(r, &signature_len);

	if (!k->has_proposal || !rd_done(r) || hostkey_from_blob(&k->key, blob, blob_len) < 0) {
		fail(k, "its answer to the key exchange is broken");
	} else if (strcmp(k->key.type, signature_key_type(k->algorithm)) != 0) {
		fail(k, "it shows a key of type %s where %s was agreed upon", k->key.type,
		     signature_key_type(k->algorithm));
	} else if (ecpair_share(secret, &secret_len, &k->pair, point, point_len) < 0) {
		fail(k, "its half of the key exchange is no point of the curve");
	} else {
		hash_blob(k, blob, blob_len);
		hash_blob(k, k->pair.public, k->pair.public_len);
		hash_blob(k, point, point_len);
		hash_number(k, secret, secret_len);
		judge_signature(k, signature, signature_len);
	}
	explicit_bzero(secret, sizeof(secret));
}

static void heard_disconnect(struct kex *k, struct rd *r)
{
	char text[100] = "";
	size_t len;
	const uint8_t *at;

	rd_be32(r);
	at = rd_blob(r, &len);
	for (size_t i = 0; i < len && i < sizeof(text) - 1; i++)
		text[i] = (char)(at[i] < ' ' || at[i] > '~' ? '?' : at[i]);
	fail(k, "it ended the key exchange: '%s'", text);
}

static void heard_nothing(struct kex *k, struct rd *r)
{
	(void)k;
	(void)r;
}

static void heard_packet(struct kex *k)
{
	static void (*const heard[])(struct kex *k, struct rd *r) = {
		[MSG_DISCONNECT] = heard_disconnect,
		[MSG_IGNORE] = heard_nothing,
		[MSG_DEBUG] = heard_nothing,
		[MSG_KEXINIT] = heard_proposal,
		[MSG_ECDH_REPLY] = heard_reply,
	};
	struct rd r = packet_read(&k->in);
	uint8_t type = rd_u8(&r);

	if (++k->packets > PACKETS_MAX) {
		fail(k, "it sends more packets than a key exchange has");
	} else if (k->skip_guess && type >= MSG_ECDH_INIT) {
		k->skip_guess = 0;
	} else if (type >= COUNT(heard) || !heard[type]) {
		fail(k, "it sends a message of type %u within the key exchange", type);
	} else {
		heard[type](k, &r);
	}
}

void kex_begin(struct kex *k, unsigned wanted, const char *client, const char *server)
{
	memset(k, 0, sizeof(*k));
	k->wanted = wanted;
	br_sha256_init(&k->hash);
	hash_blob(k, client, strlen(client));
	hash_blob(k, server, strlen(server));
}

void kex_take(struct kex *k, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0 && k->verdict == KEX_MORE) {
		long n = packet_take(&k->in, at, len);

		if (n < 0) {
			fail(k, "what it sends are no packets of SSH");
			return;
		}
		at += n;
		len -= (size_t)n;
		if (k->in.payload)
			heard_packet(k);
	}
}
