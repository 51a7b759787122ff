/*
 * command - starts what a struct exec_req asks for: user, limits, folder, environment, pipes or
 * terminal, process.
 */
#include "guest/command.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"
#include "guest/terminal.h"
#include "guest/view.h"

#define DEFAULT_TERM "xterm-256color"
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* in_child()'s answers are an errno (at most 4095) and above it which step failed; 0: exec. */
enum { STEP_SHIFT = 12, STEP_ERRNO = (1 << STEP_SHIFT) - 1 };

int command_base_open(struct command_base *b, const char *vm, const char *boot)
{
	b->vm = vm;
	b->boot = boot;
	b->etc = "/etc";
	b->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return b->null_fd < 0 ? -errno : 0;
}

void command_base_close(struct command_base *b)
{
	fd_close(&b->null_fd);
}

__attribute__((format(printf, 5, 6))) static int refuse(struct command_base *b, struct refusal *f,
							uint16_t why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->text, sizeof(b->text), fmt, ap);
	va_end(ap);
	*f = (struct refusal){ why, (uint32_t)err, b->text };
	return err ? -err : -EINVAL;
}

static int has_key(const struct exec_req *q, const char *setting)
{
	size_t len = (size_t)(strchr(setting, '=') + 1 - setting);

	for (uint32_t i = 0; i < q->envc; i++)
		if (!strncmp(q->env[i], setting, len))
			return 1;
	return 0;
}

/* The request's settings, then ours where it has none of that name. */
static void make_env(struct command_base *b, const struct exec_req *q)
{
	const struct {
		const char *key, *value;
	} ours[] = {
		{ "PATH", DEFAULT_PATH },      { "HOME", b->user.home },
		{ "USER", b->user.name },      { "LOGNAME", b->user.name },
		{ "SHELL", b->user.shell },    { "VMTOOL_VM", b->vm },
		{ "VMTOOL_BOOT_ID", b->boot }, { "TERM", q->flags & EXEC_TTY ? DEFAULT_TERM : "" },
	};
	size_t n = q->envc;

	_Static_assert(COUNT(ours) <= COMMAND_ENV_OWN, "room for our own settings");
	memcpy(b->env, q->env, n * sizeof(b->env[0]));
	for (size_t i = 0; i < COUNT(ours); i++) {
		if (!ours[i].value[0])
			continue;
		snprintf(b->own[i], sizeof(b->own[i]), "%s=%s", ours[i].key, ours[i].value);
		if (!has_key(q, b->own[i]))
			b->env[n++] = b->own[i];
	}
	b->env[n] = NULL;
}

struct becoming {
	const struct exec_req *q;
	const struct user *user;
};

static int step_terminal(const struct becoming *to)
{
	return to->q->flags & EXEC_TTY ? terminal_take() : 0;
}

static int step_limits(const struct becoming *to)
{
	for (uint32_t i = 0; i < to->q->nrlimits; i++) {
		const struct exec_rlimit *from = &to->q->rlimits[i];
		struct rlimit limit = { from->soft, from->hard };

		_Static_assert(EXEC_RLIM_INFINITY == RLIM_INFINITY, "passed on as it is");
		if (setrlimit(from->resource, &limit) < 0)
			return errno;
	}
	return 0;
}

static int step_view(const struct becoming *to)
{
	return view_take(to->q);
}

