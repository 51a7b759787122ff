/*
 * runner - one command in an emulated KVM host, as if it ran here.
 *
 *	runner QEMU KERNEL FROZEN CLOCK STAGE OUT SILENCE TERMINAL CMD ARG...
 *
 * FROZEN is the folder with the host as freezer left it; STAGE a cpio archive for its root; OUT the
 * folder that gets /lab/out and console.log; SILENCE the seconds without a heartbeat after which
 * the host is given up; TERMINAL 1 gives CMD a terminal. test/lab/lab.sh calls it.
 *
 * The end is in order: streams complete, /lab/out unpacked, WIRE_BYE, QEMU gone. Every other end
 * of QEMU is exit status 125 with the reason and the last lines of the console. Stopping a reader
 * early is passed on as WIRE_HANGUP, so that CMD meets the broken pipe it would have met here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/spawn.h"
#include "base/util.h"
#include "machine.h"
#include "pump.h"
#include "wire.h"

enum {
	STATUS_LAB_FAILED = 125,
	TICK_MS = 1000,
};

struct runner {
	struct loop loop;
	struct machine machine;
	struct watch qemu_end;
	struct wire wire;
	struct timer tick;
	struct pump in, out, err, files;
	char **argv;	     /* the command; borrowed */
	const char *out_dir; /* borrowed */
	uint32_t silence;    /* seconds without a heartbeat that are allowed */
	uint64_t silent_ms;  /* since the last word */
	uint64_t starved_ms; /* machine_starved_ms() at the last tick */
	int on_terminal;
	int is_raw;
	struct termios cooked; /* what to restore while is_raw */
	int up, exited, bye;   /* how far it has come */
	int signals;		/* how many asked it to end */
	int status;
	pid_t tar;
};

#define OF_LOOP(l) CONTAINER(l, struct runner, loop)

/* ---- ends ---- */

static void restore_terminal(struct runner *r)
{
	if (r->is_raw)
		tcsetattr(0, TCSADRAIN, &r->cooked);
	r->is_raw = 0;
}

/* The lab itself failed: what became of the command is unknown. */
static void fail(struct runner *r, const char *why)
{
	machine_kill(&r->machine);
	if (r->tar > 0)
		kill(r->tar, SIGKILL); /* it would complain of half an archive */
	restore_terminal(r);
	fprintf(stderr, "lab: %s\n", why);
	machine_print_console(&r->machine);
	loop_stop(&r->loop, STATUS_LAB_FAILED);
}

static void end_if_complete(struct runner *r)
{
	int tar_status;

	if (!r->exited || r->bye || r->out.state == PUMP_MOVING || r->err.state == PUMP_MOVING ||
	    r->files.state == PUMP_MOVING)
		return;
	waitpid(r->tar, &tar_status, 0);
	if (tar_status != 0) {
		fail(r, "/lab/out could not be unpacked");
		return;
	}
	r->bye = 1;
	wire_numbers(&r->wire, WIRE_BYE, 0, 0);
}

static void qemu_ended(struct watch *w, uint32_t events)
{
	struct runner *r = CONTAINER(w, struct runner, qemu_end);
	char how[64], why[128];

	(void)events;
	loop_del(&r->loop, w);
	machine_obituary(&r->machine, how, sizeof(how));
	if (r->bye) {
		loop_stop(&r->loop, r->status);
		return;
	}
	pump_drain(&r->out);
	pump_drain(&r->err);
	snprintf(why, sizeof(why), "the emulated host died: %s; its console:", how);
	fail(r, why);
}

/* What of a tick the emulator could have used: on a busy host it may get its turn late, and its
 * clock, which counts instructions, then stands. */
static uint64_t own_ms(struct runner *r)
{
	uint64_t starved = machine_starved_ms(&r->machine), of_tick = starved - r->starved_ms;

	r->starved_ms = starved;
	return of_tick < TICK_MS ? TICK_MS - of_tick : 0;
}

/* Counts its own ticks, not the clock: after a suspend of this machine nobody was late. */
static void ticked(struct timer *t)
{
	struct runner *r = CONTAINER(t, struct runner, tick);
	char why[96];

	r->silent_ms += own_ms(r);
	if (r->silent_ms <= (uint64_t)r->silence * 1000) {
		loop_after(&r->loop, t, TICK_MS);
		return;
	}
	snprintf(why, sizeof(why), "the emulated host %s (%u s); its console:",
		 r->up ? "stopped answering" : "does not go on", r->silence);
	machine_autopsy(&r->machine);
	fail(r, why);
}

/* ---- streams ---- */

static void out_done(struct pump *p)
{
	struct runner *r = CONTAINER(p, struct runner, out);

	if (p->state == PUMP_BROKEN)
		wire_numbers(&r->wire, WIRE_HANGUP, PORT_STDOUT, 0);
	end_if_complete(r);
}

