/*
 * knownline - one line of a known_hosts file, as sshd(8) describes them.
 */
#include "ssh/knownline.h"

#include <bearssl.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/util.h"
#include "ssh/base64.h"

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word and the blanks behind it. */
static struct slice next_word(struct slice *rest)
{
	struct slice word = { rest->at, 0 };
	size_t n = 0;

	while (n < rest->len && !is_blank(rest->at[n]))
		n++;
	word.len = n;
	while (n < rest->len && is_blank(rest->at[n]))
		n++;
	rest->at += n;
	rest->len -= n;
	return word;
}

static int is_word(struct slice s, const char *text)
{
	return s.len == strlen(text) && !memcmp(s.at, text, s.len);
}

static const struct {
	const char *marker;
	enum knownline_kind kind;
} markers[] = {
	{ "@cert-authority", KNOWNLINE_CA },
	{ "@revoked", KNOWNLINE_REVOKED },
};

static enum knownline_kind kind_of(struct slice marker)
{
	for (size_t i = 0; i < COUNT(markers); i++)
		if (is_word(marker, markers[i].marker))
			return markers[i].kind;
	return KNOWNLINE_BROKEN;
}

void knownline_parse(struct knownline *l, const char *text, size_t len)
{
	struct slice rest = { text, len };

	*l = (struct knownline){ .kind = KNOWNLINE_NOTE };
	while (rest.len > 0 && (rest.at[rest.len - 1] == '\r' || is_blank(rest.at[rest.len - 1])))
		rest.len--;
	while (rest.len > 0 && is_blank(rest.at[0])) {
		rest.at++;
		rest.len--;
	}
	if (rest.len == 0 || rest.at[0] == '#')
		return;
	l->kind = KNOWNLINE_KEY;
	if (rest.at[0] == '@')
		l->kind = kind_of(next_word(&rest));
	l->hosts = next_word(&rest);
	l->raw_key = rest;
	l->type = next_word(&rest);
	l->base64 = next_word(&rest);
	if (l->base64.len == 0 || memchr(text, '\0', len))
		l->kind = KNOWNLINE_BROKEN;
}

int knownline_key(const struct knownline *l, struct hostkey *k)
{
	return hostkey_from_fields(k, l->type.at, l->type.len, l->base64.at, l->base64.len);
}

int knownline_is_hashed(const struct knownline *l)
{
	return l->hosts.len > 0 && l->hosts.at[0] == '|';
}

int knownline_has_pattern(const struct knownline *l)
{
	return memchr(l->hosts.at, '*', l->hosts.len) || memchr(l->hosts.at, '?', l->hosts.len) ||
	       memchr(l->hosts.at, '!', l->hosts.len);
}

/* --- hashed names: |1|base64 of a salt|base64 of HMAC-SHA1(salt, name) --- */

enum { DIGEST = br_sha1_SIZE };

static void hash_name(uint8_t out[DIGEST], const uint8_t salt[DIGEST], const char *name, size_t len)
{
	br_hmac_key_context key;
	br_hmac_context c;

	br_hmac_key_init(&key, &br_sha1_vtable, salt, DIGEST);
	br_hmac_init(&c, &key, 0);
	br_hmac_update(&c, name, len);
	br_hmac_out(&c, out);
}

static int matches_hash(struct slice hosts, const char *name)
{
	enum { TEXT = BASE64_LEN(DIGEST) };
	uint8_t salt[DIGEST], want[DIGEST], got[DIGEST];
	const char *at = hosts.at;

	if (hosts.len != 4 + 2 * TEXT || memcmp(at, "|1|", 3) || at[3 + TEXT] != '|' ||
	    base64_take(salt, DIGEST, at + 3, TEXT) != DIGEST ||
	    base64_take(want, DIGEST, at + 4 + TEXT, TEXT) != DIGEST)
		return 0;
	hash_name(got, salt, name, strlen(name));
	return !memcmp(got, want, DIGEST);
}

