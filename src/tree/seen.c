/*
 * seen - files with several names, each by the path it was first met under.
 */
#include "tree/seen.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 64 };

void seen_free(struct seen *s)
{
	for (size_t i = 0; i < s->room; i++)
		free(s->files[i].path);
	free(s->files);
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
	struct seen bigger = { .count = s->count, .room = s->room ? 2 * s->room : ROOM_FIRST };

	if (s->count < s->room / 2)
		return 0;
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

int seen_find(struct seen *s, dev_t dev, ino_t ino, const char *path, const char **first)
{
	struct seen_file *f;

	if (grow(s) < 0)
		return -ENOMEM;
	f = place(s, dev, ino);
	*first = f->path;
	if (f->path)
		return 1;
	f->path = strdup(path);
	if (!f->path)
		return -ENOMEM;
	f->dev = dev;
	f->ino = ino;
	s->count++;
	return 0;
}
