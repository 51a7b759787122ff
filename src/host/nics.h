/*
 * nics - the network cards a person gives a machine: written down, and connected.
 *
 * Written as tap=NAME or passt[=SOCKET], and options behind commas: mac=MAC, mtu=N, rate=BYTES, ops=N, vhost=on|off.
 * Which address the guest gives one is another matter: [guest] net.
 */
#ifndef HOST_NICS_H
#define HOST_NICS_H

#include "base/path.h"
#include "proto/spec.h"

/* Whether the host's kernel serves a tap's rings itself. By itself, where it can and there is no rate. */
enum nic_vhost { NIC_VHOST_AUTO, NIC_VHOST_ON, NIC_VHOST_OFF };

struct nic_wish {
	enum spec_nic_kind kind;
	char peer[PATH_ROOM]; /* a tap's name; the socket passt listens on, "": one is started */
	uint8_t mac[6];	      /* zeroes: the VM's own */
	uint16_t mtu;	      /* 0: what the other end has */
	uint64_t rate, ops;
	enum nic_vhost vhost;
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

struct home;

/* Connects all, for the VM `self` (NULL: none of the home's) with this id. Fills nic[] and *count as far as it gets: the caller closes their descriptors. 0 or
 * negative with *e filled. */
int nics_open(const struct nics *n, const struct home *h, const char *self, const char *id,
	      struct spec_nic nic[SPEC_NICS_MAX], unsigned *count, struct err *e);

#endif
