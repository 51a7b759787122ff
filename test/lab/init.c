/*
 * init - PID 1 of the emulated KVM host: runs one command for the runner, then powers off.
 *
 *	gathering   arguments arrive, WIRE_RUN ends them; the stage is unpacked from its disk
 *	running     the command's streams are pumped
 *	emptying    the command is gone and everything it left was killed; pipes run dry
 *	packing     /lab/out goes out as a tar stream
 *	leaving     WIRE_EXIT is sent; WIRE_BYE is the runner's word to power off
 *
 * next() is the one place that moves from one to the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/random.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"
#include "bringup.h"
#include "pump.h"
#include "wire.h"

/* Of the lab's own time, which a busy host makes long. */
enum { HEARTBEAT_MS = 100 };

enum phase { GATHERING, RUNNING, EMPTYING, PACKING, LEAVING };

/* Strings for exec: NULL-terminated, growing. */
struct words {
	char **at; /* owned, and each string */
	size_t n;
};

struct init {
	struct loop loop;
	struct wire wire;
	struct timer heartbeat;
	enum phase phase;
	struct words argv, envp;
	int port[PORT_END]; /* owned */
	int stage;	    /* owned: the disk with what the run brings along */
	int tty;	    /* the terminal's master, borrowed from `out`; -1: pipes */
	struct pump in, out, err, files;
	pid_t command, cpio, tar; /* 0 when not running */
	struct winsize size;	  /* of the command's terminal; zeros: it gets pipes */
	int asked;		  /* WIRE_RUN has come */
	int status;		  /* the command's, as a shell counts it */
};

#define OF_LOOP(l) CONTAINER(l, struct init, loop)

static void next(struct init *in);

/* Nothing can go on without this: tell whoever listens, and stop the machine. */
static void give_up(struct init *in, const char *why)
{
	fprintf(stderr, "lab: %s\n", why);
	if (in->wire.port.fd >= 0) {
		wire_text(&in->wire, WIRE_FAILED, why);
		fifo_write(&in->wire.out, in->wire.port.fd);
	}
	reboot(RB_POWER_OFF);
}

static void words_add(struct init *in, struct words *w, const void *text, size_t len)
{
	char **at = realloc(w->at, (w->n + 2) * sizeof(*at));
	char *copy = strndup(text, len);

	if (!at || !copy) {
		give_up(in, "no memory for the command's arguments");
		return;
	}
	w->at = at;
	w->at[w->n++] = copy;
	w->at[w->n] = NULL;
}

static int exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* ---- the command ---- */

static int enter_lab(void *arg)
{
	(void)arg;
	return chdir("/lab") < 0 ? errno : 0;
}

static int enter_lab_on_tty(void *arg)
{
	return ioctl(0, TIOCSCTTY, 0) < 0 ? errno : enter_lab(arg);
}

/* Starts it on these three. A failure is reported where a shell would: on its stderr, as 126 or 127. */
static void start(struct init *in, int input, int output, int error)
{
	const struct fdmap fds[] = { { input, 0 }, { output, 1 }, { error, 2 } };
	pid_t pid = spawn(
		&(struct spawn){
			.path = in->argv.at[0],
			.argv = in->argv.at,
			.envp = in->envp.at,
			.fds = fds,
			.nfds = COUNT(fds),
			.new_session = 1,
			.in_child = in->tty < 0 ? enter_lab : enter_lab_on_tty,
		},
		NULL);

	if (pid < 0) {
		dprintf(error, "lab: %s: %s\n", in->argv.at[0], strerror(-pid));
		in->status = pid == -ENOENT ? 127 : 126;
		pid = 0;
	}
	in->command = pid;
}

static void input_done(struct pump *p)
{
	struct init *in = CONTAINER(p, struct init, in);

	if (p->state == PUMP_BROKEN)
		wire_numbers(&in->wire, WIRE_HANGUP, PORT_STDIN, 0);
}

static void out_done(struct pump *p)
{
	struct init *in = CONTAINER(p, struct init, out);

	wire_numbers(&in->wire, WIRE_STREAM_END, PORT_STDOUT, p->moved);
	next(in);
}

static void err_done(struct pump *p)
{
	struct init *in = CONTAINER(p, struct init, err);

	wire_numbers(&in->wire, WIRE_STREAM_END, PORT_STDERR, p->moved);
	next(in);
}

