/*
 * detachkeys - the keys that leave a session on a terminal, found in what is typed.
 */
#include "host/detachkeys.h"

#include <string.h>

/* One key's byte, or -1. */
static int key_of(const char *text, size_t len)
{
	char c;

	if (len == 1 && text[0] > ' ' && text[0] < 0x7f)
		return text[0];
	if (len != 6 || strncmp(text, "ctrl-", 5) != 0)
		return -1;
	c = text[5];
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	/* The column of ASCII whose keys make control characters. */
	return c >= '@' && c <= '_' ? c - '@' : -1;
}

int detachkeys_parse(struct detachkeys *k, const char *text, struct err *e)
{
	*k = (struct detachkeys){ 0 };
	if (!*text || !strcmp(text, "none"))
		return 0;
	for (const char *at = text;; at++) {
		/* A comma of its own is a key, and so is one behind a comma. */
		size_t len = *at == ',' ? 1 : strcspn(at, ",");
		int key = key_of(at, len);

		if (key < 0)
			return err_usage(
				e,
				"--detach-keys: '%s' is not KEY[,KEY]..., as in ctrl-p,ctrl-q; or none",
				text);
		if (k->count == DETACHKEYS_MAX)
			return err_usage(e, "--detach-keys: more than %d keys", DETACHKEYS_MAX);
		k->keys[k->count++] = (uint8_t)key;
		at += len;
		if (!*at)
			return 0;
		if (*at != ',')
			return err_usage(e, "--detach-keys: '%s': a comma is missing", text);
	}
}

/* The longest beginning of the sequence that is the end of what was matched and this byte. */
static size_t fall_back(const struct detachkeys *k, uint8_t byte)
{
	size_t n = k->matched;

	while (n > 0 &&
	       !(k->keys[n - 1] == byte && !memcmp(k->keys, k->keys + k->matched - (n - 1), n - 1)))
		n--;
	return n;
}

size_t detachkeys_pass(struct detachkeys *k, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len && k->count > 0; i++) {
		if (data[i] == k->keys[k->matched])
			k->matched++;
		else
			k->matched = fall_back(k, data[i]);
		if (k->matched == k->count)
			return i;
	}
	return len;
}
