/*
 * framestream - Ethernet frames over a stream socket: a length, and so many bytes.
 */
#include "virtio/framestream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/util.h"

/* --- what comes ----------------------------------------------------------------------------- */

/* The length of the first frame there, 0 while that is not known, or -EPROTO. */
static ssize_t first_length(const struct framestream *s)
{
	struct rd r = rd_init(s->in + s->in_at, FRAMESTREAM_PREFIX);
	uint32_t len;

	if (s->in_end - s->in_at < FRAMESTREAM_PREFIX)
		return 0;
	len = rd_be32(&r);
	return len < NET_FRAME_MIN || len > NET_FRAME_MAX ? -EPROTO : (ssize_t)len;
}

static int fill(struct framestream *s, int fd)
{
	ssize_t n;

	memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
	s->in_end -= s->in_at;
	s->in_at = 0;
	do
		n = recv(fd, s->in + s->in_end, sizeof(s->in) - s->in_end, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 && errno == EAGAIN ? -EAGAIN : -EPIPE;
	s->in_end += (size_t)n;
	return 0;
}

struct cursor {
	const struct iovec *iov;
	unsigned left;
	size_t at; /* in the first */
};

static void put(struct cursor *c, const uint8_t *data, size_t len)
{
	while (len > 0 && c->left > 0) {
		size_t part = MIN(c->iov->iov_len - c->at, len);

		memcpy((uint8_t *)c->iov->iov_base + c->at, data, part);
		data += part;
		len -= part;
		c->at += part;
		if (c->at < c->iov->iov_len)
			continue;
		c->iov++;
		c->left--;
		c->at = 0;
	}
}

ssize_t framestream_receive(struct framestream *s, int fd, const struct iovec *iov, unsigned n)
{
	static const uint8_t header[NET_HEADER];
	struct cursor to = { iov, n, 0 };
	ssize_t len;

	while ((len = first_length(s)) == 0 ||
	       (len > 0 && s->in_end - s->in_at < FRAMESTREAM_PREFIX + (size_t)len)) {
		int rc = fill(s, fd);

		if (rc < 0)
			return rc;
	}
	if (len < 0)
		return len;
	put(&to, header, sizeof(header));
	put(&to, s->in + s->in_at + FRAMESTREAM_PREFIX, (size_t)len);
	s->in_at += FRAMESTREAM_PREFIX + (size_t)len;
	return NET_HEADER + len;
}

/* --- what goes ------------------------------------------------------------------------------ */

static ssize_t send_spans(int fd, struct iovec *iov, unsigned n)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t done;

	do
		done = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return errno == EAGAIN ? -EAGAIN : -EPIPE;
	return done;
}

int framestream_flush(struct framestream *s, int fd)
{
	while (s->out_at < s->out_end) {
		struct iovec rest = { s->out + s->out_at, s->out_end - s->out_at };
		ssize_t done = send_spans(fd, &rest, 1);

		if (done < 0)
			return (int)done;
		s->out_at += (size_t)done;
	}
	return 0;
}

static void keep_rest(struct framestream *s, const struct iovec *iov, unsigned n, size_t sent)
{
	s->out_at = s->out_end = 0;
	for (unsigned i = 0; i < n; i++) {
		size_t skip = MIN(sent, iov[i].iov_len);

		memcpy(s->out + s->out_end, (const uint8_t *)iov[i].iov_base + skip,
		       iov[i].iov_len - skip);
		s->out_end += iov[i].iov_len - skip;
		sent -= skip;
	}
}

int framestream_send(struct framestream *s, int fd, struct iovec *iov, unsigned n, size_t len)
{
	uint8_t prefix[FRAMESTREAM_PREFIX];
	struct wr w = wr_init(prefix, sizeof(prefix));
	int rc = framestream_flush(s, fd);
	ssize_t done;

	if (rc < 0)
		return rc;
	wr_be32(&w, (uint32_t)(len - NET_HEADER));
	iov[0] = (struct iovec){ prefix, sizeof(prefix) }; /* where the header was */
	done = send_spans(fd, iov, n);
	if (done < 0)
		return (int)done;
	if ((size_t)done < sizeof(prefix) + len - NET_HEADER)
		keep_rest(s, iov, n, (size_t)done);
	return 0;
}
