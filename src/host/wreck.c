/*
 * wreck - what an agent that was killed left behind: a vmm, sockets.
 */
#include "host/wreck.h"

#include <string.h>

#include "host/sockets.h"

/* A vmm dies with its agent: this is how long that may take. */
enum { DEATH_MS = 5000 };

void wreck_clear(const struct state *last)
{
	char now[HOST_BOOT_ROOM];

	host_boot_id(now);
	/* After a reboot of the host the numbers mean others. */
	if (strcmp(now, last->host_boot) == 0)
		(void)procid_end(&last->vmm, DEATH_MS);
	if (last->sockets[0])
		sockets_clear(last->sockets);
}
