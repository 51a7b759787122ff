/*
 * inquiry - what a guest says of itself, asked by a caller that may wait, but not for long.
 */
#ifndef HOST_INQUIRY_H
#define HOST_INQUIRY_H

#include "base/err.h"
#include "proto/agent.h"
#include "proto/frame.h"

struct inquiry {
	struct agent_info info; /* borrows from mem */
	struct agent_ports ports;
	uint8_t mem[INFO_BYTES_MAX], in_mem[FRAME_HEADER + PORTS_BYTES_MAX];
};

/*
 * Through a socket of the Firecracker dialect, until deadline_ms (clock_ms()). 0; or negative with
 * *e filled: as dial_vsock(), -EPROTO for an answer that is none, -ETIMEDOUT.
 */
int inquiry_make(struct inquiry *q, const char *vsock, int64_t deadline_ms, struct err *e);

/* A signal for the group of the main process: 0 when it was sent. Negative with *e filled: as
 * inquiry_make(), and -ESRCH when there is no main process, or none any more. */
int inquiry_signal_main(const char *vsock, uint32_t number, int64_t deadline_ms, struct err *e);

#endif
