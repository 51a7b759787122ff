/*
 * conline - the line behind a guest's console: a bounded file, and whoever else listens and types.
 */
#include "vmm/conline.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

/* Keeps the newer half. Within one descriptor, since the sandbox opens nothing. */
static void cut_log(struct conline *c)
{
	off_t from = CONLINE_LOG_MAX / 2, to = 0;
	char part[16384];
	ssize_t n;
	int fl;

	/* pwrite(2) appends, whatever the offset, while the file is in append mode. */
	fl = fcntl(c->out, F_GETFL);
	if (fl < 0 || fcntl(c->out, F_SETFL, fl & ~O_APPEND) < 0)
		return;
	while ((n = pread(c->out, part, sizeof(part), from)) > 0) {
		if (pwrite(c->out, part, (size_t)n, to) != n)
			break;
		from += n;
		to += n;
	}
	(void)!ftruncate(c->out, to);
	fcntl(c->out, F_SETFL, fl);
	c->written = (uint64_t)to;
}

void conline_flush(struct conline *c)
{
	if (c->used == 0)
		return;
	if (c->written + c->used > CONLINE_LOG_MAX)
		cut_log(c);
	/* A full disk costs log lines, not the guest. */
	if (fd_write_all(c->out, c->buf, c->used) == 0)
		c->written += c->used;
	if (c->ear)
		c->ear->said(c, c->buf, c->used);
	c->used = 0;
}

static void arm_linger(struct conline *c)
{
	struct itimerspec t = { .it_value.tv_nsec = CONLINE_LINGER_MS * 1000000 };

	timerfd_settime(c->linger.fd, 0, &t, NULL);
}

void conline_say(struct conline *c, const void *data, size_t len)
{
	const char *at = data, *end = at + len;

	while (at < end) {
		if (c->used == 0 && *at != '\n')
			arm_linger(c);
		c->buf[c->used++] = *at;
		if (*at++ == '\n' || c->used == CONLINE_BUF)
			conline_flush(c);
	}
}

size_t conline_type(struct conline *c, const void *data, size_t len)
{
	return c->port && len ? c->port->receive(c->port, data, len) : 0;
}

void conline_hungry(struct conline *c)
{
	if (c->ear)
		c->ear->hungry(c);
}

static void linger_over(struct watch *w, uint32_t events)
{
	struct conline *c = CONTAINER(w, struct conline, linger);
	uint64_t count;

	(void)events;
	(void)fd_read(w->fd, &count, sizeof(count));
	conline_flush(c);
}

int conline_open(struct conline *c, int out, struct loop *l)
{
	struct stat st;

	/* Field by field: what was never said takes no memory. */
	c->out = out;
	c->linger = (struct watch){ timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
				    linger_over };
	if (fstat(out, &st) == 0)
		c->written = (uint64_t)st.st_size;
	return c->linger.fd < 0 ? -errno : loop_add(l, &c->linger, EPOLLIN);
}

void conline_close(struct conline *c)
{
	conline_flush(c);
	fd_close(&c->linger.fd);
}
