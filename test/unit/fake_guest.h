/*
 * fake_guest - an exec server by hand, for tests of the host's side: the test says every frame
 * itself, and waits for every one it expects, so nothing depends on time.
 */
#ifndef FAKE_GUEST_H
#define FAKE_GUEST_H

#include <poll.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "proto/exec.h"
#include "proto/frame.h"
#include "proto/refusal.h"

struct fake_guest {
	int fd; /* -1 while nobody is connected */
	struct inbox in;
	uint8_t mem[FRAME_HEADER + FRAME_MAX];
};

static inline void guest_open(struct fake_guest *g, int fd)
{
	g->fd = fd;
	inbox_init(&g->in, g->mem, sizeof(g->mem));
}

static inline void guest_close(struct fake_guest *g)
{
	fd_close(&g->fd);
}

/* The next frame, which must be of this type; one of length 0 and type 0 when it is not. */
static inline struct frame guest_hears(struct fake_guest *g, uint8_t type)
{
	struct frame f = { 0 };
	int rc = frame_recv(&g->in, g->fd, &f);

	if (rc == 0 && f.type == type)
		return f;
	printf("# expected frame 0x%02x, got %d, 0x%02x\n", type, rc, f.type);
	check_failed(__FILE__, __LINE__, "the expected frame");
	return (struct frame){ 0 };
}

/* STDIN frames until their bytes are these, no more and no less. */
static inline void guest_is_told(struct fake_guest *g, const void *bytes, size_t len)
{
	size_t have = 0;

	while (have < len) {
		struct frame f = guest_hears(g, FRAME_STDIN);

		if (f.len == 0 || f.len > len - have ||
		    memcmp(f.data, (const char *)bytes + have, f.len) != 0) {
			printf("# %u bytes of input at %zu\n", f.len, have);
			check_failed(__FILE__, __LINE__, "the expected input");
			return;
		}
		have += f.len;
	}
}

static inline void guest_starts(struct fake_guest *g, const struct exec_started *s)
{
	uint8_t mem[256];
	long len = exec_started_encode(s, mem, sizeof(mem));

	CHECK(len > 0 && frame_send(g->fd, FRAME_STARTED, mem, (size_t)len) == 0);
}

static inline void guest_prints(struct fake_guest *g, const char *text)
{
	CHECK(frame_send(g->fd, FRAME_STDOUT, text, strlen(text)) == 0);
}

static inline void guest_exits(struct fake_guest *g, uint8_t code)
{
	const struct exec_status s = { EXEC_EXITED, code, 0 };
	uint8_t mem[EXEC_STATUS_BYTES];

	exec_status_encode(&s, mem);
	CHECK(frame_send(g->fd, FRAME_EXIT, mem, sizeof(mem)) == 0);
}

static inline void guest_refuses(struct fake_guest *g, uint16_t why, const char *text)
{
	const struct refusal r = { why, 0, text };
	uint8_t mem[256];
	long len = refusal_encode(&r, mem, sizeof(mem));

	CHECK(len > 0 && frame_send(g->fd, FRAME_ERROR, mem, (size_t)len) == 0);
}

#endif
