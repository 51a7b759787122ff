/*
 * frame - how the roles talk: type u8, length u32 big-endian, payload of at most 1 MiB.
 *
 * One numbering for every service, so a frame means the same on every port. A longer length is
 * refused from its header alone: no memory is ever sized by a peer. Both sides read foreign
 * bytes: the host reads the guest's, the guest reads the host's.
 *
 * The engines do no I/O beyond one read or write on the descriptor they are handed.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fifo.h"

enum {
	FRAME_HEADER = 5,
	FRAME_MAX = 1 << 20, /* the longest payload anybody may send */
	/* The longest data frame we send: with its header one packet of vsock, which Linux cuts at
	 * 64 KiB (VIRTIO_VSOCK_MAX_PKT_BUF_SIZE). Five bytes more are a packet of their own. */
	FRAME_CHUNK = 64 * 1024 - FRAME_HEADER,
};

/* Who sends what, where: H host, G guest, V the vmm process, A the agent that started it. */
enum frame_type {
	/* every service */
	FRAME_HEARTBEAT = 0x01, /* H>G any bytes; G>H the same bytes back */
	FRAME_ERROR = 0x02,	/* G>H struct refusal; the connection then ends */

	/* exec, ports 4089 and 4090: one command a connection (proto/exec.h) */
	FRAME_EXEC = 0x10,	   /* H>G struct exec_req, the first frame */
	FRAME_STARTED = 0x11,	   /* G>H struct exec_started */
	FRAME_STDIN = 0x12,	   /* H>G bytes, within the window; empty: end of input */
	FRAME_STDIN_WINDOW = 0x13, /* G>H u32: this many more bytes of stdin may be sent */
	FRAME_STDOUT = 0x14,	   /* G>H bytes; H>G empty: its reader has gone, as for a pipe */
	FRAME_STDERR = 0x15,	   /* G>H bytes; H>G empty: as for stdout */
	FRAME_SIGNAL = 0x16,	   /* H>G u32 signal number, to the command's process group */
	FRAME_EXIT = 0x17,	   /* G>H struct exec_status, the last frame */
	FRAME_ATTACH = 0x18, /* H>G struct exec_attach, the first frame instead of FRAME_EXEC */
	FRAME_RESIZE = 0x19, /* H>G u16 rows, u16 columns of the terminal */
	FRAME_DETACH = 0x1a, /* H>G empty: this connection goes, the command runs on */
	FRAME_SEEN = 0x1b,   /* H>G struct exec_seen; also in front of the first frame */

	/* beacon, host port 4088: one connection a boot, opened by the guest */
	FRAME_HELLO = 0x20,	/* G>H struct beacon_hello, the first frame */
	FRAME_STAGE = 0x21,	/* G>H struct beacon_stage */
	FRAME_READY = 0x22,	/* G>H empty: the servers answer */
	FRAME_MAIN_EXIT = 0x23, /* G>H struct exec_status of the main process */
	FRAME_ACK = 0x24,	/* H>G empty: FRAME_MAIN_EXIT was kept */

	/* agent, port 4088 (proto/agent.h) */
	FRAME_POWEROFF = 0x30,	   /* H>G u32 ms the processes get between TERM and KILL */
	FRAME_SYNCED = 0x31,	   /* G>H empty: processes gone, disks synced, power goes next */
	FRAME_INFO = 0x32,	   /* H>G empty; G>H struct agent_info */
	FRAME_PORTS = 0x33,	   /* H>G empty: tell me from now on; G>H struct agent_ports */
	FRAME_PORTS_CHANGE = 0x34, /* G>H struct agent_ports_change */
	FRAME_CLOCK = 0x35,	   /* H>G struct clock_sample; G>H the same with the guest's time */
	FRAME_CLOCK_SET = 0x36,	   /* H>G struct clock_set; G>H struct clock_done */
	FRAME_SIGNAL_MAIN = 0x37, /* H>G u32 signal, to the main process's group; G>H empty: sent */

	/* the vmm's status channel */
	FRAME_VMM_RUNNING = 0x40, /* V>A empty: the first instruction runs */
	FRAME_VMM_EXIT = 0x41,	  /* V>A proto/spec.h: struct vmm_exit, the last frame */
	FRAME_VMM_TROUBLE = 0x42, /* V>A proto/spec.h: struct vmm_trouble */

	/* streams, port 4093: one connection a stream (proto/stream.h) */
	FRAME_OPEN = 0x50, /* H>G struct stream_req, the first frame */
	FRAME_OPENED =
		0x51, /* G>H struct stream_opened; for tcp and unix the last frame: bytes follow */
	FRAME_DATAGRAM =
		0x52, /* both ways after FRAME_OPENED of udp: one datagram, perhaps empty */

