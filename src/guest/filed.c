/*
 * filed - the guest's end of one file copy, as a process of its own.
 */
#include "guest/filed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "guest/user.h"
#include "proto/refusal.h"
#include "tree/make.h"
#include "tree/walk.h"
#include "tree/wire.h"

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

static int become(const char *who, struct err *e)
{
	struct user u;
	int rc = user_find(&u, "/etc", who);

	if (rc < 0)
		return err_set(e, rc, "%s: no such user", who);
	rc = user_become(&u);
	if (rc > 0)
		return err_set(e, -rc, "cannot become user %s: %s", who, strerror(rc));
	if (chdir(u.home) < 0 && chdir("/") < 0)
		return err_sys(e, "folder /");
	return 0;
}

static int begin(struct filed *d, const struct copy_req *q, struct err *e)
{
	struct sigaction act = { .sa_handler = ended };
	int flags = fcntl(FILED_FD, F_GETFL), rc;

	umask(022);
	d->report.line = say_problem;
	make_open(&d->make, q->path, q->flags, &d->report);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	if (flags < 0 || fcntl(FILED_FD, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return err_sys(e, "connection");
	rc = wire_open(&d->wire, FILED_FD, &d->report);
	if (rc < 0)
		return err_set(e, rc, "no memory for a copy");
	rc = become(q->user, e);
	return rc < 0 ? rc : wire_say(&d->wire, FRAME_COPY_GO, NULL, 0, e);
}

/* Tells the host what ended it, and lets it read that: closing with bytes unread would reset. */
static int end(struct filed *d, struct err *e)
{
	struct refusal no = { REFUSED_FAILED, (uint32_t)-e->code, e->text };
	uint8_t mem[2048];
	long len = e->code ? refusal_encode(&no, mem, sizeof(mem)) : 0;
	struct err gone = ERR_NONE;

	if (len > 0 && d->wire.out)
		wire_say(&d->wire, FRAME_ERROR, mem, (size_t)len, &gone);
	make_close(&d->make);
	wire_close(&d->wire);
	shutdown(FILED_FD, SHUT_WR);
	while (fd_read(FILED_FD, mem, sizeof(mem)) > 0)
		;
	return e->code;
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
