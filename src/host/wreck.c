/*
 * wreck - what a VM whose agent and vmm are dead left behind: sockets.
 */
#include "host/wreck.h"

#include "host/sockets.h"

void wreck_clear(const struct state *last)
{
	if (last->sockets[0])
		sockets_clear(last->sockets);
}
