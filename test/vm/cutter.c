/*
 * cutter - a bad line, for tests: it carries connections between two unix sockets and cuts each
 * of them after so many bytes, wherever that is.
 *
 *	cutter LISTEN TARGET BYTES
 *
 * Bytes of both directions count. What lies in its own memory at that moment is lost, as with a
 * proxy that dies. BYTES of 0 never cuts. One connection at a time, until it is killed.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

enum { HELD = 16384 };

/* One direction; bytes wait here until the other side takes them. */
struct pipe {
	int from, to;
	char mem[HELD];
	size_t at, end;
	int has_ended;
};

/* Bytes taken in, or -1 when there is nothing more to carry. */
static ssize_t carry(struct pipe *p, const struct pollfd *from, const struct pollfd *to)
{
	ssize_t n = 0;

	if (p->at < p->end && to->revents & (POLLOUT | POLLERR | POLLHUP)) {
		n = send(p->to, p->mem + p->at, p->end - p->at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			p->at += (size_t)n;
		return n < 0 ? -1 : 0;
	}
	if (p->at == p->end && !p->has_ended && from->revents & (POLLIN | POLLERR | POLLHUP)) {
		n = recv(p->from, p->mem, HELD, MSG_DONTWAIT);
		p->at = 0;
		p->end = n > 0 ? (size_t)n : 0;
		p->has_ended = n <= 0;
		if (n <= 0)
			shutdown(p->to, SHUT_WR);
	}
	return n < 0 ? -1 : n;
}

static short wanted(const struct pipe *in, const struct pipe *out)
{
	short reads = in->at == in->end && !in->has_ended ? POLLIN : 0;

	return (short)(reads | (out->at < out->end ? POLLOUT : 0));
}

static void serve(int a, int b, long long most)
{
	static struct pipe there, back;
	long long carried = 0;

	there = (struct pipe){ .from = a, .to = b };
	back = (struct pipe){ .from = b, .to = a };
	while ((most == 0 || carried < most) && !(there.has_ended && back.has_ended)) {
		struct pollfd p[2] = { { a, wanted(&there, &back), 0 },
				       { b, wanted(&back, &there), 0 } };
		ssize_t n, m;

		poll(p, 2, -1);
		n = carry(&there, &p[0], &p[1]);
		m = carry(&back, &p[1], &p[0]);
		if (n < 0 || m < 0)
			return;
		carried += n + m;
	}
}

int main(int argc, char **argv)
{
	struct err e = ERR_NONE;
	int listener = argc == 4 ? unix_listen(argv[1], 16, &e) : -1;

	if (listener < 0) {
		fprintf(stderr, "cutter: %s\n", argc == 4 ? e.text : "LISTEN TARGET BYTES");
		return 2;
	}
	for (;;) {
		struct pollfd p = { listener, POLLIN, 0 };
		int a, b;

		poll(&p, 1, -1);
		a = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		b = a < 0 ? -1 : unix_connect(argv[2], 0);
		if (b >= 0)
			serve(a, b, atoll(argv[3]));
		fd_close(&a);
		fd_close(&b);
	}
}
