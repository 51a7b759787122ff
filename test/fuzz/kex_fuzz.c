/* A server's side of the key exchange, and of its proof: bytes as they come off the wire, or payloads
 * each put into a packet, so that more than their framing is tried; and any key with any signature. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ssh/kex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WANT_ALL = (1 << SIGNATURE_COUNT) - 1 };

static void must_be_a_verdict(const struct kex *k)
{
	if (k->out_len > sizeof(k->out) || (k->verdict == KEX_FAILED) != (k->why[0] != '\0') ||
	    (k->verdict == KEX_DONE && !(k->offered & 1u << k->algorithm)))
		abort();
}

/* However the stream is cut, it means the same: what we propose is made of random bytes, so only the
 * verdict is compared, and only before a signature can be right. */
static void as_a_stream(unsigned wanted, const uint8_t *data, size_t size)
{
	static struct kex whole, bytewise;

	kex_begin(&whole, wanted, "SSH-2.0-a", "SSH-2.0-b");
	kex_begin(&bytewise, wanted, "SSH-2.0-a", "SSH-2.0-b");
	kex_take(&whole, data, size);
	for (size_t i = 0; i < size; i++)
		kex_take(&bytewise, data + i, 1);
	must_be_a_verdict(&whole);
	must_be_a_verdict(&bytewise);
	if (whole.verdict != bytewise.verdict || strcmp(whole.why, bytewise.why) != 0)
		abort();
}

/* data: payloads, each behind a length of two bytes. */
static void as_payloads(unsigned wanted, const uint8_t *data, size_t size)
{
	static uint8_t mem[PACKET_MAX];
	static struct kex k;
	struct rd r = rd_init(data, size);

	kex_begin(&k, wanted, "SSH-2.0-a", "SSH-2.0-b");
	while (k.verdict == KEX_MORE && !r.bad && r.at < r.end) {
		size_t len = (size_t)rd_u8(&r) << 8;
		struct wr w = wr_init(mem, sizeof(mem));

		len |= rd_u8(&r);
		if (r.bad || len > (size_t)(r.end - r.at))
			len = (size_t)(r.end - r.at);
		packet_put(&w, r.at, len);
		r.at += len;
		if (!w.bad)
			kex_take(&k, mem, wr_len(&w, mem));
		k.out_len = 0;
	}
	must_be_a_verdict(&k);
}

/* data: a key's blob behind a length of two bytes, and a signature's. */
static void as_a_signature(enum signature_algorithm a, const uint8_t *data, size_t size)
{
	static struct hostkey key;
	size_t len = size >= 2 ? (size_t)data[0] << 8 | data[1] : 0;

	if (size < 2 || len > size - 2 || hostkey_from_blob(&key, data + 2, len) < 0)
		return;
	signature_check(a, &key, data + 2 + len, size - 2 - len, "exchanged", 9);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	switch (data[0] % 3) {
	case 0:
		as_a_stream(data[1] & WANT_ALL, data + 2, size - 2);
		break;
	case 1:
		as_payloads(data[1] & WANT_ALL, data + 2, size - 2);
		break;
	default:
		as_a_signature(data[1] % SIGNATURE_COUNT, data + 2, size - 2);
	}
	return 0;
}
