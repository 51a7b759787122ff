/*
 * disk - where a block device keeps its sectors.
 */
#include "virtio/disk.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "virtio/fileio.h"
#include "virtio/overlay.h"

static int open_device(struct disk *d)
{
	off_t size = lseek(d->fd, 0, SEEK_END);
	int block = DISK_SECTOR;

	if (size < 0 || ioctl(d->fd, BLKSSZGET, &block) < 0)
		return -errno;
	d->bytes = (uint64_t)size;
	d->block = (uint32_t)block;
	d->can_free = !d->readonly;
	return 0;
}

/* A hole behind the end changes nothing, and shows whether there could be one. */
static int can_free(int fd, uint64_t end)
{
	return fileio_free(fd, end, DISK_SECTOR) == 0;
}

static void open_file(struct disk *d, off_t size)
{
	d->is_file = 1;
	d->bytes = (uint64_t)size;
	d->block = DISK_SECTOR;
	d->can_free = !d->readonly && can_free(d->fd, (uint64_t)size);
}

int disk_open(struct disk *d, int fd, int readonly)
{
	struct stat st;
	int rc = 0;

	*d = (struct disk){ .fd = fd, .readonly = readonly };
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISBLK(st.st_mode))
		rc = open_device(d);
	else if (S_ISREG(st.st_mode))
		open_file(d, st.st_size);
	else
		rc = -EINVAL;
	if (rc == 0 && (d->bytes == 0 || d->bytes % DISK_SECTOR))
		rc = -EMEDIUMTYPE;
	return rc;
}

/* A file that somebody cut would grow again by a write behind its end, with a hole where its
 * content was. */
static int still_reaches(const struct disk *d, uint64_t end)
{
	struct stat st;

	return !d->is_file || (fstat(d->fd, &st) == 0 && (uint64_t)st.st_size >= end);
}

void disk_lay_over(struct disk *d, struct overlay *o)
{
	d->overlay = o;
	d->readonly = 0;
	d->can_free = can_free(o->delta, overlay_end(o));
}

unsigned disk_files(const struct disk *d, int fd[DISK_FILES])
{
	fd[0] = d->fd;
	if (d->overlay)
		fd[1] = d->overlay->delta;
	return d->overlay ? 2 : 1;
}

/* What is written to an overlay, or synced, is more than one call. */
int disk_is_call(const struct disk *d, const struct disk_job *j, struct disk_call *c)
{
	*c = (struct disk_call){ 0, j->at };
	if (d->overlay)
		return j->op == DISK_READ && j->len > 0 && overlay_find(d->overlay, j, c);
	if (j->op == DISK_WRITE)
		return !d->readonly && !j->through && still_reaches(d, j->at + j->len);
	return j->op == DISK_READ || j->op == DISK_FLUSH;
}

static int change(const struct disk *d, struct disk_job *j)
{
	int rc;

	if (d->readonly)
		return -EROFS;
	if (!still_reaches(d, j->at + j->len))
		return -EIO;
	if (j->op == DISK_WRITE)
		rc = fileio_write(d->fd, j->iov, j->nspans, j->at);
	else if (j->op == DISK_FREE)
		rc = fileio_free(d->fd, j->at, j->len);
	else
		rc = fileio_zero(d->fd, j->at, j->len, j->may_free);
	return rc == 0 && j->through ? fileio_sync(d->fd) : rc;
}

void disk_do(const struct disk *d, struct disk_job *j)
{
	if (d->overlay)
		j->result = overlay_do(d->overlay, j);
	else if (j->op == DISK_READ)
		j->result = fileio_read(d->fd, j->iov, j->nspans, j->at);
	else if (j->op == DISK_FLUSH)
		j->result = fileio_sync(d->fd);
	else
		j->result = change(d, j);
}
