/*
 * passage - a long frame of output on its way from the connection to our stdout, past our memory.
 */
#include "host/passage.h"

#include <errno.h>

#include "base/fd.h"
#include "base/util.h"

enum { LONG = 16 * 1024 }; /* what two more system calls are worth */

void passage_expect(struct passage *p, const struct outlet *o, uint32_t len)
{
	p->is_expected = len >= FRAME_CHUNK && outlet_takes_pages(o);
}

int passage_begin(struct passage *p, struct inbox *in, struct outlet *o, int *rc)
{
	struct frame f;
	ssize_t have = frame_begun(in, &f);

	if (have < 0 || f.len < LONG || !outlet_takes_pages(o))
		return 0;
	p->to = o;
	p->left = f.len - (uint32_t)have;
	in->at = in->end;
	*rc = outlet_put(o, f.data, (size_t)have);
	return 1;
}

/* Nobody reads it any more; it is not left in the connection. */
static ssize_t drop(struct passage *p, int fd)
{
	uint8_t scrap[4096];
	ssize_t n = fd_read(fd, scrap, MIN(p->left, sizeof(scrap)));

	if (n > 0 && p->to)
		p->to->seen += (uint64_t)n;
	return n;
}

int passage_go(struct passage *p, int fd)
{
	while (p->left > 0) {
		ssize_t n = p->to && !p->to->is_broken ? outlet_splice(p->to, fd, p->left)
						       : drop(p, fd);

		if (n == -EAGAIN)
			return 0;
		if (n <= 0)
			return n < 0 ? (int)n : -ECONNRESET;
		p->left -= (uint32_t)n;
	}
	return 1;
}
