/* A key pair as a file: what ssh-keygen reads, whole or not at all. */
#include "ssh/privatekey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static char text[PRIVATEKEY_ROOM];
static struct hostkey key, other;

static void a_key_is_not_read_back(void)
{
	CHECK(privatekey_make(text) == 0);
	CHECK(privatekey_public(&key, text, strlen(text)) == 0);
	CHECK(!strcmp(key.type, "ecdsa-sha2-nistp256") && key.len == 104);
}

static void two_keys_are_one(void)
{
	CHECK(privatekey_make(text) == 0 && privatekey_public(&key, text, strlen(text)) == 0);
	CHECK(privatekey_make(text) == 0 && privatekey_public(&other, text, strlen(text)) == 0);
	CHECK(!hostkey_is_same(&key, &other));
}

/* A crash cuts a file, a disk loses a block: neither may pass for a key. */
static void half_a_key_is_taken(void)
{
	size_t len;

	CHECK(privatekey_make(text) == 0);
	len = strlen(text);
	for (size_t cut = 0; cut < len; cut++) {
		char *piece = malloc(cut + 1); /* so that ASan sees a read behind it */

		memcpy(piece, text, cut);
		CHECK(privatekey_public(&other, piece, cut) == -EPROTO);
		free(piece);
	}
	for (size_t at = 0; at + 64 <= len; at += 64) {
		char *hole = malloc(len);

		memcpy(hole, text, len);
		memset(hole + at, 0, 64);
		CHECK(privatekey_public(&other, hole, len) == -EPROTO);
		free(hole);
	}
	text[len] = '\n';
	CHECK(privatekey_public(&other, text, len + 1) == -EPROTO);
}

/* One digit of it changed: it is another secret, which nothing here can see, or it is no key. */
static void a_changed_public_half_is_taken(void)
{
	enum { SKIP_TO_POINT = 135 };
	char *at;

	CHECK(privatekey_make(text) == 0);
	at = strchr(text, '\n') + 1 + SKIP_TO_POINT;
	at += *at == '\n';
	*at = *at == 'A' ? 'B' : 'A';
	CHECK(privatekey_public(&other, text, strlen(text)) == -EPROTO);
}

/* Some hundred of them, for secrets with zeros in front and points with high bits. */
static void one_of_many_is_malformed(void)
{
	for (int i = 0; i < 300; i++)
		CHECK(privatekey_make(text) == 0 &&
		      privatekey_public(&key, text, strlen(text)) == 0);
}

int main(void)
{
	TEST(a_key_is_not_read_back);
	TEST(two_keys_are_one);
	TEST(half_a_key_is_taken);
	TEST(a_changed_public_half_is_taken);
	TEST(one_of_many_is_malformed);
	return check_done();
}