static void run_on_pipes(struct init *in)
{
	int input[2], output[2], error[2];

	if (pipe2(input, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0 ||
	    pipe2(error, O_CLOEXEC) < 0) {
		give_up(in, "no pipes for the command");
		return;
	}
	start(in, input[0], output[1], error[1]);
	close(input[0]);
	close(output[1]);
	close(error[1]);
	pump_open(&in->in, &in->loop, input[1], FROM_PORT, in->port[PORT_STDIN], input_done);
	pump_open(&in->out, &in->loop, output[0], TO_PORT, in->port[PORT_STDOUT], out_done);
	pump_open(&in->err, &in->loop, error[0], TO_PORT, in->port[PORT_STDERR], err_done);
}

static void run_on_tty(struct init *in)
{
	int slave, input;

	if (openpty(&in->tty, &slave, NULL, NULL, &in->size) < 0) {
		give_up(in, "no terminal for the command");
		return;
	}
	input = fcntl(in->tty, F_DUPFD_CLOEXEC, 0);
	fcntl(in->tty, F_SETFD, FD_CLOEXEC);
	start(in, slave, slave, slave);
	close(slave);
	pump_open(&in->in, &in->loop, input, FROM_PORT, in->port[PORT_STDIN], input_done);
	pump_open(&in->out, &in->loop, in->tty, TO_PORT, in->port[PORT_STDOUT], out_done);
	wire_numbers(&in->wire, WIRE_STREAM_END, PORT_STDERR, 0); /* all of it is on stdout */
}

static void asked_to_run(struct init *in, unsigned rows, unsigned columns)
{
	if (in->asked || in->argv.n == 0) {
		give_up(in, "the runner asked to run nothing, or twice");
		return;
	}
	in->size = (struct winsize){ .ws_row = (unsigned short)rows,
				     .ws_col = (unsigned short)columns };
	in->asked = 1;
	next(in);
}

/* ---- what comes in, and /lab/out ---- */

/* Starts argv with fd as its descriptor `to`. */
static pid_t start_archiver(struct init *in, char *const argv[], int fd, int to)
{
	pid_t pid = spawn(
		&(struct spawn){
			.path = argv[0],
			.argv = argv,
			.fds = (const struct fdmap[]){ { fd, to } },
			.nfds = 1,
		},
		NULL);

	if (pid < 0)
		give_up(in, "the archive's program did not start");
	return pid;
}

/* What was read of it before the machine was frozen was another's, and what is read now is read once. */
static void unpack(struct init *in)
{
	static char *const argv[] = { "/bin/cpio", "-idmu", NULL };

	in->stage = open("/dev/vda", O_RDONLY | O_CLOEXEC);
	if (in->stage < 0 || ioctl(in->stage, BLKFLSBUF, 0) < 0) {
		give_up(in, "the stage's disk cannot be opened");
		return;
	}
	in->cpio = start_archiver(in, argv, in->stage, 0);
}

static void unpacked(struct init *in, int wait_status)
{
	in->cpio = 0;
	if (exit_status(wait_status) != 0)
		give_up(in, "cpio of the stage failed");
	ioctl(in->stage, BLKFLSBUF, 0);
	fd_close(&in->stage);
}

static void files_done(struct pump *p)
{
	struct init *in = CONTAINER(p, struct init, files);

	wire_numbers(&in->wire, WIRE_STREAM_END, PORT_FILES, p->moved);
	next(in);
}

static void pack(struct init *in)
{
	static char *const argv[] = { "/bin/tar", "-C", "/lab/out", "-cf", "-", ".", NULL };
	int pipe[2];

	if (pipe2(pipe, O_CLOEXEC) < 0) {
		give_up(in, "no pipe for an archive");
		return;
	}
	in->tar = start_archiver(in, argv, pipe[1], 1);
	close(pipe[1]);
	pump_open(&in->files, &in->loop, pipe[0], TO_PORT, in->port[PORT_FILES], files_done);
}

/* ---- moving on ---- */

static void next(struct init *in)
{
	if (in->phase == GATHERING && in->asked && in->cpio == 0) {
		in->phase = RUNNING;
		if (in->size.ws_row > 0)
			run_on_tty(in);
		else
			run_on_pipes(in);
	}
	if (in->phase == RUNNING && in->command == 0) {
		in->phase = EMPTYING;
		kill(-1, SIGKILL); /* so the pipes have an end and /lab/out stands still */
		pump_close(&in->in, PUMP_ENDED);
	}
	if (in->phase == EMPTYING && in->out.state != PUMP_MOVING && in->err.state != PUMP_MOVING) {
		in->phase = PACKING;
		pack(in);
	}
	if (in->phase == PACKING && in->tar == 0 && in->files.state != PUMP_MOVING) {
		in->phase = LEAVING;
		wire_numbers(&in->wire, WIRE_EXIT, (uint64_t)in->status, 0);
	}
}

static void reap(struct init *in)
{
	int wait_status;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
		if (pid == in->command) {
			in->command = 0;
			in->status = exit_status(wait_status);
		} else if (pid == in->cpio) {
			unpacked(in, wait_status);
		} else if (pid == in->tar) {
			in->tar = 0;
			if (exit_status(wait_status) != 0)
				give_up(in, "tar of /lab/out failed");
		}
	}
	next(in);
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	if (si->ssi_signo == SIGCHLD)
		reap(OF_LOOP(l));
}

/* ---- the runner's words ---- */

