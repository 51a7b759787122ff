/*
 * framestream - Ethernet frames over a stream socket, as passt and QEMU's `-netdev stream` have them:
 * a length, u32 big-endian, and so many bytes.
 *
 * Whoever is at the other end is a process of this host, and not trusted: a length that no frame has
 * ends the stream. Many frames come with one recv(2); what a full socket did not take of one is kept.
 */
#ifndef VIRTIO_FRAMESTREAM_H
#define VIRTIO_FRAMESTREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "virtio/net.h"

enum {
	FRAMESTREAM_PREFIX = 4,
	FRAMESTREAM_WHOLE = FRAMESTREAM_PREFIX + NET_FRAME_MAX,
};

struct framestream {
	size_t in_at, in_end;
	uint8_t in[2 * FRAMESTREAM_WHOLE];
	size_t out_at, out_end; /* equal: nothing is left to be sent */
	uint8_t out[FRAMESTREAM_WHOLE];
};

/* The next frame, behind an empty header, into the spans as far as they go. Its length with the header;
 * -EAGAIN: there is none yet; -EPIPE: the other end has gone; -EPROTO: what came is no frame. */
ssize_t framestream_receive(struct framestream *s, int fd, const struct iovec *iov, unsigned n);

/* A frame behind a header that is left out; len bytes in all. 0; -EAGAIN: not now, and nothing of it was
 * sent; -EPIPE. */
int framestream_send(struct framestream *s, int fd, struct iovec *iov, unsigned n, size_t len);

/* What is left of a frame. 0: all is sent; -EAGAIN; -EPIPE. */
int framestream_flush(struct framestream *s, int fd);

#endif