static void err_done(struct pump *p)
{
	struct runner *r = CONTAINER(p, struct runner, err);

	if (p->state == PUMP_BROKEN)
		wire_numbers(&r->wire, WIRE_HANGUP, PORT_STDERR, 0);
	end_if_complete(r);
}

static void in_done(struct pump *p)
{
	struct runner *r = CONTAINER(p, struct runner, in);

	if (p->state == PUMP_ENDED)
		wire_numbers(&r->wire, WIRE_STREAM_END, PORT_STDIN, p->moved);
}

static void files_done(struct pump *p)
{
	end_if_complete(CONTAINER(p, struct runner, files));
}

/* Ownership, set-id bits, devices and the clock of the lab are not this host's: a counted clock
 * that skips idle time is soon ahead. tar itself refuses members that would land outside. */
static int unpack_into(struct runner *r, struct err *e)
{
	const char *const argv[] = {
		"tar", "--no-same-owner", "--no-same-permissions", "--warning=no-timestamp",
		"-C",  r->out_dir,	  "-xf",		   "-",
		NULL
	};
	int pipe[2];

	if (pipe2(pipe, O_CLOEXEC) < 0)
		return err_sys(e, "pipe to tar");
	r->tar = spawn(
		&(struct spawn){
			.path = argv[0],
			.argv = (char *const *)argv,
			.fds = (const struct fdmap[]){ { pipe[0], 0 } },
			.nfds = 1,
		},
		NULL);
	close(pipe[0]);
	if (r->tar < 0)
		return err_set(e, (int)r->tar, "start tar: %s", strerror(-r->tar));
	pump_open(&r->files, &r->loop, pipe[1], FROM_PORT, r->machine.port[PORT_FILES], files_done);
	return 0;
}

static int open_streams(struct runner *r, struct err *e)
{
	int rc = unpack_into(r, e);

	if (rc < 0)
		return rc;
	pump_open(&r->out, &r->loop, 1, FROM_PORT, r->machine.port[PORT_STDOUT], out_done);
	pump_open(&r->err, &r->loop, fcntl(2, F_DUPFD_CLOEXEC, 3), FROM_PORT,
		  r->machine.port[PORT_STDERR], err_done);
	return 0;
}

static struct pump *pump_of(struct runner *r, uint64_t port)
{
	return port == PORT_STDOUT ? &r->out : port == PORT_STDERR ? &r->err : &r->files;
}

/* ---- the conversation ---- */

static void make_raw(struct runner *r)
{
	struct termios raw;

	if (tcgetattr(0, &r->cooked) < 0)
		return;
	raw = r->cooked;
	cfmakeraw(&raw);
	tcsetattr(0, TCSADRAIN, &raw);
	r->is_raw = 1;
}

static struct winsize terminal_size(void)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	ioctl(0, TIOCGWINSZ, &size);
	return size;
}

/* What no two labs may have in common, though they were frozen as one. */
static int send_difference(struct runner *r, struct err *e)
{
	struct timespec now;
	uint64_t seed[2];

	if (getrandom(seed, sizeof(seed), 0) < 0)
		return err_sys(e, "a seed for the lab");
	clock_gettime(CLOCK_REALTIME, &now);
	wire_numbers(&r->wire, WIRE_CLOCK, (uint64_t)now.tv_sec, (uint64_t)now.tv_nsec);
	wire_numbers(&r->wire, WIRE_SEED, seed[0], seed[1]);
	return 0;
}

