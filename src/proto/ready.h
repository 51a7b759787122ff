/*
 * ready - the guest's beacon (host port 4088).
 *
 * The guest opens one connection a boot and says, in order: hello, stages as they happen, ready,
 * and at the end the main process's exit. The host believes none of it without the boot id,
 * which it chose itself and which nobody else knows before the guest speaks.
 */
#ifndef PROTO_READY_H
#define PROTO_READY_H

#include <stddef.h>
#include <stdint.h>

enum {
	BOOT_ID_LEN = 36,    /* a UUID as text, without its NUL */
	STAGE_NAME_MAX = 32, /* bytes, NUL included */
	STAGE_DETAIL_MAX = 200,
	BEACON_FRAME_MAX = 1024, /* no frame of the beacon is longer */
};

/* On the kernel's command line, for an agent that the guest brings along: the boot id follows. */
#define BOOT_ID_WORD "vmtool.boot="

struct beacon_hello {
	uint16_t protocol;   /* PROTOCOL_VERSION of the guest's vmtool */
	const char *boot;    /* the boot id it was given */
	const char *version; /* vmtool's, for people */
};

enum { PROTOCOL_VERSION = 1 };

enum stage_state { STAGE_BEGIN = 1, STAGE_DONE = 2, STAGE_FAILED = 3 };

struct beacon_stage {
	const char *name;   /* "mounts", "listen", ... */
	uint8_t state;	    /* enum stage_state */
	uint64_t guest_ms;  /* the guest's monotonic clock: since its kernel began */
	const char *detail; /* "" or a sentence */
};

/* "begin", "done", "failed", as events.jsonl spells them. */
const char *stage_state_name(uint8_t state);

/* Encoders: bytes written or -EMSGSIZE. Decoders: 0 or -EPROTO; strings borrow from data. */
long beacon_hello_encode(const struct beacon_hello *h, void *out, size_t room);
int beacon_hello_decode(struct beacon_hello *h, const void *data, size_t len);
long beacon_stage_encode(const struct beacon_stage *s, void *out, size_t room);
int beacon_stage_decode(struct beacon_stage *s, const void *data, size_t len);

#endif
