/* Statuses reach their owners, once; what was lost is never taken for success. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "check.h"
#include "guest/reap.h"

enum { MANY = 200 };

struct owner {
	struct child child;
	struct exec_status status;
	int times;
};

static void ended(struct child *c, const struct exec_status *s)
{
	struct owner *o = CONTAINER(c, struct owner, child);

	CHECK(c->pid == 0);
	o->status = *s;
	o->times++;
}

static pid_t start(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	return pid;
}

/* Until the process is a zombie, without taking its status. */
static void wait_for_end(pid_t pid)
{
	siginfo_t si;

	waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT);
}

static void a_status_reaches_another(void)
{
	static struct owner owners[MANY];
	pid_t pids[MANY];
	struct reap r;

	reap_init(&r);
	for (int i = 0; i < MANY; i++) {
		owners[i].child.ended = ended;
		pids[i] = start(i);
		reap_add(&r, &owners[i].child, pids[i]);
	}
	for (int i = 0; i < MANY; i++)
		wait_for_end(pids[i]);
	reap_collect(&r);
	reap_collect(&r);
	for (int i = 0; i < MANY; i++)
		CHECK(owners[i].times == 1 && owners[i].status.end == EXEC_EXITED &&
		      owners[i].status.value == (uint32_t)i);
	CHECK(!r.children);
}

static void a_stolen_status_is_success(void)
{
	struct owner o = { .child.ended = ended };
	struct reap r;
	pid_t pid;

	reap_init(&r);
	pid = start(0);
	reap_add(&r, &o.child, pid);
	CHECK(waitpid(pid, NULL, 0) == pid);
	reap_collect(&r);
	CHECK(o.times == 1 && o.status.end == EXEC_LOST && exec_status_code(&o.status) != 0);
}

static void an_ignored_SIGCHLD_loses_statuses(void)
{
	struct owner o = { .child.ended = ended };
	struct reap r;
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	reap_init(&r);
	pid = start(3);
	reap_add(&r, &o.child, pid);
	wait_for_end(pid);
	reap_collect(&r);
	CHECK(o.times == 1 && o.status.end == EXEC_EXITED && o.status.value == 3);
}

static int childless_calls;

static void childless(void *arg)
{
	CHECK(arg == &childless_calls);
	childless_calls++;
}

static void orphans_stay_or_disturb(void)
{
	struct owner o = { .child.ended = ended };
	struct reap r;
	pid_t pid;

	/* As in PID 1: grandchildren fall to us. */
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	reap_init(&r);
	r.childless = childless;
	r.arg = &childless_calls;
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < MANY; i++)
			if (fork() == 0)
				_exit(1);
		_exit(42);
	}
	reap_add(&r, &o.child, pid);
	for (int i = 0; i < 1000 && childless_calls == 0; i++) {
		reap_collect(&r);
		usleep(1000);
	}
	CHECK(o.times == 1 && o.status.value == 42 && childless_calls == 1);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0);
}

static void a_deserted_child_calls_its_owner(void)
{
	struct owner o = { .child.ended = ended };
	struct reap r;
	pid_t pid;

	reap_init(&r);
	pid = start(0);
	reap_add(&r, &o.child, pid);
	reap_del(&r, &o.child);
	wait_for_end(pid);
	reap_collect(&r);
	CHECK(o.times == 0 && waitpid(-1, NULL, WNOHANG) < 0);
}

int main(void)
{
	TEST(a_status_reaches_another);
	TEST(a_stolen_status_is_success);
	TEST(an_ignored_SIGCHLD_loses_statuses);
	TEST(orphans_stay_or_disturb);
	TEST(a_deserted_child_calls_its_owner);
	return check_done();
}
