/*
 * fakevm NAME [STOP_MS [late]] - a VM without a machine, for tests of the words: its lock is held, its
 * state is told, its agent.sock is answered, all by the code that vmtool's agent is made of.
 *
 * It prints "up" once it runs, and is driven by lines on its standard input:
 *	up|down CONDITION	agent_up or vm_alive: state.json and an event
 *	events N		so many events
 *	exit REASON [STATUS]	its end, as the agent would tell it
 *	die			no word to anybody, as after kill -9
 * A stop takes STOP_MS (default 0). One that is late says "locked" first, and writes its state once a line has come:
 * "up", or "no" for a start that comes to nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/control.h"
#include "host/mend.h"
#include "host/sockets.h"
#include "host/state.h"
#include "host/timeline.h"

static struct home home = { .vms = -1 };
static struct vmref vm = { .dir = -1, .lock = -1 };
static struct state st = { .state = VM_RUNNING, .ready = 1 };
static struct sockets sockets;
static struct loop loop;
static struct timeline tl;
static struct control control;
static struct timer stopping;
static struct watch input;
static unsigned stop_ms;
static char line[256];
static size_t have;

static void must(int rc, const struct err *e)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "fakevm: %s\n", e->text[0] ? e->text : strerror(-rc));
	exit(1);
}

static void write_state(void)
{
	struct err e = ERR_NONE;

	st.ready = st.state == VM_RUNNING && conditions_hold(&st.conditions);
	if (state_write(&st, &vm, &e) < 0) /* a full disk ends no VM: agent_enter_anyway() */
		fprintf(stderr, "fakevm: %s\n", e.text);
}

static void end(const char *reason, int has_status, int status)
{
	struct timeline_end x = {
		.reason = reason, .detail = "", .has_status = has_status, .status = status, .ran = 1
	};

	st.state = !strcmp(reason, "panic") || !strcmp(reason, "vmm_crash") ? VM_FAILED
									    : VM_STOPPED;
	snprintf(st.reason, sizeof(st.reason), "%s", reason);
	st.has_status = has_status;
	st.status = status;
	conditions_drop(&st.conditions, reason);
	st.sockets[0] = '\0';
	write_state();
	timeline_exit(&tl, &x);
	loop_stop(&loop, 0);
}

static void stop_due(struct timer *t)
{
	(void)t;
	end("killed", 0, 0);
}

static void event_kept(struct timeline *t)
{
	(void)t;
	control_events(&control);
}

static void request(struct client *c, const json_t *r)
{
	const char *op = json_string_value(json_object_get(r, "op"));
	struct err e = ERR_NONE;

	if (op && strcmp(op, "events") == 0) {
		client_stream(c, eventstream_open(&vm, (uint64_t)json_integer_value(json_object_get(
								       r, "since")),
						  json_is_true(json_object_get(r, "follow")), &e));
		return;
	}
	if (!op || strcmp(op, "stop") != 0) {
		client_answer(c, json_pack("{s:b, s:s}", "ok", 0, "error", "not of a fake"));
		return;
	}
	client_waits(c);
	st.state = VM_STOPPING;
	write_state();
	loop_after(&loop, &stopping, stop_ms);
}

static void set(const char *name, int value)
{
	struct condition *c = conditions_find(&st.conditions, name);

	if (c)
		condition_turn(c, value, "it was told so");
	write_state();
	timeline_condition(&tl, name, value, "the test said so");
}

static void obey(char *text)
{
	char *word = strtok(text, " "), *arg = strtok(NULL, " "), *more = strtok(NULL, " ");

	if (!word)
		return;
	if (!strcmp(word, "die"))
		_exit(0);
	if (!strcmp(word, "exit"))
		end(arg, more != NULL, more ? atoi(more) : 0);
	else if (!strcmp(word, "events"))
		for (int n = atoi(arg); n > 0; n--)
			timeline_agent(&tl, "guest", "back");
	else
		set(arg, !strcmp(word, "up"));
}

static void input_ready(struct watch *w, uint32_t events)
{
	ssize_t n = fd_read(w->fd, line + have, sizeof(line) - have);
	char *nl;

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		loop_del(&loop, w);
		return;
	}
	have += (size_t)n;
	while ((nl = memchr(line, '\n', have))) {
		size_t len = (size_t)(nl - line) + 1;
		char text[sizeof(line)];

		memcpy(text, line, len);
		text[len - 1] = '\0';
		have -= len;
		memmove(line, nl + 1, have);
		obey(text);
	}
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	(void)l;
	if (si->ssi_signo == MEND_SIG)
		write_state();
}

/* Where a start is between its lock and its first state. */
static void come_late(void)
{
	char word[8];

	setvbuf(stdin, NULL, _IONBF, 0); /* what follows is the loop's */
	puts("locked");
	fflush(stdout);
	if (!fgets(word, sizeof(word), stdin) || strcmp(word, "up\n") != 0)
		exit(1);
}

static void begin(const char *name, int late)
{
	struct err e = ERR_NONE;
	int fd;

	sockets = SOCKETS_NONE;
	loop = LOOP_INIT;
	tl = TIMELINE_NONE;
	control = CONTROL_NONE;
	must(home_open(&home, 1, &e), &e);
	must(store_own(&vm, &home, name, &e), &e);
	if (late)
		come_late();
	must(loop_open(&loop), &e);
	loop.signalled = signalled;
	must(sockets_open(&sockets, &home, name, &e), &e);
	fd = sockets_listen(&sockets, "agent.sock", &e);
	must(fd, &e);
	must(control_start(&control, &loop, fd, request), &e);
	conditions_init(&st.conditions);
	for (enum condition_id i = VM_ALIVE; i <= AGENT_UP; i++) {
		st.conditions.list[i].gates = 1;
		condition_turn(&st.conditions.list[i], 1, "it was told so");
	}
	must(procid_of(&st.agent, getpid()), &e);
	snprintf(st.sockets, sizeof(st.sockets), "%s", sockets.path);
	snprintf(st.boot, sizeof(st.boot), "00000000-0000-4000-8000-%012d", (int)getpid());
	host_boot_id(st.host_boot);
	clock_rfc3339(st.started);
	st.started_ms = clock_ms();
	must(timeline_open(&tl, &vm, st.boot, st.started_ms, &e), &e);
	tl.kept = event_kept;
	write_state();
	timeline_ready(&tl);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	stop_ms = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	stopping.due = stop_due;
	begin(argv[1], argc > 3);
	input = (struct watch){ 0, input_ready };
	if (fd_nonblock(0) == 0)
		(void)loop_add(&loop, &input, EPOLLIN);
	puts("up");
	fflush(stdout);
	loop_run(&loop);
	sockets_remove(&sockets);
	store_close(&vm);
	control_tell_waiting(&control, json_pack("{s:b, s:s, s:b, s:i}", "ok", 1, "rung", "guest",
						 "synced", 1, "ms", (int)stop_ms));
	control_stop(&control);
	return 0;
}
