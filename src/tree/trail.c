/*
 * trail - the folders we are in, as a path of any length.
 */
#include "tree/trail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

void trail_free(struct trail *t)
{
	free(t->text);
	free(t->outside);
	*t = (struct trail){ 0 };
}

int trail_push(struct trail *t, const char *name)
{
	size_t len = strlen(name), need = t->len + len + 2;

	if (need > t->cap) {
		size_t cap = MAX(need, 2 * t->cap);
		char *text = realloc(t->text, cap);

		if (!text)
			return -ENOMEM;
		t->text = text;
		t->cap = cap;
	}
	if (t->len > 0 && t->text[t->len - 1] != '/')
		t->text[t->len++] = '/';
	memcpy(t->text + t->len, name, len + 1);
	t->len += len;
	return 0;
}

void trail_cut(struct trail *t, size_t len)
{
	if (t->text)
		t->text[len] = '\0';
	t->len = len;
}

int trail_enter(struct trail *t, const char *name)
{
	size_t outside = t->len;
	int rc;

	if (t->depth == t->room) {
		size_t room = t->room ? 2 * t->room : 16;
		size_t *more = realloc(t->outside, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->outside = more;
		t->room = room;
	}
	rc = trail_push(t, name);
	if (rc == 0)
		t->outside[t->depth++] = outside;
	return rc;
}

void trail_leave(struct trail *t)
{
	trail_cut(t, t->outside[--t->depth]);
}

const char *trail_text(const struct trail *t)
{
	return t->text ? t->text : "";
}
