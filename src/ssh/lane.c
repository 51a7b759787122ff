/*
 * lane - one connection to one address of an SSH server, as far as its identification string, or
 * through the key exchange as well.
 */
#include "ssh/lane.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"

enum {
	LEAVE_MS = 1000, /* how long a server may take to end its half */
	READ_TURNS = 64, /* of 512 bytes: beyond, others have their turn first */
};

static const char own[] = LANE_IDENTIFICATION "\r\n";

static void lane_ready(struct watch *w, uint32_t events);

static void hang_up(struct lane *l)
{
	loop_cancel(l->loop, &l->timer);
	end_close(&l->end);
	l->dial.fd = -1;
	l->state = LANE_IDLE;
}

static void end_with(struct lane *l, enum probe_class verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Calls out: the lane may be gone, or begun anew, when it returns. */
static void end_with(struct lane *l, enum probe_class verdict, const char *fmt, ...)
{
	va_list ap;

	hang_up(l);
	va_start(ap, fmt);
	vsnprintf(l->why, sizeof(l->why), fmt, ap);
	va_end(ap);
	l->verdict = verdict;
	l->ended(l);
}

static void broken_off(struct lane *l, int err);

/* What connect(2) says while there is no connection. ECONNRESET is the refusal of a vsock; of TCP
 * it is a connection that was there, and is gone before we looked. */
static void not_connected(struct lane *l, int err)
{
	switch (err) {
	case EPROTO:
		end_with(l, PROBE_NOT_SSH, "the socket does not speak the vsock dialect");
		break;
	case ETIMEDOUT:
		end_with(l, PROBE_TIMEOUT, "no connection: %s", strerror(err));
		break;
	case ECONNRESET:
		if (l->where->kind == ENDPOINT_TCP)
			broken_off(l, err);
		else
			end_with(l, PROBE_REFUSED, "nobody listens on that port");
		break;
	case EAGAIN:
		end_with(l, PROBE_REFUSED, "no room in the server's queue");
		break;
	default:
		end_with(l, PROBE_REFUSED, "%s", strerror(err));
	}
}

/* The end of a connection before it had said all. */
static void broken_off(struct lane *l, int err)
{
	char sample[200] = "", after[220] = "";

	banner_sample(&l->banner, sample, sizeof(sample));
	if (l->state == LANE_EXCHANGING)
		snprintf(after, sizeof(after), ", within the key exchange");
	else if (*sample)
		snprintf(after, sizeof(after), ", after %s", sample);
	else if (l->banner.lines > 0)
		snprintf(after, sizeof(after), ", after %u lines", l->banner.lines);
	if (err == ECONNRESET || l->broke == -ECONNRESET)
		end_with(l, PROBE_RESET, "the connection was reset%s", after);
	else if (err == EPIPE || l->broke == -EPIPE)
		end_with(l, PROBE_EPIPE, "it hung up before we could say a word%s", after);
	else if (err != 0)
		end_with(l, PROBE_RESET, "%s%s", strerror(err), after);
	else if (l->state == LANE_EXCHANGING)
		end_with(l, PROBE_CLOSED, "it closed the connection%s", after);
	else
		end_with(l, PROBE_CLOSED, "it closed the connection without an identification%s",
			 after);
}

static void leave(struct lane *l)
{
	l->state = LANE_LEAVING;
	shutdown(l->end.w.fd, SHUT_WR);
	loop_after(l->loop, &l->timer, LEAVE_MS);
}

static void go_well(struct lane *l)
{
	leave(l);
	l->why[0] = '\0';
	l->verdict = PROBE_OK;
	l->ended(l);
}

/* What is to be sent is little, and the first that is: there is room for it. */
static void exchange(struct lane *l, const void *data, size_t len)
{
	struct kex *k = l->kex;
	ssize_t n = 0;

	kex_take(k, data, len);
	if (k->out_len > 0 && k->verdict == KEX_MORE)
		n = send(l->end.w.fd, k->out, k->out_len, MSG_NOSIGNAL);
	k->out_len = 0;
	if (n < 0)
		broken_off(l, errno);
	else if (k->verdict != KEX_MORE)
		go_well(l);
}

static void read_exchange(struct lane *l)
{
	char some[4096];
	ssize_t n = fd_read(l->end.w.fd, some, sizeof(some));

	if (n == -EAGAIN)
		return;
	if (n <= 0)
		broken_off(l, (int)-n);
	else
		exchange(l, some, (size_t)n);
}

/* rest: what came with the identification. */
static void judged(struct lane *l, const void *rest, size_t len)
{
	switch (l->banner.verdict) {
	case BANNER_OK:
		if (!l->kex) {
			go_well(l);
			break;
		}
		l->state = LANE_EXCHANGING;
		kex_begin(l->kex, l->wanted, LANE_IDENTIFICATION, l->banner.line);
		exchange(l, rest, len);
		break;
	case BANNER_UNSUPPORTED:
		end_with(l, PROBE_UNSUPPORTED_VERSION, "%s", l->banner.why);
		break;
	default:
		end_with(l, PROBE_NOT_SSH, "%s", l->banner.why);
	}
}

static void read_banner(struct lane *l)
{
	char some[512];

	for (int turn = 0; turn < READ_TURNS; turn++) {
		ssize_t n = fd_read(l->end.w.fd, some, sizeof(some));
		size_t taken;

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			broken_off(l, (int)-n);
			return;
		}
		taken = banner_take(&l->banner, some, (size_t)n);
		if (l->banner.verdict != BANNER_MORE) {
			judged(l, some + taken, (size_t)n - taken);
			return;
		}
	}
}