/* While we may: afterwards no exec, of a set-uid file either, brings them back. */
static int step_bounding(const struct becoming *to)
{
	for (unsigned cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (to->q->drop_caps >> cap & 1 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return errno;
	return 0;
}

static int step_user(const struct becoming *to)
{
	return user_become(to->user);
}

/* After setuid(), which needs some of them. What leaves the permitted or inheritable set leaves
 * the ambient one by itself: capabilities(7). */
static int step_caps(const struct becoming *to)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	if (to->q->drop_caps == 0)
		return 0;
	if (syscall(SYS_capget, &head, sets) < 0)
		return errno;
	for (int i = 0; i < 2; i++) {
		uint32_t kept = ~(uint32_t)(to->q->drop_caps >> 32 * i);

		sets[i].effective &= kept;
		sets[i].permitted &= kept;
		sets[i].inheritable &= kept;
	}
	return syscall(SYS_capset, &head, sets) < 0 ? errno : 0;
}

static int step_no_new_privs(const struct becoming *to)
{
	if (!(to->q->flags & EXEC_NO_NEW_PRIVS))
		return 0;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? errno : 0;
}

/* The last, so that a folder closed to who he now is is refused here and not a surprise later. */
static int step_cwd(const struct becoming *to)
{
	umask(022);
	if (!to->q->cwd[0])
		return chdir(to->user->home) < 0 && chdir("/") < 0 ? errno : 0;
	return chdir(to->q->cwd) < 0 ? errno : 0;
}

/* What happens between fork and exec, in this order. */
static const struct step {
	int (*run)(const struct becoming *to); /* 0 or an errno; async-signal-safe */
	uint16_t why;			       /* enum refusal_why when it fails */
	const char *what;		       /* "WHAT: the errno's text" */
} steps[] = {
	{ step_terminal, REFUSED_FAILED, "its controlling terminal" },
	{ step_limits, REFUSED_FAILED, "its resource limits" },
	{ step_view, REFUSED_FAILED, "paths to be read only or masked" },
	{ step_bounding, REFUSED_FAILED, "drop capabilities" },
	{ step_user, REFUSED_BAD_USER, "user" },
	{ step_caps, REFUSED_FAILED, "drop capabilities" },
	{ step_no_new_privs, REFUSED_FAILED, "no_new_privs" },
	{ step_cwd, REFUSED_BAD_CWD, "folder" },
};

static int in_child(void *arg)
{
	for (size_t i = 0; i < COUNT(steps); i++) {
		int err = steps[i].run(arg);

		if (err)
			return (int)(i + 1) << STEP_SHIFT | err;
	}
	return 0;
}

/* enum refusal_why for what exec (or fork, or the pipes) said. */
static uint16_t why_of(int err)
{
	static const struct {
		int err;
		uint16_t why;
	} table[] = {
		{ ENOENT, REFUSED_NOT_FOUND }, { E2BIG, REFUSED_LIMIT },  { EAGAIN, REFUSED_LIMIT },
		{ ENOMEM, REFUSED_LIMIT },     { EMFILE, REFUSED_LIMIT }, { ENFILE, REFUSED_LIMIT },
	};

	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].err == err)
			return table[i].why;
	return REFUSED_NOT_EXECUTABLE; /* EACCES, ENOEXEC, EISDIR, ENOTDIR, ELIBBAD, ... */
}

static int refuse_step(struct command_base *b, struct refusal *f, const struct exec_req *q,
		       const struct step *step, int err)
{
	const char *name = step->why == REFUSED_BAD_USER  ? q->user
			   : step->why != REFUSED_BAD_CWD ? ""
			   : q->cwd[0]			  ? q->cwd
							  : "/";

	return refuse(b, f, step->why, err, "%s%s%.200s: %s", step->what, name[0] ? " " : "", name,
		      strerror(err));
}

static int refuse_failed(struct command_base *b, struct refusal *f, const struct exec_req *q,
			 int why)
{
	int err = why & STEP_ERRNO, step = why >> STEP_SHIFT;

	if (step > 0)
		return refuse_step(b, f, q, &steps[step - 1], err);
	if (err == ENOENT && !strchr(b->program, '/'))
		return refuse(b, f, REFUSED_NOT_FOUND, err, "%.200s: no such command in the guest",
			      b->program);
	return refuse(b, f, why_of(err), err, "%.200s: %s", b->program, strerror(err));
}

static int refuse_user(struct command_base *b, struct refusal *f, const char *who, int rc)
{
	if (rc == -ENOENT)
		return refuse(b, f, REFUSED_BAD_USER, ENOENT,
			      "user %.100s: not in the guest's /etc/passwd", who);
	return refuse(b, f, REFUSED_BAD_USER, EINVAL, "user %.100s: neither NAME nor UID[:GID]",
		      who);
}

/* What can be known to be wrong before anything is made. */
static int check_request(struct command_base *b, const struct exec_req *q, struct refusal *f)
{
	const char *group = "", *path = view_missing(q);
	int rc = user_find(&b->user, b->etc, q->user);

	if (rc < 0)
		return refuse_user(b, f, q->user, rc);
	if (q->ngroups > 0 && user_set_groups(&b->user, b->etc, q->groups, q->ngroups, &group) < 0)
		return refuse(b, f, REFUSED_BAD_USER, ENOENT,
			      "group %.100s: not in the guest's /etc/group", group);
	if (path)
		return refuse(b, f, REFUSED_FAILED, ENOENT,
			      "%.200s: to be read only or masked, and not there", path);
	for (unsigned cap = 0; cap < 64 && q->drop_caps != EXEC_CAPS_ALL; cap++)
		if (q->drop_caps >> cap & 1 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0)
			return refuse(b, f, REFUSED_UNSUPPORTED, EINVAL,
				      "capability %u: the guest's kernel has none of that number",
				      cap);
	return 0;
}

