/*
 * fslist - what is in a folder, and in those below, told as it is read: fsd's largest answer, for
 * which only the names of folders are kept.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/bytes.h"
#include "guest/fsd.h"

/* One name of the folder we are in. What went meanwhile was not there. */
static int tell_name(struct fsd *d, const char *name)
{
	struct stat st;

	if (fstatat(d->at.dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fsd_problem_at(d, name, errno, "");
	if (S_ISDIR(st.st_mode) && d->q->flags & FS_RECURSIVE &&
	    listing_add(&descent_here(&d->at)->names, name) < 0)
		return err_set(&d->e, -ENOMEM, "no memory for the names of folders");
	return fsd_entry(d, d->at.dir, name, &st);
}

static int go_into(struct fsd *d, const char *name)
{
	uint8_t mem[FS_FRAME_MAX];
	struct wr w = wr_init(mem, sizeof(mem));
	int rc = fsd_enter(d, name);

	if (rc <= 0)
		return rc;
	wr_str(&w, name);
	if (d->at.depth > 1)
		rc = wire_put(&d->wire, FRAME_FS_ENTER, mem, wr_len(&w, mem), &d->e);
	return rc < 0 ? rc : fsd_each_name(d, tell_name);
}

static int come_out(struct fsd *d)
{
	int rc = fsd_leave(d);

	return rc == 0 && d->at.depth > 0 ? wire_put(&d->wire, FRAME_FS_UP, NULL, 0, &d->e) : rc;
}

int fsd_list(struct fsd *d)
{
	int rc = go_into(d, d->q->path);

	while (rc == 0 && d->at.depth > 0) {
		const char *name = listing_next(&descent_here(&d->at)->names);

		rc = name ? go_into(d, name) : come_out(d);
	}
	return rc;
}