/* Whatever a server says to a client that has left is read, lest it be answered by a reset. */
static void read_rest(struct lane *l)
{
	char some[512];
	ssize_t n = -EAGAIN;

	for (int turn = 0; turn < READ_TURNS; turn++)
		if ((n = fd_read(l->end.w.fd, some, sizeof(some))) <= 0)
			break;
	if (n > 0 || n == -EAGAIN)
		return;
	hang_up(l);
	l->left(l);
}

/* Our identification goes first. When it cannot, what the server said before may still be there. */
static void begin_reading(struct lane *l)
{
	ssize_t n = send(l->end.w.fd, own, sizeof(own) - 1, MSG_NOSIGNAL);

	l->broke = n < 0 ? -errno : 0;
	l->state = LANE_READING;
	loop_after(l->loop, &l->timer, l->read_ms);
	if (end_want(&l->end, EPOLLIN) < 0)
		end_with(l, PROBE_REFUSED, "%s", strerror(ENOMEM));
	else
		read_banner(l);
}

static void finish_connect(struct lane *l)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(l->end.w.fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err)
		not_connected(l, err);
	else
		begin_reading(l);
}

static void read_answer(struct lane *l)
{
	int rc = dial_step(&l->dial);

	if (rc == -EAGAIN)
		return;
	if (rc < 0)
		not_connected(l, -rc);
	else
		begin_reading(l);
}

static void lane_ready(struct watch *w, uint32_t events)
{
	static void (*const next[])(struct lane * l) = {
		[LANE_CONNECTING] = finish_connect,
		[LANE_ASKING] = read_answer,
		[LANE_READING] = read_banner,
		[LANE_EXCHANGING] = read_exchange,
		[LANE_LEAVING] = read_rest,
	};
	struct lane *l = CONTAINER(CONTAINER(w, struct end, w), struct lane, end);

	(void)events; /* a hang-up shows up in what is read */
	next[l->state](l);
}

static void time_is_up(struct timer *t)
{
	struct lane *l = CONTAINER(t, struct lane, timer);

	switch (l->state) {
	case LANE_LEAVING:
		hang_up(l);
		l->left(l);
		break;
	case LANE_READING:
		end_with(l, PROBE_TIMEOUT, "it accepted, and no identification came within %u ms",
			 l->read_ms);
		break;
	case LANE_EXCHANGING:
		end_with(l, PROBE_TIMEOUT, "no end of the key exchange within %u ms", l->read_ms);
		break;
	default:
		end_with(l, PROBE_TIMEOUT, "no connection within %u ms", l->connect_ms);
	}
}

/* The fd of the connection, or a negative errno; *done: it is there already. */
static int open_socket(struct lane *l, int *done)
{
	int fd;

	if (l->where->kind == ENDPOINT_UNIX) {
		*done = 1;
		return unix_connect(l->where->path, 1);
	}
	fd = socket(l->at->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	*done = connect(fd, (const struct sockaddr *)&l->at->sa, l->at->len) == 0;
	if (!*done && errno != EINPROGRESS) {
		int err = errno;

		fd_close(&fd);
		return -err;
	}
	return fd;
}

static void start_direct(struct lane *l)
{
	int done = 0, fd = open_socket(l, &done);

	if (fd < 0) {
		not_connected(l, -fd);
		return;
	}
	end_open(&l->end, fd);
	if (done)
		begin_reading(l);
	else if (end_want(&l->end, EPOLLOUT) < 0)
		not_connected(l, ENOMEM);
}

/* The connection is our end's; the dialect's steps only read through it. */
static void start_mux(struct lane *l)
{
	int rc = dial_begin(&l->dial, l->where->path, l->where->port);

	if (rc < 0) {
		not_connected(l, -rc);
		return;
	}
	l->state = LANE_ASKING;
	end_open(&l->end, l->dial.fd);
	if (end_want(&l->end, EPOLLIN) < 0)
		not_connected(l, ENOMEM);
}

void lane_start(struct lane *l)
{
	l->end = END_INIT(l->loop, lane_ready);
	l->dial = (struct dial)DIAL_NONE;
	l->timer = (struct timer){ .due = time_is_up };
	l->banner = BANNER_INIT;
	l->verdict = PROBE_NONE;
	l->state = LANE_CONNECTING;
	l->broke = 0;
	loop_after(l->loop, &l->timer, l->connect_ms);
	if (l->where->kind == ENDPOINT_MUX)
		start_mux(l);
	else
		start_direct(l);
}

void lane_stop(struct lane *l)
{
	if (l->state == LANE_READING)
		shutdown(l->end.w.fd, SHUT_WR);
	if (l->state != LANE_IDLE)
		hang_up(l);
}
