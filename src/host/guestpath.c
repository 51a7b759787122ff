/*
 * guestpath - a path as a person types it: on this host, or NAME:PATH in a guest.
 */
#include "host/guestpath.h"

#include <string.h>

#include "base/parse.h"

/* NAME:PATH has its colon before any slash; unix:SOCKET:PATH its second one behind the socket. */
int guestpath_parse(struct guestpath *w, const char *arg, struct err *e)
{
	const char *colon = strchr(arg, ':');
	const char *slash = strchr(arg, '/');

	w->guest[0] = '\0';
	w->path = arg;
	if (!arg[0])
		return err_usage(e, "an empty path");
	if (!colon || (slash && slash < colon))
		return 0;
	if (!strncmp(arg, "unix:", 5)) {
		colon = strchr(arg + 5, ':');
		if (!colon)
			return err_usage(e, "'%s': write unix:SOCKET:PATH", arg);
	}
	if ((size_t)(colon - arg) >= sizeof(w->guest))
		return err_usage(e, "'%s': too long", arg);
	memcpy(w->guest, arg, (size_t)(colon - arg));
	w->guest[colon - arg] = '\0';
	w->path = colon + 1;
	if (strncmp(arg, "unix:", 5) && parse_name(w->guest, e) < 0)
		return err_usage(e, "'%s': '%s' is no VM's name; a host's file is ./%s", arg,
				 w->guest, arg);
	return 0;
}
