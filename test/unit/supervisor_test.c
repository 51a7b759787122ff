/* Services beside the main process: who is started again, when, and who is not. */
#include "guest/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "check.h"

enum { PATIENCE_MS = 60000 };

static struct loop loop;
static struct reap reap;
static struct sessions *sessions;
static struct supervisor s;
static struct guest_desc d;
static struct info_service now[INFO_SERVICES_MAX];

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	(void)l;
	if (si->ssi_signo == SIGCHLD)
		reap_collect(&reap);
}

/* --- the loop, until something is so --- */

struct waiting {
	struct timer look;
	int (*is_so)(void);
	int64_t until_ms;
};

static void look_due(struct timer *t)
{
	struct waiting *w = CONTAINER(t, struct waiting, look);

	supervisor_info(&s, now);
	if (w->is_so() || clock_ms() > w->until_ms)
		loop_stop(&loop, 0);
	else
		loop_after(&loop, t, 5);
}

static int never(void)
{
	return 0;
}

static int comes(int (*is_so)(void), unsigned ms)
{
	struct waiting w = { { .due = look_due }, is_so, clock_ms() + ms };

	loop_after(&loop, &w.look, 0);
	loop_run(&loop);
	return is_so();
}

static int has_ended(void)
{
	return now[0].state == INFO_SERVICE_ENDED;
}

static int none_runs(void)
{
	int running = 0;

	for (uint32_t i = 0; i < s.count; i++)
		running |= now[i].state == INFO_SERVICE_RUNNING;
	return !running;
}

static int runs(void)
{
	return now[0].state == INFO_SERVICE_RUNNING;
}

static int waits(void)
{
	return now[0].state == INFO_SERVICE_WAITING;
}

static int was_started_thrice(void)
{
	return now[0].starts >= 3;
}

/* --- services --- */

static char count_file[] = "/tmp/supervisor_test.XXXXXX";

/* Runs a line of sh; how often it ran, and this is the n-th, stands in $n. */
static struct desc_service service(const char *name, enum desc_restart restart, const char *line)
{
	static char script[4][256];
	static unsigned turn;
	char *mine = script[turn++ % COUNT(script)];

	snprintf(mine, sizeof(script[0]), "echo >>%s; n=$(wc -l <%s); %s", count_file, count_file,
		 line);
	return (struct desc_service){ name, (uint8_t)restart, "", 3, { "/bin/sh", "-c", mine } };
}

static int begin(struct desc_service one, struct err *e)
{
	CHECK(truncate(count_file, 0) == 0);
	guest_desc_init(&d);
	d.services[d.nservices++] = one;
	return supervisor_begin(&s, &loop, sessions, &d, e);
}

static void end(void)
{
	supervisor_stop(&s);
	sessions_signal(sessions, SIGKILL);
	CHECK(comes(none_runs, PATIENCE_MS));
	supervisor_close(&s);
}

static void one_that_fails_stays_down(void)
{
	struct err e = ERR_NONE;

	CHECK(begin(service("db", RESTART_ON_FAILURE, "[ $n -ge 3 ]"), &e) == 0);
	CHECK(comes(has_ended, PATIENCE_MS));
	CHECK(now[0].starts == 3 && exec_status_code(&now[0].status) == 0);
	CHECK(!strcmp(now[0].name, "db"));
	end();
}

static void one_that_a_signal_ends_stays_down(void)
{
	struct err e = ERR_NONE;

	CHECK(begin(service("db", RESTART_ON_FAILURE, "[ $n -ge 2 ] || kill -9 $$"), &e) == 0);
	CHECK(comes(has_ended, PATIENCE_MS));
	CHECK(now[0].starts == 2);
	end();
}

static void one_that_has_done_its_work_is_started_again(void)
{
	struct err e = ERR_NONE;

	CHECK(begin(service("db", RESTART_ON_FAILURE, "exit 0"), &e) == 0);
	CHECK(comes(has_ended, PATIENCE_MS) && now[0].starts == 1);
	end();
}

