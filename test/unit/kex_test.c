/* The key exchange with servers of every kind: honest ones, ones that lie about their key, and ones that
 * send rubbish. The server here is made of the same hash and curves, but of nothing of kex.c. */
#include <bearssl.h>
#include <string.h>

#include "base/util.h"
#include "check.h"
#include "ssh/kex.h"

static const char v_c[] = "SSH-2.0-client", v_s[] = "SSH-2.0-server";

/* What a server does otherwise than it should. */
static struct lie {
	const char *kex, *hostkeys, *shown; /* its lists, its key's type; NULL: as it should */
	int other_hash, cut_signature, other_point, no_point, twice, silent;
} lie;

static struct kex k;
static struct ecpair host; /* the server's host key */
static uint8_t sent[PACKET_MAX], i_c[KEX_OUT_ROOM], i_s[1024], q_c[256], blob[256];
static size_t i_c_len, i_s_len, q_c_len, blob_len;

static void blob_put(br_sha256_context *h, const void *data, size_t len)
{
	uint8_t length[4];
	struct wr w = wr_init(length, sizeof(length));

	wr_be32(&w, (uint32_t)len);
	br_sha256_update(h, length, 4);
	br_sha256_update(h, data, len);
}

/* As a number that is not negative. */
static size_t number(uint8_t *out, const uint8_t *data, size_t len)
{
	size_t n = 0;

	for (; len > 0 && *data == 0; len--)
		data++;
	if (len > 0 && *data & 0x80)
		out[n++] = 0;
	memcpy(out + n, data, len);
	return n + len;
}

static void say(const uint8_t *payload, size_t len)
{
	struct wr w = wr_init(sent, sizeof(sent));

	packet_put(&w, payload, len);
	kex_take(&k, sent, wr_len(&w, sent));
}

static void propose(void)
{
	const char *lists[10] = { lie.kex, lie.hostkeys, "c", "c", "m", "m", "none", "none", "", "" };
	struct wr w = wr_init(i_s, sizeof(i_s));

	wr_u8(&w, 20);
	for (int i = 0; i < 16; i++)
		wr_u8(&w, (uint8_t)i);
	for (int i = 0; i < 10; i++)
		wr_blob(&w, lists[i], strlen(lists[i]));
	wr_u8(&w, 0);
	wr_be32(&w, 0);
	i_s_len = wr_len(&w, i_s);
	say(i_s, i_s_len);
}

/* What the client said: its proposal, and its half of the exchange. */
static int hear(void)
{
	static struct packet p;
	struct rd r;
	const uint8_t *at;
	long n;

	memset(&p, 0, sizeof(p));
	n = packet_take(&p, k.out, k.out_len);
	if (n <= 0 || !p.payload)
		return -1;
	i_c_len = p.payload;
	memcpy(i_c, packet_read(&p).at, i_c_len);
	if (packet_take(&p, k.out + n, k.out_len - (size_t)n) <= 0 || !p.payload)
		return -1;
	r = packet_read(&p);
	if (rd_u8(&r) != 30)
		return -1;
	at = rd_blob(&r, &q_c_len);
	memcpy(q_c, at, q_c_len);
	k.out_len = 0;
	return 0;
}

static size_t sign(uint8_t *out, const uint8_t h[32])
{
	const br_ec_private_key key = { host.curve, host.secret, host.secret_len };
	uint8_t digest[32], raw[64], r[33], s[33];
	br_sha256_context c;
	uint8_t pair[80];
	struct wr w = wr_init(pair, sizeof(pair)), all = wr_init(out, 256);

	br_sha256_init(&c);
	br_sha256_update(&c, h, 32);
	br_sha256_out(&c, digest);
	CHECK(br_ecdsa_sign_raw_get_default()(br_ec_get_default(), &br_sha256_vtable, digest, &key,
					      raw) == 64);
	wr_blob(&w, r, number(r, raw, 32));
	wr_blob(&w, s, number(s, raw + 32, 32));
	wr_blob(&all, "ecdsa-sha2-nistp256", 19);
	wr_blob(&all, pair, wr_len(&w, pair));
	return wr_len(&all, out);
}

static void answer(void)
{
	uint8_t secret[BR_EC_KBUF_PUB_MAX_SIZE], k_number[BR_EC_KBUF_PUB_MAX_SIZE + 1], h[32],
		signature[256], mem[1024], zero[32] = { 0 };
	size_t secret_len, signature_len;
	struct ecpair ours;
	br_sha256_context c;
	struct wr b = wr_init(blob, sizeof(blob)), w = wr_init(mem, sizeof(mem));

	CHECK(ecpair_make(&ours, BR_EC_curve25519) == 0 &&
	      ecpair_share(secret, &secret_len, &ours, q_c, q_c_len) == 0);
	wr_blob(&b, lie.shown, strlen(lie.shown));
	wr_blob(&b, "nistp256", 8);
	wr_blob(&b, host.public, host.public_len);
	blob_len = wr_len(&b, blob);
	br_sha256_init(&c);
	blob_put(&c, v_c, strlen(v_c));
	blob_put(&c, v_s, strlen(v_s));
	blob_put(&c, i_c, i_c_len);
	blob_put(&c, i_s, i_s_len);
	blob_put(&c, blob, blob_len);
	blob_put(&c, q_c, q_c_len);
	blob_put(&c, ours.public, ours.public_len);
	blob_put(&c, k_number, number(k_number, secret, secret_len));
	br_sha256_out(&c, h);
	h[0] ^= (uint8_t)lie.other_hash;
	signature_len = sign(signature, h) - (size_t)lie.cut_signature;
	ours.public[3] ^= (uint8_t)lie.other_point;
	wr_u8(&w, 31);
	wr_blob(&w, blob, blob_len);
	wr_blob(&w, lie.no_point ? zero : ours.public, ours.public_len);
	wr_blob(&w, signature, signature_len);
	say(mem, wr_len(&w, mem));
}