/* "-" is the user's shell, told by its name that somebody logs in; one that is not there is /bin/sh,
 * for a way in is better than none. */
static void choose_program(struct command_base *b, struct exec_req *q)
{
	const char *slash;

	b->program = q->argv[0];
	if (strcmp(q->argv[0], "-") != 0)
		return;
	b->program = access(b->user.shell, X_OK) == 0 ? b->user.shell : "/bin/sh";
	slash = strrchr(b->program, '/');
	snprintf(b->login, sizeof(b->login), "-%s", slash ? slash + 1 : b->program);
	q->argv[0] = b->login;
}

/* A command's descriptors and our ends of them; -1 while closed. */
struct wires {
	int in[2], out[2], err[2];
	struct terminal terminal;
};

static int open_pipes(struct wires *w, int with_stdin)
{
	if ((with_stdin && pipe2(w->in, O_CLOEXEC) < 0) || pipe2(w->out, O_CLOEXEC) < 0 ||
	    pipe2(w->err, O_CLOEXEC) < 0)
		return -errno;
	/* Only our ends: the command's own must block as it expects. */
	if ((with_stdin && fd_nonblock(w->in[1]) < 0) || fd_nonblock(w->out[0]) < 0 ||
	    fd_nonblock(w->err[0]) < 0)
		return -errno;
	return 0;
}

/* Our end twice: reading and writing are waited for independently. */
static int open_terminal(struct wires *w, const struct exec_req *q, uid_t uid)
{
	int rc = terminal_open(&w->terminal, q->rows, q->cols, uid);

	if (rc < 0)
		return rc;
	w->out[0] = w->terminal.master;
	w->in[1] = fcntl(w->terminal.master, F_DUPFD_CLOEXEC, 3);
	return w->in[1] < 0 ? -errno : 0;
}

static int refuse_wires(struct command_base *b, struct refusal *f, const struct exec_req *q,
			int err)
{
	if (!(q->flags & EXEC_TTY))
		return refuse(b, f, REFUSED_LIMIT, err, "pipes for the command: %s", strerror(err));
	if (err == ENOENT || err == ENODEV || err == ENXIO)
		return refuse(b, f, REFUSED_UNSUPPORTED, err,
			      "the guest has no terminals: /dev/ptmx: %s", strerror(err));
	return refuse(b, f, REFUSED_LIMIT, err, "a terminal for the command: %s", strerror(err));
}

static void close_pair(int pair[2])
{
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

static void close_wires(struct wires *w)
{
	close_pair(w->in);
	close_pair(w->out); /* with the terminal's master */
	close_pair(w->err);
	fd_close(&w->terminal.slave);
}

static pid_t spawn_on(const struct wires *w, struct command_base *b, const struct exec_req *q,
		      int cgroup)
{
	struct becoming to = { q, &b->user };
	int tty = w->terminal.slave, in = w->in[0] >= 0 ? w->in[0] : b->null_fd;
	const struct fdmap fds[] = {
		{ tty >= 0 ? tty : in, 0 },
		{ tty >= 0 ? tty : w->out[1], 1 },
		{ tty >= 0 ? tty : w->err[1], 2 },
	};
	const struct spawn s = {
		.path = b->program,
		.argv = (char *const *)q->argv,
		.envp = (char *const *)b->env,
		.fds = fds,
		.nfds = COUNT(fds),
		.new_session = 1,
		.cgroup = cgroup,
		.in_child = in_child,
		.arg = &to,
	};

	return spawn(&s, NULL);
}

int command_start(struct command *c, struct command_base *b, struct exec_req *q, int cgroup,
		  struct refusal *f)
{
	struct wires w = { { -1, -1 }, { -1, -1 }, { -1, -1 }, TERMINAL_CLOSED };
	int rc = check_request(b, q, f);

	if (rc < 0)
		return rc;
	q->drop_caps |= view_drops(q);
	make_env(b, q);
	choose_program(b, q);
	rc = q->flags & EXEC_TTY ? open_terminal(&w, q, b->user.uid)
				 : open_pipes(&w, q->flags & EXEC_STDIN);
	if (rc < 0) {
		close_wires(&w);
		return refuse_wires(b, f, q, -rc);
	}
	rc = spawn_on(&w, b, q, cgroup);
	if (rc > 0) {
		*c = (struct command){ rc, w.in[1], w.out[0], w.err[0], w.terminal.slave };
		w.in[1] = w.out[0] = w.err[0] = w.terminal.slave = -1;
	}
	close_wires(&w);
	return rc > 0 ? 0 : refuse_failed(b, f, q, -rc);
}
