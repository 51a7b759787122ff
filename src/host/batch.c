/*
 * batch - the same done to several VMs at once, each by a process of its own.
 */
#include "host/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

/* What one of them has to say at its end; in one piece, for it is smaller than PIPE_BUF. */
struct report {
	int rc;
	struct err e;
};

struct worker {
	pid_t pid; /* 0: a place that is free */
	int report;
	const char *name;
};

struct crew {
	const struct batch *batch;
	const struct names *names;
	size_t next; /* the first name that nobody works at */
	struct worker at[BATCH_AT_ONCE];
	size_t working;
	int sigfd, signo;
	sigset_t before;
	int failed, exit;
};

static void work(const struct batch *b, const char *name, int out)
{
	struct report r = { 0 };

	r.rc = b->one(name, b->arg, &r.e);
	if (fflush(stdout) != 0 && r.rc >= 0)
		r.rc = err_sys(&r.e, "%s: write to standard output", name);
	_exit(fd_write_all(out, &r, sizeof(r)) < 0);
}

static int begin(struct crew *c, struct worker *w, struct err *e)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	w->name = c->names->name[c->next];
	fflush(NULL); /* what stands in a buffer is to be written once */
	w->pid = fork();
	if (w->pid == 0) {
		/* A killed one of us leaves nobody behind who goes on unseen. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(1);
		fd_close(&c->sigfd);
		sigprocmask(SIG_SETMASK, &c->before, NULL);
		work(c->batch, w->name, ends[1]);
	}
	fd_close(&ends[1]);
	if (w->pid < 0) {
		int rc = err_sys(e, "start a process for %s", w->name);

		fd_close(&ends[0]);
		w->pid = 0;
		return rc;
	}
	w->report = ends[0];
	c->next++;
	c->working++;
	return 0;
}

/* One failure among several; what they have in common becomes the exit status. */
static void note(struct crew *c, const struct err *e)
{
	int exit = e->exit ? e->exit : c->batch->failure ? c->batch->failure : 1;

	c->exit = !c->failed || c->exit == exit ? exit : 1;
	c->failed++;
	c->batch->failed(e, c->batch->failed_arg);
}

static void end(struct crew *c, struct worker *w)
{
	struct report r;
	int status = 0, told = fd_read_all(w->report, &r, sizeof(r)) == 0;

	fd_close(&w->report);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	w->pid = 0;
	c->working--;
	if (!told) {
		r.e = ERR_NONE;
		r.rc = err_set(&r.e, -ECANCELED, "%s: was given up%s%s", w->name,
			       WIFSIGNALED(status) ? ": " : "",
			       WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "");
	}
	if (r.rc > 0)
		c->exit = c->exit && c->exit != r.rc ? 1 : r.rc;
	if (r.rc < 0 && !c->signo)
		note(c, &r.e);
}

static void take_signal(struct crew *c)
{
	struct signalfd_siginfo si;

	if (fd_read(c->sigfd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	c->signo = (int)si.ssi_signo;
	for (size_t i = 0; i < BATCH_AT_ONCE; i++)
		if (c->at[i].pid > 0)
			kill(c->at[i].pid, c->signo);
}

static void wait_for_news(struct crew *c)
{
	struct pollfd p[BATCH_AT_ONCE + 1];

	for (size_t i = 0; i < BATCH_AT_ONCE; i++)
		p[i] = (struct pollfd){ c->at[i].pid > 0 ? c->at[i].report : -1, POLLIN, 0 };
	p[BATCH_AT_ONCE] = (struct pollfd){ c->sigfd, POLLIN, 0 };
	if (poll(p, COUNT(p), -1) < 0)
		return;
	if (p[BATCH_AT_ONCE].revents)
		take_signal(c);
	for (size_t i = 0; i < BATCH_AT_ONCE; i++)
		if (c->at[i].pid > 0 && p[i].revents)
			end(c, &c->at[i]);
}

static struct worker *free_place(struct crew *c)
{
	struct worker *w = c->at;

	while (w->pid > 0)
		w++;
	return w;
}

static void run(struct crew *c)
{
	while (c->working > 0 || (c->next < c->names->count && !c->signo)) {
		if (c->next < c->names->count && c->working < BATCH_AT_ONCE && !c->signo) {
			struct err e = ERR_NONE;

			if (begin(c, free_place(c), &e) == 0)
				continue;
			if (c->working ==
			    0) { /* nothing will become free: it is this one's failure */
				note(c, &e);
				c->next++;
				continue;
			}
		}
		wait_for_news(c);
	}
}

static int hold_signals(struct crew *c, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &c->before);
	c->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return c->sigfd < 0 ? err_sys(e, "hold signals") : 0;
}

int batch_run(const struct batch *b, const struct names *n, struct err *e)
{
	struct crew c = { .batch = b, .names = n, .sigfd = -1 };
	int rc;

	if (n->count == 1)
		return b->one(n->name[0], b->arg, e);
	rc = hold_signals(&c, e);
	if (rc == 0)
		run(&c);
	fd_close(&c.sigfd);
	sigprocmask(SIG_SETMASK, &c.before, NULL);
	if (c.signo) {
		rc = err_set(e, -EINTR, "was ended: %s", strsignal(c.signo));
		e->exit = 128 + c.signo;
	}
	return rc < 0 ? rc : c.exit;
}
