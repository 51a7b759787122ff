/*
 * autoforward - what listens in the guest, reachable on this host's 127.0.0.1 under the same port, or
 * another that is told.
 *
 * The guest's agent says who listens, and tells every change for as long as the connection stands.
 * When that ends nothing is taken back: the next one begins with all there is, and only what
 * differs from it is opened or closed. A port that has gone is closed to newcomers alone; who
 * listens once and serves for long is not cut off.
 */
#ifndef HOST_AUTOFORWARD_H
#define HOST_AUTOFORWARD_H

#include "host/dialler.h"
#include "host/forwardrule.h"
#include "proto/agent.h"
#include "proto/frame.h"

enum {
	AUTOFORWARDS_MAX = 128, /* at a time: the guest says how many there are */
	AUTO_RULES_MAX = 4,
};

struct forwards;

struct autoforward {
	struct forwards *fs; /* borrowed: embeds us */
	struct dialling dialling;
	struct end peer;
	struct inbox in;
	struct timer timer; /* the next call, or what changed is to be looked at */
	unsigned wait_ms;
	unsigned told;
	int64_t settled_ms;
	unsigned nrules;
	struct {
		int is_udp;
		struct portset ports;
		char text[RULE_TEXT_MAX];
	} rule[AUTO_RULES_MAX];
	struct agent_ports *now; /* owned; NULL while nothing is to be forwarded by itself */
	uint8_t mem[FRAME_HEADER + PORTS_BYTES_MAX];
};

/* Begins with the first rule. 0 or negative with *e filled. */
int autoforward_add(struct autoforward *a, struct forwards *fs, const struct forwardrule *r,
		    struct err *e);

/* The guest's agent answers now: it is called at once. */
void autoforward_call(struct autoforward *a);

/* Its forwards are not its own to close. No-op for one that never began. */
void autoforward_stop(struct autoforward *a);

#endif
