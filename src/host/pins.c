/*
 * pins - the host keys we know, in our own known_hosts: whether a server is the one it was.
 */
#include "host/pins.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

int hostkeys_from_text(struct hostkeys *keys, const char *text, size_t len, struct err *e)
{
	unsigned number = 0;

	keys->count = 0;
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;
		size_t front = strspn(text, " \t\r");

		number++;
		if (front < line && text[front] != '#') {
			if (keys->count == COUNT(keys->at))
				return err_set(e, -EFBIG, "more than %d keys", PINS_KEYS);
			if (hostkey_from_text(&keys->at[keys->count], text, line) < 0)
				return err_set(e, -EPROTO,
					       "line %u: not a public key: TYPE and its base64",
					       number);
			keys->count++;
		}
		line += end != NULL;
		text += line;
		len -= line;
	}
	return keys->count > 0 ? 0 : err_set(e, -ENODATA, "no public key is in there");
}

int pins_folder(char *out, const struct home *h, struct err *e)
{
	return path_fmt(out, e, "%s/ssh", h->path);
}

int pins_mismatch(struct err *e, const char *path, const char *name, const struct hostkey *shown,
		  const struct known_answer *a)
{
	char now[HOSTKEY_PRINT_ROOM], then[HOSTKEY_PRINT_ROOM];

	hostkey_print(now, shown);
	if (a->verdict == KNOWN_REVOKED) {
		err_set(e, -EKEYREVOKED, "%s: its key is revoked: %s %s (%s:%u)", name, shown->type,
			now, path, a->line);
	} else {
		hostkey_print(then, &a->old);
		err_set(e, -EKEYREJECTED,
			"%s: its key is not the one that is pinned: possible man in the middle\n"
			"  shown:  %s %s\n  pinned: %s %s (%s:%u)\n"
			"  try: vmtool known-hosts rm %s, if you know why it has changed",
			name, shown->type, now, a->old.type, then, path, a->line, name);
	}
	e->exit = EXIT_MISMATCH;
	return e->code;
}

int pins_guest_mismatch(struct err *e, const struct hostkey *shown, const struct hostkey *right,
			const char *where)
{
	char now[HOSTKEY_PRINT_ROOM], known[HOSTKEY_PRINT_ROOM];

	hostkey_print(now, shown);
	hostkey_print(known, right);
	err_set(e, -EKEYREJECTED,
		"its SSH server's key is not its guest's: possible man in the middle\n"
		"  shown:  %s %s\n  pinned: %s %s (%s)",
		shown->type, now, right->type, known, where);
	e->exit = EXIT_MISMATCH;
	return e->code;
}

/* What the keys of a server say together. 0, 1 or negative as of pins_check(); *of has each
 * key's own answer. */
static int judge(const struct knownhosts *k, const char *name, const struct hostkeys *keys,
		 struct known_answer *of, struct err *e)
{
	int matches = 0, others = -1;

	for (unsigned i = 0; i < keys->count; i++) {
		knownhosts_judge(k, name, &keys->at[i], &of[i]);
		if (of[i].verdict == KNOWN_CHANGED || of[i].verdict == KNOWN_REVOKED)
			return pins_mismatch(e, k->path, name, &keys->at[i], &of[i]);
		matches += of[i].verdict == KNOWN_MATCH;
		if (of[i].verdict == KNOWN_OTHER && others < 0)
			others = (int)i;
	}
	if (matches == 0 && others >= 0)
		return pins_mismatch(e, k->path, name, &keys->at[others], &of[others]);
	return matches == 0;
}

static int open_pins(struct knownhosts *k, const struct home *h, int change, struct err *e)
{
	char folder[PATH_ROOM];

	if (pins_folder(folder, h, e) < 0)
		return e->code;
	return knownhosts_open(k, folder, change, e);
}

int pins_check(const struct home *h, const char *name, const struct hostkeys *keys, struct err *e)
{
	struct knownhosts k = KNOWNHOSTS_NONE;
	struct known_answer of[PINS_KEYS];
	int rc = open_pins(&k, h, 0, e);

	if (rc == 0)
		rc = judge(&k, name, keys, of, e);
	knownhosts_close(&k);
	return rc;
}

int pins_check_any(const struct home *h, const char *const *names, const struct hostkeys *keys,
		   struct err *e)
{
	struct knownhosts k = KNOWNHOSTS_NONE;
	struct known_answer of[PINS_KEYS];
	int known = 0, rc = open_pins(&k, h, 0, e);

	for (; rc >= 0 && *names; names++) {
		struct knowncursor c = { 0 };

		if (keys)
			rc = judge(&k, *names, keys, of, e);
		else
			rc = !knownhosts_find(&k, &c, *names);
		known |= rc == 0;
	}
	knownhosts_close(&k);
	return rc < 0 ? rc : !known;
}

