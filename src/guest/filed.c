/*
 * filed - the guest's end of one file copy, as a process of its own.
 */
#include "guest/filed.h"

#include <signal.h>
#include <unistd.h>

#include "base/util.h"
#include "guest/fileconn.h"
#include "tree/make.h"
#include "tree/walk.h"

/* One copy; there is one a process. */
struct filed {
	struct wire wire;
	struct report report;
	struct make make;
};

static struct filed filed;

/* What is wrong with one file is the host's to show. */
static void say_problem(struct report *r, const char *text)
{
	struct filed *d = CONTAINER(r, struct filed, report);
	struct copy_msg m = { .type = FRAME_COPY_PROBLEM, .text = text };
	uint8_t mem[8 * 1024];
	long len = copy_msg_encode(&m, mem, sizeof(mem));
	struct err e = ERR_NONE;

	/* Lost with the connection, of which the next step hears too. */
	if (len > 0)
		wire_say(&d->wire, m.type, mem, (size_t)len, &e);
}

static void ended(int sig)
{
	make_abandon(&filed.make);
	_exit(128 + sig);
}

static int begin(struct filed *d, const struct copy_req *q, struct err *e)
{
	struct sigaction act = { .sa_handler = ended };

	d->report.line = say_problem;
	make_open(&d->make, q->path, q->flags, &d->report);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	return fileconn_open(&d->wire, &d->report, q->user, e);
}

static int end(struct filed *d, struct err *e)
{
	fileconn_refuse(&d->wire, e);
	make_close(&d->make);
	return fileconn_close(&d->wire, e);
}

int filed_put(const struct copy_req *q, struct err *e)
{
	struct filed *d = &filed;

	if (begin(d, q, e) == 0 && wire_receive(&d->wire, &d->make.sink, e) == 0)
		wire_say(&d->wire, FRAME_COPY_DONE, NULL, 0, e);
	return end(d, e);
}

int filed_get(const struct copy_req *q, struct err *e)
{
	struct filed *d = &filed;

	if (begin(d, q, e) == 0 && walk(q->path, q->flags, &d->wire.sink, &d->report, e) == 0)
		wire_say(&d->wire, FRAME_COPY_END, NULL, 0, e);
	return end(d, e);
}
