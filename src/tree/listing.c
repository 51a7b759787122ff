/*
 * listing - names of a folder, kept to be visited one after the other.
 */
#include "tree/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

int listing_add(struct listing *n, const char *name)
{
	size_t len = strlen(name) + 1;

	if (n->len + len > n->cap) {
		size_t cap = MAX(n->len + len, n->cap ? 2 * n->cap : 1024);
		char *text = realloc(n->text, cap);

		if (!text)
			return -ENOMEM;
		n->text = text;
		n->cap = cap;
	}
	if (n->count == n->room) {
		size_t room = n->room ? 2 * n->room : 32;
		size_t *at = realloc(n->at, room * sizeof(*at));

		if (!at)
			return -ENOMEM;
		n->at = at;
		n->room = room;
	}
	memcpy(n->text + n->len, name, len);
	n->at[n->count++] = n->len;
	n->len += len;
	return 0;
}

static int by_name(const void *a, const void *b, void *text)
{
	return strcmp((char *)text + *(const size_t *)a, (char *)text + *(const size_t *)b);
}

void listing_sort(struct listing *n)
{
	if (n->count)
		qsort_r(n->at, n->count, sizeof(*n->at), by_name, n->text);
}

const char *listing_next(struct listing *n)
{
	return n->next < n->count ? n->text + n->at[n->next++] : NULL;
}

void listing_free(struct listing *n)
{
	free(n->text);
	free(n->at);
	*n = LISTING_NONE;
}
