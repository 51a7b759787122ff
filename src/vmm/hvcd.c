/*
 * hvcd - a console device at the console's line.
 */
#include "vmm/hvcd.h"

#include "base/util.h"

static size_t receive(struct conline_port *p, const void *data, size_t len)
{
	struct hvcd *d = CONTAINER(p, struct hvcd, port);

	return console_is_up(&d->console) ? console_receive(&d->console, data, len)
					  : d->before->receive(d->before, data, len);
}

static void said(struct console_host *h, const void *data, size_t len)
{
	conline_say(CONTAINER(h, struct hvcd, host)->line, data, len);
}

static void hungry(struct console_host *h)
{
	conline_hungry(CONTAINER(h, struct hvcd, host)->line);
}

void hvcd_attach(struct hvcd *d, const struct gmem *m, struct conline *line)
{
	*d = (struct hvcd){
		.host = { said, hungry }, .port = { receive }, .before = line->port, .line = line
	};
	console_init(&d->console, m, &d->host);
	line->port = &d->port;
}
