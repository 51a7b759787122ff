/*
 * vmmfile - vmm.status: what a vmm process says of itself, for whoever looks after the VM then.
 */
#include "host/vmmfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"
#include "host/lock.h"
#include "host/news.h"
#include "host/text.h"
#include "proto/frame.h"

/* Room for all it may say: VMM_RUNNING, each VMM_TROUBLE once, and VMM_EXIT. */
enum { FILE_BYTES = 4096 };

static const char file_name[] = "vmm.status";

static int make_room(int fd)
{
	static const uint8_t zeros[FILE_BYTES];
	int rc = ftruncate(fd, 0) < 0 ? -errno : 0;

	if (rc == 0)
		rc = fd_write_all(fd, zeros, sizeof(zeros));
	if (rc == 0 && lseek(fd, VMM_WORDS_AT, SEEK_SET) < 0)
		rc = -errno;
	return rc;
}

int vmmfile_make(const struct vmref *v, struct err *e)
{
	int fd, rc;

	do
		fd = lock_take(v->dir, file_name, 1);
	while (fd == -ESTALE);
	if (fd == -EBUSY)
		return err_set(e, fd,
			       "%s: its machine still runs, though nobody looks after it\n"
			       "  try: vmtool show %s",
			       v->name, v->name);
	if (fd < 0)
		return err_set(e, fd, "%s: open %s: %s", v->name, file_name, strerror(-fd));
	rc = make_room(fd);
	if (rc < 0) {
		fd_close(&fd);
		return err_set(e, rc, "%s: write %s: %s", v->name, file_name, strerror(-rc));
	}
	return fd;
}

int vmmfile_make_bare(struct err *e)
{
	int fd = memfd_create(file_name, MFD_CLOEXEC), rc;

	if (fd < 0)
		return err_sys(e, "make %s", file_name);
	rc = make_room(fd);
	if (rc < 0) {
		fd_close(&fd);
		return err_set(e, rc, "write %s: %s", file_name, strerror(-rc));
	}
	return fd;
}

int vmmfile_open(const struct vmref *v)
{
	int fd = openat(v->dir, file_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static const char *reason_word(uint8_t reason)
{
	static const char *const words[] = {
		[VMM_POWEROFF] = "guest_poweroff",
		[VMM_REBOOT] = "guest_reboot",
		[VMM_PANIC] = "panic",
		[VMM_KILLED] = "killed",
		[VMM_ERROR] = "error",
	};

	return words[reason];
}

static void take_frame(struct vmmwords *w, const struct frame *f)
{
	struct vmm_exit x;

	if (f->type == FRAME_VMM_RUNNING) {
		w->ran = 1;
	} else if (f->type == FRAME_VMM_TROUBLE) {
		if (w->troubles < VMM_TROUBLES_MAX &&
		    vmm_trouble_decode(&w->trouble[w->troubles], f->data, f->len) == 0)
			w->troubles++;
	} else if (f->type == FRAME_VMM_EXIT && vmm_exit_decode(&x, f->data, f->len) == 0) {
		w->reason = reason_word(x.reason);
		w->ran = x.ran != 0;
		text_escape(w->detail, sizeof(w->detail), x.text, strlen(x.text));
	}
}

void vmmfile_read(struct vmmwords *w, int fd)
{
	uint8_t mem[FILE_BYTES];
	struct inbox in;
	struct frame f;
	ssize_t n;

	*w = (struct vmmwords){ 0 };
	n = fd < 0 ? 0 : pread(fd, mem, sizeof(mem), 0);
	if (n <= VMM_WORDS_AT)
		return;
	w->paused = mem[VMM_PAUSED_AT] != 0;
	w->continued = mem[VMM_CONTINUED_AT];
	inbox_init(&in, mem + VMM_WORDS_AT, sizeof(mem) - VMM_WORDS_AT);
	in.end = (size_t)n - VMM_WORDS_AT;
	while (frame_next(&in, &f) > 0 && f.type != 0)
		take_frame(w, &f);
}

int vmmfile_is_held(const struct vmref *v)
{
	return lock_is_held(v->dir, file_name);
}

/* The vmm marks itself with a lock of the kind that has an owner: its number, or 0. */
static pid_t owner(int fd)
{
	struct flock look = { .l_type = F_WRLCK, .l_start = VMM_MARK_AT, .l_len = 1 };

	return fcntl(fd, F_GETLK, &look) == 0 && look.l_type != F_UNLCK ? look.l_pid : 0;
}

/* Whoever holds the lock after its pidfd was opened had that number when it was opened. */
static int open_process(const struct vmref *v, int fd, pid_t *pid)
{
	int process;

	*pid = owner(fd);
	if (*pid <= 0)
		return vmmfile_is_held(v) > 0 ? -EAGAIN : -ESRCH;
	process = pidfd_open(*pid);
	if (process >= 0 && owner(fd) != *pid) {
		fd_close(&process);
		return -ESRCH;
	}
	return process;
}

int vmmfile_process(const struct vmref *v, pid_t *pid, int wait_ms)
{
	int64_t deadline_ms = clock_ms() + wait_ms;
	struct news news = NEWS_NONE;
	int fd = vmmfile_open(v), rc = fd < 0 ? fd : news_open(&news, v);

	/* It says that it runs soon after it has marked itself, and its end closes the file. */
	while (rc >= 0 && (rc = open_process(v, fd, pid)) == -EAGAIN)
		rc = news_wait(&news, deadline_ms);
	news_close(&news);
	fd_close(&fd);
	return rc == -ENOENT ? -ESRCH : rc;
}

int vmmfile_kill(const struct vmref *v, int wait_ms)
{
	pid_t pid;
	int fd = vmmfile_process(v, &pid, wait_ms);
	int rc;

	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	rc = pidfd_kill(fd, wait_ms);
	fd_close(&fd);
	return rc;
}
