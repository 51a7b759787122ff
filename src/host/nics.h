/*
 * nics - the network cards a person gives a machine: written down, and connected.
 *
 * Written as tap=NAME or passt[=SOCKET], and options behind commas: mac=MAC, mtu=N, rate=BYTES, ops=N.
 * Which address the guest gives one is another matter: [guest] net.
 */
#ifndef HOST_NICS_H
#define HOST_NICS_H

#include "base/path.h"
#include "proto/spec.h"

struct nic_wish {
	enum spec_nic_kind kind;
	char peer[PATH_ROOM]; /* a tap's name; the socket passt listens on, "": one is started */
	uint8_t mac[6];	      /* zeroes: the VM's own */
	uint16_t mtu;	      /* 0: what the other end has */
	uint64_t rate, ops;
};

struct nics {
	struct nic_wish nic[SPEC_NICS_MAX];
	unsigned count;
};

enum { NIC_MAC_ROOM = 18 };

/* Adds one. 0, or wrong usage with *e filled. */
int nics_add(struct nics *n, const char *what, const char *text, struct err *e);

/* The address of card number i: what was asked for, or the VM's, the same at each start. id: host/vmid. */
void nic_mac(const struct nic_wish *w, const char *id, unsigned i, uint8_t mac[6]);

void nic_mac_text(const uint8_t mac[6], char out[NIC_MAC_ROOM]);

/* As it is written, without options: "tap=web0". */
const char *nic_kind_name(enum spec_nic_kind kind);

/* Connects all. Fills nic[] and *count as far as it gets: the caller closes their descriptors. 0 or
 * negative with *e filled. */
int nics_open(const struct nics *n, const char *id, struct spec_nic nic[SPEC_NICS_MAX],
	      unsigned *count, struct err *e);

#endif
