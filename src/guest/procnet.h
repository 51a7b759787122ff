/*
 * procnet - which sockets listen, from /proc/net/{tcp,tcp6,udp,udp6}.
 *
 * The text is the kernel's (net/ipv4/tcp_ipv4.c tcp4_seq_show(), net/ipv4/udp.c udp4_seq_show()
 * and their IPv6 sisters); it is decoded as if it were anybody's. sock_diag(7) would answer
 * quicker, but needs INET_DIAG, which a small guest kernel does without.
 */
#ifndef GUEST_PROCNET_H
#define GUEST_PROCNET_H

#include "proto/agent.h"

/* One line. 1: *p listens; 0: the heading, or a socket that does not; -EPROTO: no such line. */
int procnet_row(struct port *p, const char *line, uint8_t proto, uint8_t family);

/* All that listen, sorted, each once; epoch stays. A file that is not there has no sockets. */
void procnet_scan(struct agent_ports *out);

#endif
