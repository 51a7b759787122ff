/*
 * pax - the records of a pax header: "length key=value\n", the length counting itself.
 */
#include "tree/pax.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

enum { LENGTH_DIGITS = 8 };

void pax_free(struct pax *p)
{
	free(p->text);
	*p = (struct pax){ 0 };
}

static size_t digits(size_t n)
{
	size_t count = 1;

	for (; n >= 10; n /= 10)
		count++;
	return count;
}

static int reserve(struct pax *p, size_t len)
{
	size_t cap = MAX(p->len + len, 2 * p->cap);
	char *text;

	if (p->len + len <= p->cap)
		return 0;
	text = realloc(p->text, cap);
	if (!text)
		return -ENOMEM;
	p->text = text;
	p->cap = cap;
	return 0;
}

void pax_add(struct pax *p, const char *prefix, const char *name, const void *value, size_t len)
{
	size_t rest = strlen(prefix) + strlen(name) + len + 3; /* blank, "=", newline */
	size_t total = rest + digits(rest);

	if (rest + digits(total) > total)
		total++;
	p->bad |= reserve(p, total + 1) < 0;
	if (p->bad)
		return;
	p->len += (size_t)sprintf(p->text + p->len, "%zu %s%s=", total, prefix, name);
	memcpy(p->text + p->len, value, len);
	p->len += len;
	p->text[p->len++] = '\n';
}

void pax_add_text(struct pax *p, const char *key, const char *value)
{
	pax_add(p, key, "", value, strlen(value));
}

void pax_add_number(struct pax *p, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	pax_add_text(p, key, text);
}

void pax_add_time(struct pax *p, const char *key, int64_t seconds, uint32_t ns)
{
	int is_before = seconds < 0; /* 1970: the fraction then counts the other way */
	char text[40];

	if (is_before && ns > 0) {
		seconds++;
		ns = 1000000000 - ns;
	}
	snprintf(text, sizeof(text), "%s%" PRIu64 ".%09u", is_before ? "-" : "",
		 is_before ? (uint64_t)-seconds : (uint64_t)seconds, ns);
	pax_add_text(p, key, text);
}

int pax_next(struct pax_record *r, const char *text, size_t len, size_t *at)
{
	const char *start = text + *at, *end, *equals;
	size_t left = len - *at, total = 0, i = 0;

	if (left == 0)
		return 0;
	for (; i < left && i < LENGTH_DIGITS && start[i] >= '0' && start[i] <= '9'; i++)
		total = total * 10 + (size_t)(start[i] - '0');
	if (i == 0 || i == left || start[i] != ' ' || total > left || total < i + 3)
		return -EPROTO;
	end = start + total - 1;
	r->key = start + i + 1;
	equals = memchr(r->key, '=', (size_t)(end - r->key));
	if (*end != '\n' || !equals || equals == r->key)
		return -EPROTO;
	r->key_len = (size_t)(equals - r->key);
	r->value = equals + 1;
	r->len = (size_t)(end - r->value);
	*at += total;
	return 1;
}

int pax_number(uint64_t *value, const struct pax_record *r)
{
	uint64_t v = 0;

	for (size_t i = 0; i < r->len; i++) {
		uint64_t digit = (uint64_t)(r->value[i] - '0');

		if (r->value[i] < '0' || r->value[i] > '9' || v > (INT64_MAX - digit) / 10)
			return -EPROTO;
		v = v * 10 + digit;
	}
	*value = v;
	return r->len > 0 ? 0 : -EPROTO;
}

/* Digits behind the point, as nanoseconds; further ones are dropped. */
static int fraction(uint32_t *ns, const char *text, size_t len)
{
	uint32_t v = 0;

	for (size_t i = 0; i < MAX(len, 9u); i++) {
		if (i < len && (text[i] < '0' || text[i] > '9'))
			return -EPROTO;
		if (i < 9)
			v = v * 10 + (uint32_t)(i < len ? text[i] - '0' : 0);
	}
	*ns = v;
	return 0;
}

int pax_time(int64_t *seconds, uint32_t *ns, const struct pax_record *r)
{
	int is_before = r->len > 0 && r->value[0] == '-';
	struct pax_record whole = { .value = r->value + is_before };
	size_t rest = r->len - (size_t)is_before;
	const char *point = memchr(whole.value, '.', rest);
	uint64_t v;

	whole.len = point ? (size_t)(point - whole.value) : rest;
	*ns = 0;
	if (pax_number(&v, &whole) < 0 ||
	    (point && fraction(ns, point + 1, rest - whole.len - 1) < 0))
		return -EPROTO;
	*seconds = is_before ? -(int64_t)v : (int64_t)v;
	if (is_before && *ns > 0) {
		--*seconds;
		*ns = 1000000000 - *ns;
	}
	return 0;
}