/* The command's world is the lab's, but for what its terminal can do. */
static void send_environment(struct runner *r)
{
	const char *term = getenv("TERM");
	char text[128];

	wire_text(&r->wire, WIRE_ENV,
		  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	wire_text(&r->wire, WIRE_ENV, "HOME=/root");
	wire_text(&r->wire, WIRE_ENV, "USER=root");
	wire_text(&r->wire, WIRE_ENV, "LAB=tcg");
	snprintf(text, sizeof(text), "TERM=%s", term ? term : "dumb");
	wire_text(&r->wire, WIRE_ENV, text);
}

static void send_command(struct runner *r)
{
	struct winsize size = r->on_terminal ? terminal_size() : (struct winsize){ 0 };

	send_environment(r);
	for (char **arg = r->argv; *arg; arg++)
		wire_text(&r->wire, WIRE_ARG, *arg);
	wire_numbers(&r->wire, WIRE_RUN, size.ws_row, size.ws_col);
	if (r->on_terminal)
		make_raw(r);
	pump_open(&r->in, &r->loop, 0, TO_PORT, r->machine.port[PORT_STDIN], in_done);
}

static void lab_gave_up(struct runner *r, const struct frame *f)
{
	char why[512];

	snprintf(why, sizeof(why), "the emulated host gave up: %.*s; its console:", (int)f->len,
		 (const char *)f->data);
	fail(r, why);
}

static void heard(struct wire *w, const struct frame *f)
{
	struct runner *r = CONTAINER(w, struct runner, wire);
	uint64_t a, b;

	r->silent_ms = 0;
	wire_read(f, &a, &b);
	switch (f->type) {
	case WIRE_ALIVE:
		r->up = 1;
		break;
	case WIRE_STREAM_END:
		pump_set_total(pump_of(r, a), b);
		break;
	case WIRE_HANGUP:
		pump_close(&r->in, PUMP_BROKEN);
		break;
	case WIRE_EXIT:
		r->exited = 1;
		r->status = (int)a;
		end_if_complete(r);
		break;
	case WIRE_FAILED:
		lab_gave_up(r, f);
		break;
	default:
		fail(r, "the emulated host said something unknown; its console:");
	}
}

static void lost(struct wire *w, int rc)
{
	(void)rc;
	wire_close(w); /* QEMU is ending: its pidfd says how */
}

/* The first one is for the command; whoever asks again means the lab. */
static void asked_to_end(struct runner *r, int sig)
{
	if (r->signals++ == 0) {
		wire_numbers(&r->wire, WIRE_SIGNAL, (uint64_t)sig, 0);
		return;
	}
	machine_kill(&r->machine);
	loop_stop(&r->loop, 128 + sig);
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct runner *r = OF_LOOP(l);
	struct winsize size;

	switch (si->ssi_signo) {
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
	case SIGQUIT:
		asked_to_end(r, (int)si->ssi_signo);
		break;
	case SIGWINCH:
		size = terminal_size();
		if (r->on_terminal)
			wire_numbers(&r->wire, WIRE_RESIZE, size.ws_row, size.ws_col);
		break;
	}
}

/* ---- start ---- */

/* Room for the whole argument list at once: it is sent before the lab answers. */
static int open_wire(struct runner *r, struct err *e)
{
	size_t cap = 1 << 16;
	uint8_t *in, *out;
	int rc;

	for (char **arg = r->argv; *arg; arg++)
		cap += FRAME_HEADER + strlen(*arg);
	in = malloc(1 << 16);
	out = malloc(cap);
	if (!in || !out)
		return err_set(e, -ENOMEM, "no memory for the command's arguments");
	inbox_init(&r->wire.in, in, 1 << 16);
	fifo_init(&r->wire.out, out, cap);
	r->wire.heard = heard;
	r->wire.lost = lost;
	fd_nonblock(r->machine.port[PORT_CONTROL]);
	rc = wire_open(&r->wire, &r->loop, r->machine.port[PORT_CONTROL]);
	return rc < 0 ? err_set(e, rc, "the control port: %s", strerror(-rc)) : 0;
}

/* Fills in the console's place. */
static int start(struct runner *r, struct machine_parts *parts, struct err *e)
{
	char console[4096];
	int rc = loop_open(&r->loop);

	if (rc < 0)
		return err_set(e, rc, "event loop: %s", strerror(-rc));
	r->loop.signalled = signalled;
	snprintf(console, sizeof(console), "%s/console.log", r->out_dir);
	parts->console = console;
	rc = machine_thaw(&r->machine, parts, e);
	if (rc == 0)
		rc = open_wire(r, e);
	if (rc == 0)
		rc = send_difference(r, e);
	if (rc == 0)
		rc = open_streams(r, e);
	if (rc < 0)
		return rc;
	send_command(r);
	r->qemu_end = (struct watch){ r->machine.pidfd, qemu_ended };
	loop_add(&r->loop, &r->qemu_end, EPOLLIN);
	r->tick.due = ticked;
	loop_after(&r->loop, &r->tick, TICK_MS);
	return 0;
}

int main(int argc, char **argv)
{
	struct runner r = { .loop = LOOP_INIT, .machine = MACHINE_INIT };
	struct err e = ERR_NONE;
	struct machine_parts parts;
	int status;

	if (argc < 10) {
		fprintf(stderr,
			"usage: runner QEMU KERNEL FROZEN CLOCK STAGE OUT SILENCE TERMINAL CMD ARG...\n");
		return 2;
	}
	parts = (struct machine_parts){
		.emulator = argv[1],
		.kernel = argv[2],
		.folder = argv[3],
		.stage = argv[5],
	};
	r.out_dir = argv[6];
	r.on_terminal = argv[8][0] == '1';
	r.argv = argv + 9;
	if (parse_u32(&r.silence, "LAB_SILENCE", argv[7], 1, 86400, &e) < 0 ||
	    machine_clock_parse(&parts.clock, argv[4], &e) < 0) {
		fprintf(stderr, "lab: %s\n", e.text);
		return e.exit;
	}
	if (start(&r, &parts, &e) < 0) {
		machine_kill(&r.machine);
		fprintf(stderr, "lab: %s\n", e.text);
		return STATUS_LAB_FAILED;
	}
	status = loop_run(&r.loop);
	machine_kill(&r.machine);
	restore_terminal(&r);
	return status;
}
