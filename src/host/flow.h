/*
 * flow - the datagrams between one client of a forward and the guest.
 *
 * udp has no connections: who sends from the same address goes on with the same flow, which is a
 * stream of datagrams through the guest's stream server. A flow ends when it was silent for long,
 * when the guest's end does (the client's next datagram begins another), or, when there are too
 * many, because it was silent for longest. A datagram that nobody has room for is lost, as
 * datagrams are, and counted.
 */
#ifndef HOST_FLOW_H
#define HOST_FLOW_H

#include "host/dialler.h"

enum { FLOWS_MAX = 128 };

struct flows;
struct forward;

/* idle_ms 0: two minutes, the least that RFC 4787 lets through. NULL with errno set. */
struct flows *flows_open(struct dialler *d, unsigned idle_ms);
void flows_close(struct flows *s);

/* Something has come to this forward's socket. */
void flows_take(struct flows *s, struct forward *f);

/* All flows of this forward. */
void flows_end(struct flows *s, const struct forward *f);

#endif
