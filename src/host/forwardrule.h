/*
 * forwardrule - what is to be reached where, as people write it: one value of `publish`.
 *
 *	[NAME=][ADDR:][PORT]:GUEST[/udp]   ADDR 127.0.0.1, no PORT: a free one, kept for the VM
 *	[NAME=]GUEST                       the same with a free port
 *	[NAME=]unix:/PATH:GUEST            a unix socket of the host's
 *	ssh                                ssh=:22
 *	auto[:PORTS][/udp]                 whatever listens in the guest
 *
 * GUEST is [HOST:]PORT (HOST localhost), unix:/PATH, or vsock:PORT. A PORT beside a GUEST that is
 * one, too, may be a range: 8000-8010:9000-9010. PORTS is a list of ports, ranges, and, behind
 * "~", of those that are not meant: 3000-3999,~3306.
 */
#ifndef HOST_FORWARDRULE_H
#define HOST_FORWARDRULE_H

#include "base/err.h"
#include "host/destination.h"
#include "host/hostaddr.h"
#include "host/store.h"

enum {
	RULE_RANGES_MAX = 32,
	RULE_PORTS_MAX = 256, /* of one range */
	RULE_TEXT_MAX = 512,
};

struct portset {
	unsigned count;
	struct {
		uint16_t first, last;
		int is_left_out;
	} range[RULE_RANGES_MAX];
};

/* Of those that are named, or of all when none is; and not left out. */
int portset_has(const struct portset *s, uint16_t port);

struct forwardrule {
	char name[VM_NAME_ROOM]; /* "" when nobody gave one */
	int is_udp;
	struct hostaddr host; /* port 0: a free one */
	struct destination to;
	unsigned count; /* ports of the range: host and guest count up together */
	int is_auto;	/* then only is_udp and ports count */
	struct portset ports;
	const char *text; /* borrowed: as it was read */
};

/* what: the option or key, for the sentence. 0, or wrong usage with *e filled. */
int forwardrule_parse(struct forwardrule *r, const char *what, const char *text, struct err *e);

#endif