static void set_clock(struct init *in, uint64_t s, uint64_t ns)
{
	struct timespec now = { .tv_sec = (time_t)s, .tv_nsec = (long)ns };

	if (clock_settime(CLOCK_REALTIME, &now) < 0)
		give_up(in, "the clock cannot be set");
}

/* What the kernel drew before it was frozen, every lab has; what it draws from now on, this alone. */
static void seed_pool(struct init *in, uint64_t a, uint64_t b)
{
	/* struct rand_pool_info: bits, bytes, and these */
	uint32_t seed[] = { 128,	16, (uint32_t)(a >> 32), (uint32_t)a, (uint32_t)(b >> 32),
			    (uint32_t)b };
	int pool = open("/dev/urandom", O_RDWR | O_CLOEXEC);

	if (pool < 0 || ioctl(pool, RNDADDENTROPY, seed) < 0 || ioctl(pool, RNDRESEEDCRNG) < 0)
		give_up(in, "the random pool cannot be seeded");
	fd_close(&pool);
}

static void resize(struct init *in, unsigned rows, unsigned columns)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	if (in->tty >= 0 && in->out.state == PUMP_MOVING)
		ioctl(in->tty, TIOCSWINSZ, &size);
}

static void heard(struct wire *w, const struct frame *f)
{
	struct init *in = CONTAINER(w, struct init, wire);
	uint64_t a, b;

	wire_read(f, &a, &b);
	switch (f->type) {
	case WIRE_CLOCK:
		set_clock(in, a, b);
		break;
	case WIRE_SEED:
		seed_pool(in, a, b);
		break;
	case WIRE_ARG:
		words_add(in, &in->argv, f->data, f->len);
		break;
	case WIRE_ENV:
		words_add(in, &in->envp, f->data, f->len);
		break;
	case WIRE_RUN:
		asked_to_run(in, (unsigned)a, (unsigned)b);
		break;
	case WIRE_STREAM_END:
		pump_set_total(&in->in, b);
		break;
	case WIRE_HANGUP:
		pump_close(a == PORT_STDERR ? &in->err : &in->out, PUMP_BROKEN);
		break;
	case WIRE_SIGNAL:
		if (in->command > 0)
			kill(-in->command, (int)a);
		break;
	case WIRE_RESIZE:
		resize(in, (unsigned)a, (unsigned)b);
		break;
	case WIRE_BYE:
		reboot(RB_POWER_OFF);
		break;
	default:
		give_up(in, "the runner said something unknown");
	}
}

static void lost(struct wire *w, int rc)
{
	/* Until the host has opened its end, a port reads as ended. */
	if (rc < 0)
		give_up(CONTAINER(w, struct init, wire), "the control port failed");
}

static void beat(struct timer *t)
{
	struct init *in = CONTAINER(t, struct init, heartbeat);

	wire_numbers(&in->wire, WIRE_ALIVE, 0, 0);
	loop_after(&in->loop, t, HEARTBEAT_MS);
}

static int open_ports(struct init *in, struct err *e)
{
	static uint8_t inbox[FRAME_HEADER + FRAME_MAX], outbox[1 << 16];
	int rc;

	for (int p = PORT_CONTROL; p < PORT_END; p++) {
		in->port[p] = bringup_port(p, e);
		if (in->port[p] < 0)
			return in->port[p];
	}
	inbox_init(&in->wire.in, inbox, sizeof(inbox));
	fifo_init(&in->wire.out, outbox, sizeof(outbox));
	in->wire.heard = heard;
	in->wire.lost = lost;
	rc = wire_open(&in->wire, &in->loop, in->port[PORT_CONTROL]);
	return rc < 0 ? err_set(e, rc, "the control port: %s", strerror(-rc)) : 0;
}

/* A machine that idles while it is being frozen would skip an unknown time, as its clock may count
 * instructions alone. */
static void spin_until_thawed(struct init *in)
{
	struct pollfd port = { .fd = in->port[PORT_CONTROL], .events = POLLIN };

	while (!(port.revents & POLLIN))
		poll(&port, 1, 0);
}

int main(void)
{
	struct init in = {
		.loop = LOOP_INIT,
		.wire = { .port = { .fd = -1 } },
		.heartbeat = { .due = beat },
		.stage = -1,
		.tty = -1,
	};
	struct err e = ERR_NONE;
	int rc = bringup(&e);

	if (rc == 0 && (rc = loop_open(&in.loop)) < 0)
		err_set(&e, rc, "event loop: %s", strerror(-rc));
	if (rc == 0)
		rc = open_ports(&in, &e);
	if (rc < 0) {
		give_up(&in, e.text);
		return 1;
	}
	in.loop.signalled = signalled;
	wire_numbers(&in.wire, WIRE_HELLO, 0, 0);
	fifo_write(&in.wire.out, in.wire.port.fd);
	spin_until_thawed(&in);
	unpack(&in);
	beat(&in.heartbeat);
	return loop_run(&in.loop);
}
