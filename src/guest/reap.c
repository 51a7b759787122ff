/*
 * reap - the one waiter: each ended process's status goes to its owner, exactly once.
 */
#include "guest/reap.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

void reap_init(struct reap *r)
{
	/* An ignored SIGCHLD is inherited through exec and makes the kernel drop statuses. */
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	*r = (struct reap){ 0 };
	sigaction(SIGCHLD, &dfl, NULL);
}

void reap_add(struct reap *r, struct child *c, pid_t pid)
{
	c->pid = pid;
	c->next = r->children;
	r->children = c;
}

void reap_del(struct reap *r, struct child *c)
{
	for (struct child **p = &r->children; *p; p = &(*p)->next) {
		if (*p == c) {
			*p = c->next;
			break;
		}
	}
	c->pid = 0;
}

static void hand_over(struct reap *r, struct child *c, struct exec_status s)
{
	reap_del(r, c);
	c->ended(c, &s);
}

static struct child *owner_of(const struct reap *r, pid_t pid)
{
	struct child *c = r->children;

	while (c && c->pid != pid)
		c = c->next;
	return c;
}

void reap_collect(struct reap *r)
{
	siginfo_t si;
	int rc;

	/* One SIGCHLD may stand for many: they do not queue. */
	while (si.si_pid = 0, (rc = waitid(P_ALL, 0, &si, WEXITED | WNOHANG)) == 0 && si.si_pid) {
		struct child *c = owner_of(r, si.si_pid);

		if (c)
			hand_over(r, c, exec_status_from_wait(si.si_code, si.si_status));
	}
	if (rc == 0 || errno != ECHILD)
		return;
	/* Nothing is left to wait for, so who still has an owner was taken by somebody else. */
	while (r->children)
		hand_over(r, r->children, (struct exec_status){ .end = EXEC_LOST });
	if (r->childless)
		r->childless(r->arg);
}