static void one_that_is_not_to_be_is_started_again(void)
{
	struct err e = ERR_NONE;

	CHECK(begin(service("db", RESTART_NO, "exit 7"), &e) == 0);
	CHECK(comes(has_ended, PATIENCE_MS) && now[0].starts == 1);
	CHECK(exec_status_code(&now[0].status) == 7 && now[0].pid == 0);
	end();
}

static void one_that_is_always_to_run_stays_down(void)
{
	struct err e = ERR_NONE;

	CHECK(begin(service("db", RESTART_ALWAYS, "[ $n -lt 3 ] || exec sleep 600"), &e) == 0);
	CHECK(comes(was_started_thrice, PATIENCE_MS) && comes(runs, PATIENCE_MS));
	CHECK(now[0].pid > 1 && kill((pid_t)now[0].pid, 0) == 0);
	end();
}

/* The second wait is twice the first. */
static void one_that_always_fails_is_a_busy_loop(void)
{
	struct err e = ERR_NONE;
	int64_t since = clock_ms();

	CHECK(begin(service("db", RESTART_ALWAYS, "exit 1"), &e) == 0);
	CHECK(comes(was_started_thrice, PATIENCE_MS));
	CHECK(clock_ms() - since >= 3 * SUPERVISED_FIRST_MS);
	CHECK(comes(waits, PATIENCE_MS) && exec_status_code(&now[0].status) == 1);
	end();
}

static void one_is_started_again_while_the_guest_ends(void)
{
	struct err e = ERR_NONE;

	CHECK(begin(service("db", RESTART_ALWAYS, "exec sleep 600"), &e) == 0);
	CHECK(comes(runs, PATIENCE_MS));
	supervisor_stop(&s);
	sessions_signal(sessions, SIGTERM);
	CHECK(comes(has_ended, PATIENCE_MS));
	comes(never, 2 * SUPERVISED_FIRST_MS);
	CHECK(now[0].starts == 1 && exec_status_code(&now[0].status) == 143);
	end();
}

static void one_that_is_not_there_keeps_the_others_out(void)
{
	struct err e = ERR_NONE;

	CHECK(truncate(count_file, 0) == 0);
	guest_desc_init(&d);
	d.services[d.nservices++] =
		(struct desc_service){ "no", RESTART_NO, "", 1, { "/no/such" } };
	d.services[d.nservices++] = service("db", RESTART_NO, "exec sleep 600");
	CHECK(supervisor_begin(&s, &loop, sessions, &d, &e) < 0);
	CHECK(strstr(e.text, "service no: ") && strstr(e.text, "/no/such"));
	CHECK(comes(has_ended, PATIENCE_MS) && exec_status_code(&now[0].status) == 127);
	CHECK(now[1].state == INFO_SERVICE_RUNNING);
	end();
}

/* Its session's id is always that of the one that runs. */
static void one_cannot_be_attached_to(void)
{
	struct err e = ERR_NONE;
	struct session *mine;

	CHECK(begin(service("db", RESTART_ALWAYS, "[ $n -lt 3 ] || exec sleep 600"), &e) == 0);
	CHECK(comes(was_started_thrice, PATIENCE_MS) && comes(runs, PATIENCE_MS));
	mine = session_find(sessions, "service-db");
	CHECK(mine && (uint32_t)session_pid(mine) == now[0].pid);
	end();
}

int main(void)
{
	static const struct session_options options = { .vm = "", .boot = "" };

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	close(mkstemp(count_file));
	loop = LOOP_INIT;
	loop_open(&loop);
	loop.signalled = signalled;
	reap_init(&reap);
	sessions = sessions_open(&loop, &reap, &options);
	TEST(one_that_fails_stays_down);
	TEST(one_that_a_signal_ends_stays_down);
	TEST(one_that_has_done_its_work_is_started_again);
	TEST(one_that_is_not_to_be_is_started_again);
	TEST(one_that_is_always_to_run_stays_down);
	TEST(one_that_always_fails_is_a_busy_loop);
	TEST(one_is_started_again_while_the_guest_ends);
	TEST(one_that_is_not_there_keeps_the_others_out);
	TEST(one_cannot_be_attached_to);
	unlink(count_file);
	return check_done();
}