	/* files, on the agent's port (proto/copy.h); S the side that has the tree, T that makes it */
	FRAME_COPY_PUT = 0x60,	   /* H>G struct copy_req: T is the guest; the first frame */
	FRAME_COPY_GET = 0x61,	   /* H>G struct copy_req: S is the guest; the first frame */
	FRAME_COPY_GO = 0x62,	   /* G>H empty: whoever copies has the connection */
	FRAME_COPY_ROOT = 0x63,	   /* S>T struct copy_root: one tree follows */
	FRAME_COPY_ENTRY = 0x64,   /* S>T struct copy_entry; a folder is entered */
	FRAME_COPY_LINK = 0x65,	   /* S>T struct copy_link: a further name of a file */
	FRAME_COPY_ENTER = 0x66,   /* S>T string: into this folder, of which nothing is known */
	FRAME_COPY_UP = 0x67,	   /* S>T empty: out of the folder */
	FRAME_COPY_DATA = 0x68,	   /* S>T bytes of the file */
	FRAME_COPY_HOLE = 0x69,	   /* S>T u64: so many bytes of zeros that need no room */
	FRAME_COPY_EOF = 0x6a,	   /* S>T u8: 1: the file is whole; 0: it could not be read */
	FRAME_COPY_PROBLEM = 0x6b, /* S>T, T>S string: what about one file, and why */
	FRAME_COPY_END = 0x6c,	   /* S>T empty: that was all */
	FRAME_COPY_DONE = 0x6d,	   /* T>S empty: it is all there but for the problems */

	/* one question about files, or one change, on the agent's port (proto/fs.h) */
	FRAME_FS = 0x70,	 /* H>G struct fs_req, the first frame; FRAME_COPY_GO answers */
	FRAME_FS_ENTRY = 0x71,	 /* G>H struct fs_entry */
	FRAME_FS_ENTER = 0x72,	 /* G>H string: the entries that follow are in this folder */
	FRAME_FS_UP = 0x73,	 /* G>H empty: out of it */
	FRAME_FS_PROBLEM = 0x74, /* G>H struct fs_problem */
	FRAME_FS_DONE = 0x75,	 /* G>H empty: that was all, and it is done but for the problems */
};

struct frame {
	uint8_t type;
	uint32_t len;
	const uint8_t *data; /* borrowed from the inbox until its next fill */
};

/* What has arrived and is not yet taken. Memory is the owner's: FRAME_HEADER plus the longest
 * payload this connection is willing to see. */
struct inbox {
	uint8_t *mem; /* borrowed */
	size_t cap;
	size_t at, end; /* bytes at..end are unread */
};

void inbox_init(struct inbox *in, void *mem, size_t cap);

/* One read(2). Bytes read; 0 at the end of the stream; -EAGAIN; another negative errno. Never
 * call it before frame_next() said 0. */
ssize_t inbox_fill(struct inbox *in, int fd);

/* The same, and no byte beyond the header of the next frame, or beyond the frame it has begun: the
 * payload can be taken from the connection itself. */
ssize_t inbox_fill_frame(struct inbox *in, int fd);

/* Nonzero when a frame was cut by the end of the stream. */
int inbox_is_partial(const struct inbox *in);

/* 1: *f is the next frame; 0: not there yet; -EMSGSIZE: longer than this inbox takes. */
int frame_next(struct inbox *in, struct frame *f);

/* Of a frame whose header is here: how many bytes of its f->len are, too; f->data has them. -EAGAIN:
 * not even its header. Takes nothing. */
ssize_t frame_begun(const struct inbox *in, struct frame *f);

/* Queues a whole frame. 0, or -ENOBUFS with nothing queued. */
int frame_put(struct fifo *out, uint8_t type, const void *data, size_t len);

/* Sends a whole frame to a socket without blocking, directly when nothing is queued before it;
 * what the peer does not take now is queued. 0, or a negative errno after which the stream is
 * broken: -EPIPE, -ECONNRESET; -ENOBUFS: the queue is full. */
int frame_post(struct fifo *out, int fd, uint8_t type, const void *data, size_t len);

/* Writes a header; the caller sends `len` bytes of payload itself. */
void frame_header(uint8_t out[FRAME_HEADER], uint8_t type, uint32_t len);

/* For callers that may block. 0 or a negative errno; frame_recv says -ENODATA at the end. */
int frame_send(int fd, uint8_t type, const void *data, size_t len);
int frame_recv(struct inbox *in, int fd, struct frame *f);

#endif
