/*
 * procid - which process is meant, even after its number was given to another.
 */
#ifndef HOST_PROCID_H
#define HOST_PROCID_H

#include <stdint.h>
#include <sys/types.h>

struct procid {
	pid_t pid;	/* 0: none */
	uint64_t start; /* clock ticks since the host booted: /proc/PID/stat field 22 */
};

/* 0 or a negative errno (-ESRCH). */
int procid_of(struct procid *p, pid_t pid);

/* A pidfd of exactly that process; -ESRCH when it has gone, its number reused or not. */
int procid_open(const struct procid *p);

/* SIGKILLs it and waits until it is no more; nothing when it has gone already. 0 or a negative
 * errno: -ETIMEDOUT when it does not die within wait_ms. */
int procid_end(const struct procid *p, int wait_ms);

enum { HOST_BOOT_ROOM = 37 };

/* The host's boot id as text; "" when /proc does not say. */
void host_boot_id(char out[HOST_BOOT_ROOM]);

#endif
