/*
 * seen - files with several names, each by the path it was first met under.
 */
#include "tree/seen.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

enum { ROOM_FIRST = 64 };

void seen_free(struct seen *s)
{
	free(s->files);
	free(s->text);
	*s = (struct seen){ 0 };
}

/* The file's place, or the free one where it belongs. */
static struct seen_file *place(const struct seen *s, dev_t dev, ino_t ino)
{
	uint64_t h = ((uint64_t)ino ^ (uint64_t)dev << 32) * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(h >> 32) & (s->room - 1);

	while (s->files[i].path && (s->files[i].ino != ino || s->files[i].dev != dev))
		i = (i + 1) & (s->room - 1);
	return &s->files[i];
}

static int grow(struct seen *s)
{
	struct seen bigger = *s;

	if (s->count < s->room / 2)
		return 0;
	bigger.room = s->room ? 2 * s->room : ROOM_FIRST;
	bigger.files = calloc(bigger.room, sizeof(*bigger.files));
	if (!bigger.files)
		return -ENOMEM;
	for (size_t i = 0; i < s->room; i++)
		if (s->files[i].path)
			*place(&bigger, s->files[i].dev, s->files[i].ino) = s->files[i];
	free(s->files);
	*s = bigger;
	return 0;
}

/* Where it begins in the text; 0: no memory. */
static size_t keep(struct seen *s, const char *path)
{
	size_t len = strlen(path) + 1, at = MAX(s->len, 1u);

	if (at + len > s->cap) {
		size_t cap = MAX(at + len, 2 * s->cap);
		char *text = realloc(s->text, cap);

		if (!text)
			return 0;
		s->text = text;
		s->cap = cap;
	}
	memcpy(s->text + at, path, len);
	s->len = at + len;
	return at;
}

int seen_find(struct seen *s, dev_t dev, ino_t ino, const char *path, const char **first)
{
	struct seen_file *f;

	*first = NULL;
	if (grow(s) < 0)
		return -ENOMEM;
	f = place(s, dev, ino);
	if (f->path) {
		*first = s->text + f->path;
		return 1;
	}
	*f = (struct seen_file){ dev, ino, keep(s, path) };
	s->count += f->path != 0;
	return f->path ? 0 : -ENOMEM;
}
