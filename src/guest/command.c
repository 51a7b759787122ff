/*
 * command - starts what a struct exec_req asks for: user, folder, environment, pipes, process.
 */
#include "guest/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* in_child()'s answers say which step failed by a bit above every errno (at most 4095). */
enum {
	STEP_USER = 1 << 12,
	STEP_CWD = 1 << 13,
	STEP_ERRNO = STEP_USER - 1,
};

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
		{ "PATH", DEFAULT_PATH },      { "HOME", b->user.home },   { "USER", b->user.name },
		{ "LOGNAME", b->user.name },   { "SHELL", b->user.shell }, { "VMTOOL_VM", b->vm },
		{ "VMTOOL_BOOT_ID", b->boot },
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
	const struct user *user;
	const char *cwd; /* "": the home, or / where there is none */
};

/* The folder comes after the user, so that a folder closed to him is refused here and not a
 * surprise later. */
static int in_child(void *arg)
{
	const struct becoming *to = arg;
	int err = user_become(to->user);

	if (err)
		return err | STEP_USER;
	umask(022);
	if (!to->cwd[0])
		return chdir(to->user->home) < 0 && chdir("/") < 0 ? errno | STEP_CWD : 0;
	return chdir(to->cwd) < 0 ? errno | STEP_CWD : 0;
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

static int refuse_failed(struct command_base *b, struct refusal *f, const struct exec_req *q,
			 int why)
{
	int err = why & STEP_ERRNO;

	if (why & STEP_USER)
		return refuse(b, f, REFUSED_BAD_USER, err, "user %.100s: %s", q->user,
			      strerror(err));
	if (why & STEP_CWD)
		return refuse(b, f, REFUSED_BAD_CWD, err, "folder %.200s: %s",
			      q->cwd[0] ? q->cwd : "/", strerror(err));
	if (err == ENOENT && !strchr(q->argv[0], '/'))
		return refuse(b, f, REFUSED_NOT_FOUND, err, "%.200s: no such command in the guest",
			      q->argv[0]);
	return refuse(b, f, why_of(err), err, "%.200s: %s", q->argv[0], strerror(err));
}

static int refuse_user(struct command_base *b, struct refusal *f, const char *who, int rc)
{
	if (rc == -ENOENT)
		return refuse(b, f, REFUSED_BAD_USER, ENOENT,
			      "user %.100s: not in the guest's /etc/passwd", who);
	return refuse(b, f, REFUSED_BAD_USER, EINVAL, "user %.100s: neither NAME nor UID[:GID]",
		      who);
}

struct pipes {
	int in[2], out[2], err[2]; /* -1 while closed */
};

static int open_pipes(struct pipes *p, int with_stdin)
{
	if ((with_stdin && pipe2(p->in, O_CLOEXEC) < 0) || pipe2(p->out, O_CLOEXEC) < 0 ||
	    pipe2(p->err, O_CLOEXEC) < 0)
		return -errno;
	/* Only our ends: the command's own must block as it expects. */
	if ((with_stdin && fd_nonblock(p->in[1]) < 0) || fd_nonblock(p->out[0]) < 0 ||
	    fd_nonblock(p->err[0]) < 0)
		return -errno;
	return 0;
}

static void close_pair(int pair[2])
{
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

int command_start(struct command *c, struct command_base *b, const struct exec_req *q,
		  struct refusal *f)
{
	struct pipes p = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	struct becoming to = { &b->user, q->cwd };
	int with_stdin = q->flags & EXEC_STDIN, rc;

	rc = user_find(&b->user, b->etc, q->user);
	if (rc < 0)
		return refuse_user(b, f, q->user, rc);
	make_env(b, q);
	rc = open_pipes(&p, with_stdin);
	if (rc == 0) {
		const struct fdmap fds[] = {
			{ with_stdin ? p.in[0] : b->null_fd, 0 },
			{ p.out[1], 1 },
			{ p.err[1], 2 },
		};
		const struct spawn s = {
			.path = q->argv[0],
			.argv = (char *const *)q->argv,
			.envp = (char *const *)b->env,
			.fds = fds,
			.nfds = COUNT(fds),
			.new_session = 1,
			.in_child = in_child,
			.arg = &to,
		};

		rc = spawn(&s, NULL);
	}
	if (rc > 0) {
		*c = (struct command){ rc, p.in[1], p.out[0], p.err[0] };
		p.in[1] = p.out[0] = p.err[0] = -1;
	}
	close_pair(p.in);
	close_pair(p.out);
	close_pair(p.err);
	return rc > 0 ? 0 : refuse_failed(b, f, q, -rc);
}