/* The verdict of a whole exchange with a server that lies so. */
static enum kex_verdict exchange(const struct lie *l)
{
	lie = *l;
	lie.kex = l->kex ? l->kex : "curve25519-sha256,ecdh-sha2-nistp256";
	lie.hostkeys = l->hostkeys ? l->hostkeys : "ssh-ed25519,ecdsa-sha2-nistp256";
	lie.shown = l->shown ? l->shown : "ecdsa-sha2-nistp256";
	CHECK(ecpair_make(&host, BR_EC_secp256r1) == 0);
	kex_begin(&k, 1 << SIGNATURE_P256, v_c, v_s);
	propose();
	if (k.verdict == KEX_MORE && lie.twice)
		propose();
	if (k.verdict == KEX_MORE && hear() == 0 && !lie.silent)
		answer();
	return k.verdict;
}

#define SERVER(...) (&(struct lie){ __VA_ARGS__ })

static void an_honest_server_is_not_believed(void)
{
	CHECK(exchange(SERVER(.silent = 0)) == KEX_DONE && k.is_verified);
	CHECK(!strcmp(k.key.type, "ecdsa-sha2-nistp256") && k.key.len == blob_len &&
	      !memcmp(k.key.blob, blob, blob_len));
	CHECK(k.offered == (1 << SIGNATURE_ED25519 | 1 << SIGNATURE_P256));
	CHECK(exchange(SERVER(.silent = 1)) == KEX_MORE);
}

static void a_key_that_is_only_shown_is_believed(void)
{
	CHECK(exchange(SERVER(.other_hash = 1)) == KEX_FAILED && strstr(k.why, "the private key"));
	CHECK(!k.is_verified);
	CHECK(exchange(SERVER(.other_point = 1)) == KEX_FAILED && !k.is_verified);
	CHECK(exchange(SERVER(.cut_signature = 1)) == KEX_FAILED && strstr(k.why, "broken"));
}

static void another_type_than_agreed_is_taken(void)
{
	CHECK(exchange(SERVER(.shown = "ssh-rsa")) == KEX_FAILED && strstr(k.why, "of type ssh-rsa"));
	CHECK(exchange(SERVER(.hostkeys = "ssh-dss,ssh-ed25519")) == KEX_NOTHING);
	CHECK(exchange(SERVER(.hostkeys = "")) == KEX_NOTHING);
	/* a part of a name is no name */
	CHECK(exchange(SERVER(.hostkeys = "ecdsa-sha2-nistp25,ecdsa-sha2-nistp2567")) == KEX_NOTHING);
}

static void an_exchange_we_do_not_have_is_begun(void)
{
	CHECK(exchange(SERVER(.kex = "diffie-hellman-group14-sha256")) == KEX_FAILED &&
	      strstr(k.why, "curve25519"));
	CHECK(exchange(SERVER(.no_point = 1)) == KEX_FAILED && strstr(k.why, "no point"));
	CHECK(exchange(SERVER(.twice = 1)) == KEX_FAILED && strstr(k.why, "broken"));
}

static void feed(const char *bytes, size_t len)
{
	kex_begin(&k, 1 << SIGNATURE_P256, v_c, v_s);
	kex_take(&k, bytes, len);
}

static void a_length_is_believed(void)
{
	uint8_t mem[64] = { 20 };
	struct wr w;

	feed("\xff\xff\xff\xff\4", 5);
	CHECK(k.verdict == KEX_FAILED && strstr(k.why, "no packets"));
	feed("\0\0\0\4\0\0\0\0", 8);
	CHECK(k.verdict == KEX_FAILED);
	feed("\0\0\0\x0c\x03\x02zzzzzzzzzz", 16); /* too little padding */
	CHECK(k.verdict == KEX_FAILED);
	feed("\0\0\0\x0c\x0c\x02zzzzzzzzzz", 16); /* nothing but padding */
	CHECK(k.verdict == KEX_FAILED);
	/* A list that says it is longer than the packet. */
	w = wr_init(mem + 17, sizeof(mem) - 17);
	wr_be32(&w, 0xfffffff0);
	kex_begin(&k, 1 << SIGNATURE_P256, v_c, v_s);
	say(mem, 40);
	CHECK(k.verdict == KEX_FAILED && strstr(k.why, "broken"));
}

static void a_server_that_only_talks_is_heard_for_ever(void)
{
	kex_begin(&k, 1 << SIGNATURE_P256, v_c, v_s);
	for (int i = 0; i < 100 && k.verdict == KEX_MORE; i++)
		say((const uint8_t *)"\2\0\0\0\0", 5);
	CHECK(k.verdict == KEX_FAILED && strstr(k.why, "more packets"));
	kex_begin(&k, 1 << SIGNATURE_P256, v_c, v_s);
	say((const uint8_t *)"\1\0\0\0\2\0\0\0\4go\x1b!\0\0\0\0", 17);
	CHECK(k.verdict == KEX_FAILED && strstr(k.why, "'go?!'"));
}

int main(void)
{
	TEST(an_honest_server_is_not_believed);
	TEST(a_key_that_is_only_shown_is_believed);
	TEST(another_type_than_agreed_is_taken);
	TEST(an_exchange_we_do_not_have_is_begun);
	TEST(a_length_is_believed);
	TEST(a_server_that_only_talks_is_heard_for_ever);
	return check_done();
}
