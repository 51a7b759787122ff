/*
 * end - one end of a pipe or connection, in the loop only while something is wanted of it.
 */
#include "base/end.h"

#include "base/fd.h"

void end_open(struct end *e, int fd)
{
	e->w.fd = fd;
	e->wanted = 0;
}

void end_close(struct end *e)
{
	end_want(e, 0);
	fd_close(&e->w.fd);
}

int end_want(struct end *e, uint32_t events)
{
	int rc = 0;

	if (e->w.fd < 0 || e->wanted == events)
		return 0;
	if (e->wanted == 0)
		rc = loop_add(e->loop, &e->w, events);
	else if (events == 0)
		loop_del(e->loop, &e->w);
	else
		loop_mod(e->loop, &e->w, events);
	if (rc == 0)
		e->wanted = events;
	return rc;
}