int pins_pin(const struct home *h, const char *name, const struct hostkeys *keys,
	     const char *comment, struct err *e)
{
	struct knownhosts k = KNOWNHOSTS_NONE;
	struct known_answer of[PINS_KEYS];
	int added = 0, rc = open_pins(&k, h, 1, e);

	if (rc == 0)
		rc = judge(&k, name, keys, of, e);
	for (unsigned i = 0; rc >= 0 && i < keys->count; i++) {
		if (of[i].verdict == KNOWN_MATCH)
			continue;
		rc = knownhosts_add(&k, name, &keys->at[i], comment, e);
		added++;
	}
	if (rc >= 0 && added > 0)
		rc = knownhosts_save(&k, e);
	knownhosts_close(&k);
	return rc < 0 ? rc : added;
}

/* 1: every name of the line has that key already; 0: not so; or a mismatch. Patterns and hashed
 * names are not asked for one by one: such a line is there when its very bytes are. */
static int is_there(const struct knownhosts *k, const struct knowncursor *c,
		    const struct hostkey *key, struct err *e)
{
	struct slice hosts = c->line.hosts;
	struct knowncursor at = { 0 };
	int all = 1;

	if (c->line.kind != KNOWNLINE_KEY || knownline_is_hashed(&c->line) ||
	    knownline_has_pattern(&c->line)) {
		while (knownhosts_next(k, &at))
			if (at.whole.len == c->whole.len &&
			    !memcmp(at.whole.at, c->whole.at, at.whole.len))
				return 1;
		return 0;
	}
	while (hosts.len > 0) {
		size_t len = 0;
		char name[KNOWNNAME_ROOM];
		struct known_answer a;

		while (len < hosts.len && hosts.at[len] != ',')
			len++;
		snprintf(name, sizeof(name), "%.*s", (int)len, hosts.at);
		knownhosts_judge(k, name, key, &a);
		if (a.verdict == KNOWN_CHANGED || a.verdict == KNOWN_REVOKED)
			return pins_mismatch(e, k->path, name, key, &a);
		all &= a.verdict == KNOWN_MATCH;
		len += len < hosts.len;
		hosts.at += len;
		hosts.len -= len;
	}
	return all;
}

/* The new lines, one behind the other. How many, or a mismatch. */
static int collect(FILE *out, const struct knownhosts *k, const struct knownhosts *from,
		   void (*broken)(const struct knownhosts *from, unsigned number), struct err *e)
{
	struct knowncursor c = { 0 };
	int count = 0, rc;

	while (knownhosts_next(from, &c)) {
		struct hostkey key;

		if (c.line.kind == KNOWNLINE_NOTE)
			continue;
		if (c.line.kind == KNOWNLINE_BROKEN || knownline_key(&c.line, &key) < 0) {
			broken(from, c.number);
			continue;
		}
		rc = is_there(k, &c, &key, e);
		if (rc < 0)
			return rc;
		if (rc > 0)
			continue;
		fwrite(c.whole.at, 1, c.whole.len, out);
		if (c.whole.at[c.whole.len - 1] != '\n')
			fputc('\n', out);
		count++;
	}
	return count;
}

int pins_import(const struct home *h, const struct knownhosts *from,
		void (*broken)(const struct knownhosts *from, unsigned number), struct err *e)
{
	struct knownhosts k = KNOWNHOSTS_NONE;
	char *lines = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&lines, &len);
	int count = 0, rc = out ? open_pins(&k, h, 1, e) : err_sys(e, "import");

	if (rc == 0)
		rc = count = collect(out, &k, from, broken, e);
	if (out && (fclose(out) != 0 && rc >= 0))
		rc = err_set(e, -ENOMEM, "import: no memory");
	if (rc > 0)
		rc = knownhosts_append(&k, lines, len, e);
	if (rc >= 0 && count > 0)
		rc = knownhosts_save(&k, e);
	free(lines);
	knownhosts_close(&k);
	return rc < 0 ? rc : count;
}

int pins_drop_where(const struct home *h, int (*is_meant)(const struct knownline *l, const void *arg),
		    const void *arg, struct err *e)
{
	struct knownhosts k = KNOWNHOSTS_NONE;
	int dropped = 0, rc = open_pins(&k, h, 0, e);
	int is_empty = rc == 0 && k.len == 0;

	knownhosts_close(&k);
	if (rc < 0 || is_empty)
		return rc; /* and no folder is made for nothing */
	rc = open_pins(&k, h, 1, e);
	if (rc == 0)
		rc = dropped = knownhosts_drop_where(&k, is_meant, arg, e);
	if (rc > 0)
		rc = knownhosts_save(&k, e);
	knownhosts_close(&k);
	return rc < 0 ? rc : dropped;
}

static int is_one_of(const struct knownline *l, const void *arg)
{
	for (const char *const *name = arg; *name; name++)
		if (knownline_matches(l, *name))
			return 1;
	return 0;
}

int pins_drop(const struct home *h, const char *const *names, struct err *e)
{
	return pins_drop_where(h, is_one_of, names, e);
}
