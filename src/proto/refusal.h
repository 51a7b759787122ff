/*
 * refusal - the payload of FRAME_ERROR: why a server did not do what it was asked for.
 *
 * The text is for people and foreign: whoever shows it makes it fit for a terminal first.
 */
#ifndef PROTO_REFUSAL_H
#define PROTO_REFUSAL_H

#include <stddef.h>
#include <stdint.h>

enum refusal_why {
	REFUSED_NOT_FOUND = 1,	    /* no such command, session, file; exit code 127 */
	REFUSED_NOT_EXECUTABLE = 2, /* 126 */
	REFUSED_BAD_USER = 3,	    /* this and all below: 125; the group's too */
	REFUSED_BAD_CWD = 4,
	REFUSED_LIMIT = 5,
	REFUSED_PROTOCOL = 6,
	REFUSED_SHUTDOWN = 7,	  /* the guest is powering off */
	REFUSED_CONFLICT = 8,	  /* the id belongs to another request */
	REFUSED_TAKEN_OVER = 9,	  /* somebody else attached to this session */
	REFUSED_CONNECTION = 10,  /* streams: nobody listens there */
	REFUSED_UNREACHABLE = 11, /* streams: no way to that address, or no such name */
	REFUSED_TIMEOUT = 12,	  /* streams: no answer in time */
	REFUSED_UNSUPPORTED = 13, /* this guest's kernel or mode has no such thing */
	REFUSED_FAILED = 14,	  /* none of these: sys and text say it */
};

struct refusal {
	uint16_t why;	  /* enum refusal_why */
	uint32_t sys;	  /* the guest's errno, 0 when there is none */
	const char *text; /* a sentence; borrowed */
};

/* Bytes written or -EMSGSIZE. */
long refusal_encode(const struct refusal *f, void *out, size_t room);

/* 0 or -EPROTO. */
int refusal_decode(struct refusal *f, const void *data, size_t len);

/* The exit code of contracts.md for a command that was refused so: 127, 126 or 125. */
int refusal_code(const struct refusal *f);

#endif
