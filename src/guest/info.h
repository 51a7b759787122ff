/*
 * info - what this guest says of itself.
 */
#ifndef GUEST_INFO_H
#define GUEST_INFO_H

#include "guest/clock.h"
#include "guest/execd.h"
#include "guest/supervisor.h"
#include "proto/agent.h"

/* What others know; each borrowed, each may be NULL. */
struct info_sources {
	const char *boot;
	struct execd *const *execd; /* where it will be once it serves */
	const struct supervisor *supervisor;
	/* The latest stage's name and enum stage_state; NULL: none yet. */
	const char *(*stage)(void *owner, uint8_t *state);
	void *owner;
};

/* FRAME_INFO's answer. Bytes written or a negative errno. */
long info_write(const struct info_sources *s, const struct clock *c, void *out, size_t room);

/* Of the text of /proc/meminfo: the bytes of one of its lines ("MemAvailable"), 0 when it is not
 * there. */
uint64_t info_meminfo(const char *text, const char *name);

#endif
