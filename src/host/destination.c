/*
 * destination - where in a guest a connection is to lead.
 */
#include "host/destination.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *destination_text(char out[DESTINATION_TEXT], const struct destination *d)
{
	switch (d->kind) {
	case TO_UNIX:
		snprintf(out, DESTINATION_TEXT, "unix:%s", d->address);
		break;
	case TO_VSOCK:
		snprintf(out, DESTINATION_TEXT, "vsock:%" PRIu32, d->port);
		break;
	default:
		snprintf(out, DESTINATION_TEXT, strchr(d->address, ':') ? "[%s]:%u" : "%s:%u",
			 d->address, (unsigned)d->port);
	}
	return out;
}
