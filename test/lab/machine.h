/*
 * machine - the emulated KVM host, as a QEMU process of ours.
 *
 * QEMU holds no file name of ours open and no socket anybody else could reach: everything is
 * handed over as a descriptor, so any number of labs run side by side. It dies with its parent.
 *
 * Booting takes as long as most of what a lab is for. So it is done once: machine_freeze() leaves
 * its RAM and the state of its devices in a folder, and every run goes on from there, on a private
 * mapping of that RAM. What must differ from run to run (time, random pool) the wire brings.
 */
#ifndef LAB_MACHINE_H
#define LAB_MACHINE_H

#include <sys/types.h>

#include "base/err.h"
#include "wire.h"

/* How large that disk is: it was so when the host was frozen. A file that is shorter ends early. */
#define MACHINE_STAGE_BYTES (1LL << 30)

struct machine {
	pid_t pid;
	int pidfd;	    /* owned; -1 while it does not run */
	int console;	    /* owned: the serial console and QEMU's own words */
	int monitor;	    /* owned: QEMU's monitor, a socket */
	int port[PORT_END]; /* owned; sockets */
};

/* What the emulated host's clocks go by, by the names they have on a command line. */
enum machine_clock {
	/* Executed instructions, at 1 ns each; what it would idle through is skipped. A busy host
	 * makes it no slower than it says, and a sleep costs nothing. */
	CLOCK_COUNTED,
	/* The same, but it idles as long as a person would wait. */
	CLOCK_PACED,
	/* This host's own clocks: an instruction takes as long as its emulation. */
	CLOCK_HOST,
};

/* 0, or negative with *e filled: text is none of them. */
int machine_clock_parse(enum machine_clock *clock, const char *text, struct err *e);

#define MACHINE_INIT ((struct machine){ .pidfd = -1, .console = -1, .monitor = -1 })

/* What it is made of; paths. */
struct machine_parts {
	const char *emulator, *kernel;
	const char *folder;  /* with initrd; and ram and state, once it was frozen */
	const char *console; /* a fresh file is made there */
	const char *stage;   /* what a run brings along: the whole of a disk, which the lab reads only */
	enum machine_clock clock;
};

/* 0, or negative with *e filled. Thawed, it goes on from where it was frozen, with the same kernel
 * and clock. */
int machine_boot(struct machine *m, const struct machine_parts *parts, struct err *e);
int machine_thaw(struct machine *m, const struct machine_parts *parts, struct err *e);

/* Of a booted one: leaves ram and state in the folder, and no QEMU. Blocks meanwhile. 0, or negative
 * with *e filled. */
int machine_freeze(struct machine *m, const struct machine_parts *parts, struct err *e);

/* Of one that has gone silent, while it still runs: where its CPU is at several moments, on stderr
 * (all its registers on the console), then a panic, which leaves its kernel's stack there. */
void machine_autopsy(struct machine *m);

/* For how long, in all, it has been ready to run and another had the CPU: of its threads, the one
 * that waited longest. 0 when this host does not tell. */
uint64_t machine_starved_ms(const struct machine *m);

/* At once, and waits until it is gone. */
void machine_kill(struct machine *m);

/* After its pidfd fired: how it ended, as words for a sentence. */
void machine_obituary(struct machine *m, char *text, size_t cap);

/* The last lines of the console, to stderr. */
void machine_print_console(const struct machine *m);

#endif
