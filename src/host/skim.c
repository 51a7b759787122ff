/*
 * skim - the plain values at the top of a JSON object, found in its text without building it.
 */
#include "host/skim.h"

#include <errno.h>
#include <string.h>

/* A pen over the text, which never leaves it. */
struct pen {
	const char *at, *end;
};

static int is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The next byte that is not blank, or 0 at the end: no byte of JSON is 0. */
static char peek(struct pen *p)
{
	while (p->at < p->end && is_blank(*p->at))
		p->at++;
	return p->at < p->end ? *p->at : '\0';
}

static int take(struct pen *p, char c)
{
	if (peek(p) != c)
		return 0;
	p->at++;
	return 1;
}

/* What is between the quotes, escapes and all. 0 or -EPROTO. */
static int take_string(struct pen *p, struct skim *out)
{
	const char *from;

	if (!take(p, '"'))
		return -EPROTO;
	from = p->at;
	while (p->at < p->end && *p->at != '"') {
		if ((unsigned char)*p->at < ' ')
			return -EPROTO;
		p->at += *p->at == '\\' ? 2 : 1;
	}
	if (p->at >= p->end)
		return -EPROTO;
	out->at = from;
	out->len = (size_t)(p->at++ - from);
	return 0;
}

static int is_of_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' ||
	       c == '.' || c == 'E';
}

static int take_word(struct pen *p, struct skim *out)
{
	out->at = p->at;
	while (p->at < p->end && is_of_word(*p->at))
		p->at++;
	out->len = (size_t)(p->at - out->at);
	return out->len ? 0 : -EPROTO;
}

/* An object or a list with all that is in it: what matters of it is its end. */
static int pass_tree(struct pen *p)
{
	struct skim ignored;
	unsigned depth = 0;

	do {
		char c = peek(p);
		int rc = 0;

		if (c == '"')
			rc = take_string(p, &ignored);
		else if (c == '{' || c == '[')
			depth++, p->at++;
		else if (c == '}' || c == ']')
			depth--, p->at++;
		else if (c == ',' || c == ':')
			p->at++;
		else
			rc = take_word(p, &ignored);
		if (rc < 0)
			return rc;
	} while (depth > 0);
	return 0;
}

static struct skim *find(const struct skim *key, struct skim *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(wanted[i].key) == key->len &&
		    memcmp(wanted[i].key, key->at, key->len) == 0)
			return &wanted[i];
	return NULL;
}

static int take_pair(struct pen *p, struct skim *wanted, size_t count)
{
	struct skim key, ignored, *value;
	int rc = take_string(p, &key);
	char c;

	if (rc < 0 || !take(p, ':'))
		return -EPROTO;
	value = find(&key, wanted, count);
	c = peek(p);
	if (c == '{' || c == '[')
		return value ? -EPROTO : pass_tree(p);
	rc = c == '"' ? take_string(p, value ? value : &ignored)
		      : take_word(p, value ? value : &ignored);
	return rc == 0 && value && c == '"' && memchr(value->at, '\\', value->len) ? -EPROTO : rc;
}

int skim(const char *text, size_t len, struct skim *wanted, size_t count)
{
	struct pen p = { text, text + len };
	int rc = 0;

	for (size_t i = 0; i < count; i++)
		wanted[i].at = NULL, wanted[i].len = 0;
	if (!take(&p, '{'))
		return -EPROTO;
	if (peek(&p) != '}')
		do
			rc = take_pair(&p, wanted, count);
		while (rc == 0 && take(&p, ','));
	return rc == 0 && take(&p, '}') && peek(&p) == '\0' && p.at == p.end ? 0 : -EPROTO;
}