int knownname_hash(char out[KNOWNHASH_ROOM], const char *name, size_t len)
{
	uint8_t salt[DIGEST], digest[DIGEST];
	char salt_text[BASE64_LEN(DIGEST) + 1], text[BASE64_LEN(DIGEST) + 1];

	if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
		return -errno;
	hash_name(digest, salt, name, len);
	base64_put(salt_text, salt, DIGEST);
	base64_put(text, digest, DIGEST);
	snprintf(out, KNOWNHASH_ROOM, "|1|%s|%s", salt_text, text);
	return 0;
}

/* --- patterns --- */

/* `*` is any text, `?` one character. Going back to the latest `*` only keeps it from taking time
 * that grows with anything but the product of both lengths. */
static int matches_pattern(struct slice pattern, const char *name)
{
	size_t p = 0, star = SIZE_MAX;
	const char *from = name;

	while (*name) {
		char c = p < pattern.len ? (char)tolower((unsigned char)pattern.at[p]) : '\0';

		if (p < pattern.len && c == '*') {
			star = p++;
			from = name;
		} else if (p < pattern.len && (c == '?' || c == *name)) {
			p++;
			name++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			name = ++from;
		} else {
			return 0;
		}
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}

static int matches_list(struct slice hosts, const char *name)
{
	int found = 0;

	while (hosts.len > 0) {
		const char *comma = memchr(hosts.at, ',', hosts.len);
		size_t len = comma ? (size_t)(comma - hosts.at) : hosts.len;
		struct slice pattern = { hosts.at, len };
		int negated = len > 0 && hosts.at[0] == '!';

		pattern.at += negated;
		pattern.len -= (size_t)negated;
		if (pattern.len > 0 && matches_pattern(pattern, name)) {
			if (negated)
				return 0;
			found = 1;
		}
		hosts.at += len + (comma != NULL);
		hosts.len -= len + (comma != NULL);
	}
	return found;
}

int knownline_matches(const struct knownline *l, const char *name)
{
	if (l->hosts.len == 0)
		return 0;
	return knownline_is_hashed(l) ? matches_hash(l->hosts, name) : matches_list(l->hosts, name);
}

/* A name without the brackets and the port that it may have. */
static struct slice host_of(struct slice name)
{
	const char *end = name.len > 0 && name.at[0] == '[' ? memchr(name.at, ']', name.len) : NULL;

	return end ? (struct slice){ name.at + 1, (size_t)(end - name.at) - 1 } : name;
}

int knownline_names(const struct knownline *l, const char *host)
{
	struct slice hosts = l->hosts;

	if (knownline_is_hashed(l) || knownline_has_pattern(l))
		return 0;
	while (hosts.len > 0) {
		const char *comma = memchr(hosts.at, ',', hosts.len);
		size_t len = comma ? (size_t)(comma - hosts.at) : hosts.len;

		if (len > 0 && matches_pattern(host_of((struct slice){ hosts.at, len }), host))
			return 1;
		hosts.at += len + (comma != NULL);
		hosts.len -= len + (comma != NULL);
	}
	return 0;
}

int knownname(char out[KNOWNNAME_ROOM], const char *host, unsigned port, struct err *e)
{
	int bare = port == 0 || port == 22;
	int n = bare ? snprintf(out, KNOWNNAME_ROOM, "%s", host)
		     : snprintf(out, KNOWNNAME_ROOM, "[%s]:%u", host, port);

	if (*host == '\0' || n >= KNOWNNAME_ROOM)
		return err_usage(e, "'%.60s' is not a host's name: 1 to 255 characters", host);
	for (char *at = out; *at; at++) {
		if (*at <= ' ' || *at > '~' || strchr(",*?!|@#", *at))
			return err_usage(e,
					 "'%.60s' is not a host's name: no blanks, commas, "
					 "patterns or marks, and no control bytes",
					 host);
		*at = (char)tolower((unsigned char)*at);
	}
	return 0;
}
