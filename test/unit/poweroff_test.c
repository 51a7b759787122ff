/*
 * The orderly end, with a machine that only writes down what is done to it: in which order, and
 * what a phase that does not end does to the next.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "check.h"
#include "guest/otherinit.h"
#include "guest/poweroff.h"
#include "heard.h"
#include "proto/ready.h"

/* What happens, also in the child that syncs. */
static struct story {
	char text[1024];
	int disk_hangs, asked;
} * story;

static void tell(const char *what)
{
	strcat(story->text, what);
	strcat(story->text, " ");
}

static struct loop loop;
static struct reap reap;
static struct poweroff p;
static pid_t victim; /* the only process of this guest; 0: none */
static unsigned session_count;
static int awaited;

static void fake_signal_all(int sig)
{
	tell(sig == SIGTERM ? "TERM" : "KILL");
	if (victim)
		kill(victim, sig);
}

static void fake_settle(void)
{
	while (story->disk_hangs)
		pause();
	tell("sync");
}

static int fake_reboot(int how)
{
	tell(how == RB_POWER_OFF ? "poweroff" : "reboot");
	loop_stop(&loop, 0);
	return -1;
}

static int fake_ask(void)
{
	story->asked++;
	return story->asked > 1 ? -1 : 0;
}

static const struct poweroff_ops fake = { fake_signal_all, fake_settle, fake_reboot, fake_ask };

static void begins(struct poweroff *x)
{
	(void)x;
	tell("begins");
}

static unsigned sessions(struct poweroff *x, int sig)
{
	(void)x;
	if (sig)
		tell("sessions");
	return session_count;
}

static void stage(struct poweroff *x, const char *name, int state, const char *detail)
{
	(void)x, (void)detail;
	if (state == STAGE_FAILED) {
		tell(name);
		tell("failed");
	}
}

static void synced(struct poweroff *x, int settled)
{
	(void)x;
	tell(settled ? "synced" : "unsynced");
}

static int is_awaited(struct poweroff *x)
{
	(void)x;
	return awaited;
}

static const struct poweroff_events events = { begins, sessions, stage, synced, is_awaited };

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	(void)l;
	if (si->ssi_signo == SIGCHLD)
		reap_collect(&reap);
}

/* A process that ends on TERM, or one that does not. */
static pid_t start_victim(int stubborn)
{
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t all;

		signal(SIGTERM, stubborn ? SIG_IGN : SIG_DFL);
		sigfillset(&all);
		sigprocmask(SIG_UNBLOCK, &all, NULL);
		for (;;)
			pause();
	}
	return pid;
}

static const char *run(unsigned grace_ms)
{
	poweroff_init(&p, &loop, &reap, &events);
	p.ops = &fake;
	CHECK(poweroff_begin(&p, RB_POWER_OFF, grace_ms) == 0);
	CHECK(poweroff_begin(&p, RB_AUTOBOOT, 0) == 0); /* the first one stands */
	loop_run(&loop);
	return story->text;
}

static void reset(void)
{
	memset(story, 0, sizeof(*story));
	victim = 0;
	session_count = 0;
	awaited = 0;
	reap_init(&reap);
}

static void an_empty_guest_takes_time(void)
{
	int64_t began = clock_ms();

	reset();
	CHECK(!strcmp(run(5000), "begins TERM sync synced poweroff "));
	CHECK(clock_ms() - began < 1000);
}

static void a_process_is_killed_that_would_end(void)
{
	reset();
	victim = start_victim(0);
	CHECK(!strcmp(run(5000), "begins TERM sync synced poweroff "));
}

static void a_stubborn_process_holds_the_power(void)
{
	reset();
	victim = start_victim(1);
	CHECK(!strcmp(run(100), "begins TERM term failed KILL sync synced poweroff "));
}

static void sessions_end_after_what_they_use(void)
{
	int64_t began = clock_ms();

	reset();
	session_count = 1; /* and it does not end: they have half a second */
	victim = start_victim(0);
	CHECK(!strcmp(run(5000), "begins sessions sessions failed TERM sync synced poweroff "));
	CHECK(clock_ms() - began < 3000);
}

static void a_hung_disk_holds_the_power_or_is_called_synced(void)
{
	int64_t began = clock_ms();

	reset();
	story->disk_hangs = 1;
	CHECK(!strcmp(run(100), "begins TERM sync failed unsynced poweroff "));
	CHECK(clock_ms() - began < 6000);
	kill(p.sync.pid, SIGKILL);
	waitpid(p.sync.pid, NULL, 0);
}

static void somebody_who_never_closes_holds_the_power(void)
{
	int64_t began = clock_ms();

	reset();
	awaited = 1;
	CHECK(!strcmp(run(100), "begins TERM sync synced poweroff "));
	CHECK(heard("the kernel refused")); /* as this fake one does */
	CHECK(clock_ms() - began >= 900);
}

static void power_that_is_anothers_is_ours(void)
{
	reset();
	poweroff_init(&p, &loop, &reap, &events);
	p.ops = &fake;
	p.others = 1;
	CHECK(poweroff_begin(&p, RB_POWER_OFF, 0) == 0);
	CHECK(poweroff_begin(&p, RB_POWER_OFF, 0) < 0); /* as its init says */
	CHECK(story->asked == 2 && story->text[0] == '\0');
}

static void an_init_is_asked_in_anothers_words(void)
{
	static const struct {
		const char *exe;
		int has_systemd;
		const char *name;
		int sig;
	} cases[] = {
		{ "/usr/lib/systemd/systemd", 1, "systemd", 38 },
		{ "", 1, "systemd", 38 },
		{ "/bin/busybox", 0, "busybox", SIGUSR2 },
		{ "/usr/bin/vmtool", 0, "vmtool", SIGUSR2 },
		{ "/sbin/init", 0, "poweroff", 0 },
		{ "/sbin/openrc-init", 0, "poweroff", 0 },
		{ "", 0, "poweroff", 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct otherinit *o = otherinit_of(cases[i].exe, cases[i].has_systemd);

		if (strcmp(o->name, cases[i].name) || o->signal != cases[i].sig)
			printf("# %s\n", cases[i].exe);
		CHECK(!strcmp(o->name, cases[i].name) && o->signal == cases[i].sig);
	}
}

int main(void)
{
	story = mmap(NULL, sizeof(*story), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	loop = LOOP_INIT;
	loop_open(&loop);
	loop.signalled = signalled;
	heard_begin();
	TEST(an_empty_guest_takes_time);
	TEST(a_process_is_killed_that_would_end);
	TEST(a_stubborn_process_holds_the_power);
	TEST(sessions_end_after_what_they_use);
	TEST(a_hung_disk_holds_the_power_or_is_called_synced);
	TEST(somebody_who_never_closes_holds_the_power);
	TEST(power_that_is_anothers_is_ours);
	TEST(an_init_is_asked_in_anothers_words);
	return check_done();
}
