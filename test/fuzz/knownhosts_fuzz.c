/* A known_hosts file, and the key blobs in it: what is made of any bytes is read the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ssh/base64.h"
#include "ssh/knownhosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void key_comes_back(const struct hostkey *key)
{
	static char text[HOSTKEY_TEXT_ROOM];
	char print[HOSTKEY_PRINT_ROOM];
	struct hostkey again;

	hostkey_text(text, key);
	if (hostkey_from_text(&again, text, strlen(text)) < 0 || !hostkey_is_same(&again, key) ||
	    strcmp(again.type, key->type) != 0)
		abort();
	hostkey_print(print, key);
}

/* Lines are told apart as they lie there: nothing is lost between them. */
static void lines_add_up(const struct knownhosts *k)
{
	struct knowncursor c = { 0 };
	const char *at = k->text;
	struct hostkey key;

	while (knownhosts_next(k, &c)) {
		if (c.whole.at != at || c.whole.len == 0)
			abort();
		at += c.whole.len;
		if (c.line.kind == KNOWNLINE_NOTE || c.line.kind == KNOWNLINE_BROKEN)
			continue;
		knownline_matches(&c.line, "web.example");
		knownline_matches(&c.line, "[web]:2222");
		if (knownline_key(&c.line, &key) == 0)
			key_comes_back(&key);
	}
	if (at != k->text + k->len)
		abort();
}

static int lines_of(const struct knownhosts *k, const char *name)
{
	struct knowncursor c = { 0 };
	int count = 0;

	while (knownhosts_find(k, &c, name))
		count += c.line.kind == KNOWNLINE_KEY;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct knownhosts k = KNOWNHOSTS_NONE;
	struct err e = ERR_NONE;
	struct hostkey key;
	int before;

	if (hostkey_from_blob(&key, data, size) == 0)
		key_comes_back(&key);
	k.text = malloc(size + 1);
	memcpy(k.text, data, size);
	k.len = size;
	lines_add_up(&k);
	before = lines_of(&k, "web");
	if (knownhosts_drop(&k, "web", &e) != before || lines_of(&k, "web") != 0)
		abort();
	before = lines_of(&k, "db");
	if (knownhosts_hash(&k, &e) < 0 || lines_of(&k, "db") < before)
		abort();
	knownhosts_close(&k);
	return 0;
}
