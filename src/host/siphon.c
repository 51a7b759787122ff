/*
 * siphon - a frame of what a pipe holds, on its way to a connection past our memory.
 */
#include "host/siphon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

void siphon_close(struct siphon *s)
{
	fd_close(&s->pipe[0]);
	fd_close(&s->pipe[1]);
	s->head_left = 0;
	s->left = 0;
}

static ssize_t move(int from, int to, size_t most)
{
	ssize_t n;

	do
		n = splice(from, NULL, to, NULL, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t siphon_draw(struct siphon *s, uint8_t type, int from, size_t most)
{
	ssize_t n;

	if (s->pipe[0] < 0 && pipe2(s->pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	n = move(from, s->pipe[1], most);
	if (n <= 0)
		return n;
	frame_header(s->head, type, (uint32_t)n);
	s->head_left = FRAME_HEADER;
	s->left = (uint32_t)n;
	return n;
}

static ssize_t pour_some(struct siphon *s, int to)
{
	ssize_t n;

	if (s->head_left == 0)
		return move(s->pipe[0], to, s->left);
	do
		n = send(to, s->head + FRAME_HEADER - s->head_left, s->head_left,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int siphon_pour(struct siphon *s, int to)
{
	while (siphon_is_filled(s)) {
		ssize_t n = pour_some(s, to);

		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		if (s->head_left > 0)
			s->head_left -= (unsigned)n;
		else
			s->left -= (uint32_t)n;
	}
	return 0;
}
