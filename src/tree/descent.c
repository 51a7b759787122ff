/*
 * descent - where we are in a tree: one descriptor, for the folder we are in, however deep.
 */
#include "tree/descent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"

int descent_is_inside(const struct descent *d, const struct stat *st)
{
	for (size_t i = 0; i < d->depth; i++)
		if (d->levels[i].dev == st->st_dev && d->levels[i].ino == st->st_ino)
			return 1;
	return 0;
}

static int grow(struct descent *d)
{
	size_t room = d->room ? 2 * d->room : 16;
	struct descent_level *levels;

	if (d->depth < d->room)
		return 0;
	levels = realloc(d->levels, room * sizeof(*levels));
	if (!levels)
		return -ENOMEM;
	d->levels = levels;
	d->room = room;
	return 0;
}

int descent_enter(struct descent *d, const char *name, int fd, const struct stat *st,
		  struct listing *names, int by_link)
{
	int is_held = d->depth > 0 && by_link;

	if (grow(d) < 0 || trail_enter(&d->trail, name) < 0) {
		fd_close(&fd);
		listing_free(names);
		return -ENOMEM;
	}
	d->levels[d->depth++] = (struct descent_level){
		.names = *names,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.held = is_held ? d->dir : -1,
	};
	*names = LISTING_NONE;
	d->held += (size_t)is_held;
	if (d->depth > 1 && !is_held)
		fd_close(&d->dir);
	d->dir = fd;
	return 0;
}

/* The folder outside, opened, or AT_FDCWD; -ESTALE. */
static int outside(const struct descent *d)
{
	const struct descent_level *l = &d->levels[d->depth - 1];
	struct stat st;
	int fd;

	if (d->depth == 1)
		return AT_FDCWD;
	if (l->held >= 0)
		return l->held;
	fd = openat(d->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == l[-1].dev && st.st_ino == l[-1].ino)
		return fd;
	fd_close(&fd);
	return -ESTALE;
}

int descent_leave(struct descent *d)
{
	struct descent_level *l = descent_here(d);
	int fd = outside(d);

	if (fd == -ESTALE)
		return fd;
	d->held -= l->held >= 0;
	fd_close(&d->dir);
	d->dir = fd;
	listing_free(&l->names);
	trail_leave(&d->trail);
	d->depth--;
	return 0;
}

void descent_free(struct descent *d)
{
	while (d->depth > 0) {
		d->depth--;
		listing_free(&d->levels[d->depth].names);
		fd_close(&d->levels[d->depth].held);
	}
	if (d->dir >= 0)
		fd_close(&d->dir);
	free(d->levels);
	trail_free(&d->trail);
	*d = DESCENT_NONE;
}
