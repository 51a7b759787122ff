/*
 * follow - a VM's log to a descriptor, and on while the VM lives.
 */
#include "host/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/text.h"

enum { PIECE = 16 * 1024 };

struct follow {
	const struct vmref *vm;	      /* borrowed */
	const struct follow_ask *ask; /* borrowed */
	int log, watch;		/* owned */
	int out;		/* borrowed */
	int escape;
	off_t at;
};

/* Cut where no UTF-8 sequence is: the escape would spoil one that lies across two pieces. */
static size_t whole_text(const char *text, size_t len)
{
	size_t back = 1;

	while (back <= 3 && back < len && ((unsigned char)text[len - back] & 0xc0) == 0x80)
		back++;
	return back < len && (unsigned char)text[len - back] >= 0xc0 && back < 4 ? len - back : len;
}

static int put(struct follow *f, const char *text, size_t len)
{
	char clean[4 * PIECE + 8];

	if (!f->escape)
		return fd_write_all(f->out, text, len);
	len = text_escape(clean, sizeof(clean), text, len);
	return fd_write_all(f->out, clean, len);
}

/* All there is now. */
static int copy(struct follow *f)
{
	char text[PIECE];
	struct stat st;
	ssize_t n;
	int rc = 0;

	if (fstat(f->log, &st) == 0 && st.st_size < f->at)
		f->at = 0;
	while (rc == 0 && (n = pread(f->log, text, sizeof(text), f->at)) > 0) {
		size_t len = (size_t)n;

		if (f->escape && n == PIECE)
			len = whole_text(text, len);
		rc = put(f, text, len);
		f->at += (off_t)len;
	}
	return rc;
}

/* The log grows, or the lock is let go. */
static void await_news(struct follow *f)
{
	struct pollfd p = { .fd = f->watch, .events = POLLIN };
	char events[4096];

	if (poll(&p, 1, -1) > 0)
		(void)fd_read(f->watch, events, sizeof(events));
}

static int watch_folder(struct follow *f, struct err *e)
{
	char path[32];

	f->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->vm->dir);
	if (f->watch < 0 ||
	    inotify_add_watch(f->watch, path,
			      IN_MODIFY | IN_CLOSE_WRITE | IN_DELETE | IN_MOVE_SELF) < 0)
		return err_sys(e, "%s: watch its folder", f->vm->name);
	return 0;
}

/* Where the last lines begin of what was asked for. Whole pieces from the end, so that a log of gigabytes is not read. */
static off_t last_lines(const struct follow *f, off_t size, uint32_t lines)
{
	char text[PIECE];
	off_t from = f->ask->from, at = size;

	while (at > from) {
		size_t len = (size_t)MIN(at - from, (off_t)sizeof(text));
		ssize_t n = pread(f->log, text, len, at - (off_t)len);

		if (n != (ssize_t)len)
			return from;
		for (; len > 0; len--, at--)
			/* The newline at the very end ends the last line, and is not before another. */
			if (text[len - 1] == '\n' && at < size && lines-- == 1)
				return at;
	}
	return from;
}

static int open_log(struct follow *f, struct err *e)
{
	struct stat st;

	f->log = openat(f->vm->dir, f->ask->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (f->log < 0 && errno != ENOENT)
		return err_sys(e, "%s: open %s", f->vm->name, f->ask->file);
	if (f->log < 0)
		return 0;
	f->at = f->ask->from;
	if (f->ask->tail != FOLLOW_ALL && fstat(f->log, &st) == 0)
		f->at = f->ask->tail ? last_lines(f, st.st_size, f->ask->tail) : st.st_size;
	return 1;
}

static int run(struct follow *f, struct err *e)
{
	int rc = 0, live = 1;

	/* Look at the lock before the last copy: what is written afterwards is nobody's. */
	while (rc == 0 && live) {
		live = f->ask->on && store_is_locked(f->vm);
		if (f->log < 0) {
			rc = open_log(f, e);
			if (rc < 0)
				return rc;
		}
		rc = f->log < 0 ? 0 : copy(f);
		if (rc == 0 && live)
			await_news(f);
	}
	return rc < 0 ? err_set(e, rc, "%s: print its log: %s", f->vm->name, strerror(-rc)) : 0;
}

int follow_log(const struct vmref *v, const struct follow_ask *ask, int out, struct err *e)
{
	struct follow f = {
		.vm = v, .ask = ask, .log = -1, .watch = -1, .out = out, .escape = isatty(out)
	};
	int rc = ask->on ? watch_folder(&f, e) : 0;

	if (rc == 0)
		rc = run(&f, e);
	fd_close(&f.watch);
	fd_close(&f.log);
	return rc;
}
