/*
 * sshkeys - what lets the host in through the guest's own SSH server.
 */
#include "guest/sshkeys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/util.h"
#include "guest/user.h"

/* Whatever host has the disk next puts its own key in place of ours: this says which is. */
#define MARK " vmtool"

#define DROP_IN	 "/etc/ssh/sshd_config.d"
#define HOST_KEY "/etc/ssh/ssh_host_vmtool_key"

enum { FILE_MAX = 256 * 1024 };

static const char authorized_keys[] = "authorized_keys", draft[] = ".authorized_keys.vmtool";

/* --- authorized_keys --- */

/* Mode and owner as sshd's StrictModes wants them: nobody but the user may put anything there. */
static int fit(int dir, const struct user *u, const char *what, struct err *e)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return err_sys(e, "%s", what);
	if (st.st_uid != u->uid && st.st_uid != 0 && fchown(dir, u->uid, u->gid) < 0)
		return err_sys(e, "%s: give it to %s", what, u->name);
	if ((st.st_mode & 022) && fchmod(dir, st.st_mode & 07755) < 0)
		return err_sys(e, "%s: nobody else may write there", what);
	return 0;
}

static int open_home(const char *path, const struct user *u, struct err *e)
{
	int made = mkdir(path, 0700) == 0;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(e, "%s, the home of %s", path, u->name);
	if (made && fchown(dir, u->uid, u->gid) < 0)
		err_sys(e, "%s: give it to %s", path, u->name);
	else if (fit(dir, u, path, e) == 0)
		return dir;
	fd_close(&dir);
	return e->code;
}

static int open_dot_ssh(int home, const struct user *u, struct err *e)
{
	int dir;

	if (mkdirat(home, ".ssh", 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make .ssh of %s", u->name);
	dir = openat(home, ".ssh", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, ".ssh of %s: not a folder", u->name);
	if (fchown(dir, u->uid, u->gid) == 0 && fchmod(dir, 0700) == 0)
		return dir;
	err_sys(e, ".ssh of %s", u->name);
	fd_close(&dir);
	return e->code;
}

/* A file that has a second name may be somebody else's, and must not become readable. */
static int check_old(int fd, const struct user *u, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "authorized_keys of %s", u->name);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || (st.st_uid != u->uid && st.st_uid != 0))
		return err_set(e, -EPERM, "authorized_keys of %s: not a file of that user's alone",
			       u->name);
	return 0;
}

/* What stands there already; its length. */
static ssize_t read_old(int dir, char *text, const struct user *u, struct err *e)
{
	int fd = openat(dir, authorized_keys, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(e, "authorized_keys of %s", u->name);
	if (check_old(fd, u, e) < 0)
		n = e->code;
	else if ((n = fd_slurp_open(fd, text, FILE_MAX)) < 0)
		n = err_set(e, (int)n, "authorized_keys of %s: %s", u->name, strerror((int)-n));
	fd_close(&fd);
	return n;
}

static int is_marked(const char *line, size_t len)
{
	const size_t mark = sizeof(MARK) - 1;

	return len > mark && line[0] != '#' && !memcmp(line + len - mark, MARK, mark);
}

/* The lines that are not ours, then ours. How long that is. */
static size_t compose(char *out, const char *old, size_t len, const char *key)
{
	size_t used = 0;

	for (size_t at = 0, n; at < len; at += n + 1) {
		const char *end = memchr(old + at, '\n', len - at);

		n = end ? (size_t)(end - old) - at : len - at;
		if (is_marked(old + at, n))
			continue;
		memcpy(out + used, old + at, n);
		out[used + n] = '\n';
		used += n + 1;
	}
	return used + (size_t)sprintf(out + used, "%s" MARK "\n", key);
}

/* The draft has its owner and mode before it has the name. */
static int replace(int dir, const struct user *u, const char *text, size_t len, struct err *e)
{
	int fd, rc;

	if (unlinkat(dir, draft, 0) < 0 && errno != ENOENT)
		return err_sys(e, "%s of %s", draft, u->name);
	fd = openat(dir, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "write authorized_keys of %s", u->name);
	rc = fd_write_all(fd, text, len);
	if (rc < 0)
		errno = -rc;
	if (rc < 0 || fchown(fd, u->uid, u->gid) < 0 || fchmod(fd, 0600) < 0 || fsync(fd) < 0 ||
	    renameat(dir, draft, dir, authorized_keys) < 0)
		rc = err_sys(e, "write authorized_keys of %s", u->name);
	fd_close(&fd);
	if (rc < 0)
		unlinkat(dir, draft, 0);
	return rc;
}

static int authorize_in(int dir, const struct user *u, const char *key, struct err *e)
{
	char *old = malloc(FILE_MAX), *new = malloc(FILE_MAX + strlen(key) + sizeof(MARK) + 2);
	ssize_t n = old && new ? read_old(dir, old, u, e) : err_set(e, -ENOMEM, "no memory for keys");

	if (n >= 0)
		n = replace(dir, u, new, compose(new, old, (size_t)n, key), e);
	free(old);
	free(new);
	return (int)n;
}

static int authorize(const char *root, const struct desc_ssh *s, struct err *e)
{
	char etc[PATH_ROOM], path[PATH_ROOM];
	struct user u;
	int home, dir = -1, rc;

	if (path_fmt(etc, e, "%s/etc", root) < 0)
		return e->code;
	rc = user_find(&u, etc, s->user);
	if (rc < 0)
		return err_set(e, rc, "there is no user %s in /etc/passwd", s->user);
	if (path_fmt(path, e, "%s%s", root, u.home) < 0)
		return e->code;
	rc = home = open_home(path, &u, e);
	if (rc >= 0)
		rc = dir = open_dot_ssh(home, &u, e);
	if (rc >= 0)
		rc = authorize_in(dir, &u, s->authorized, e);
	fd_close(&dir);
	fd_close(&home);
	return rc;
}

/* --- sshd --- */

static int open_folder(const char *root, const char *folder, struct err *e)
{
	char path[PATH_ROOM];
	int dir;

	if (path_fmt(path, e, "%s%s", root, folder) < 0)
		return e->code;
	mkdir(path, 0755); /* or it is there; what is wrong with it is told next */
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? err_sys(e, "%s", folder) : dir;
}

static int put_file(const char *root, const char *folder, const char *name, const char *text,
		    mode_t mode, struct err *e)
{
	int dir = open_folder(root, folder, e), rc;

	if (dir < 0)
		return dir;
	rc = path_replace(dir, name, text, strlen(text), mode, e);
	fd_close(&dir);
	return rc < 0 ? err_in(e, "%s", folder) : 0;
}

static int includes_drop_ins(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += strspn(line, " \t\n");
		if (!strncasecmp(line, "include", 7) &&
		    memmem(line, strcspn(line, "\n"), DROP_IN, sizeof(DROP_IN) - 1))
			return 1;
	}
	return 0;
}

/* A file that was never made to read drop-ins is (OpenSSH 8.2): first of all, as what is said first
 * counts. One that is not there is nobody's to make: perhaps this guest has no sshd. */
static int include_drop_ins(const char *root, struct err *e)
{
	static const char line[] = "Include " DROP_IN "/*.conf\n";
	const size_t front = sizeof(line) - 1;
	char path[PATH_ROOM], *text;
	ssize_t n;
	int rc = 0;

	if (path_fmt(path, e, "%s/etc/ssh/sshd_config", root) < 0)
		return e->code;
	text = malloc(front + FILE_MAX);
	if (!text)
		return err_set(e, -ENOMEM, "no memory for sshd_config");
	memcpy(text, line, front);
	n = fd_slurp(AT_FDCWD, path, text + front, FILE_MAX);
	if (n < 0 && n != -ENOENT)
		rc = err_set(e, (int)n, "/etc/ssh/sshd_config: %s", strerror((int)-n));
	else if (n >= 0 && !includes_drop_ins(text + front))
		rc = put_file(root, "/etc/ssh", "sshd_config", text, 0644, e);
	free(text);
	return rc;
}

static int configure(const char *root, const struct desc_ssh *s, struct err *e)
{
	static const char settings[] = "# vmtool writes this at each start\n"
				       "PasswordAuthentication no\n"
				       "KbdInteractiveAuthentication no\n"
				       "PermitRootLogin prohibit-password\n",
			  with_key[] = "HostKey " HOST_KEY "\n";
	char text[sizeof(settings) + sizeof(with_key)];
	int has_key = s->host_key[0] != '\0', dir = open_folder(root, "/etc/ssh", e), rc = MIN(dir, 0);

	snprintf(text, sizeof(text), "%s%s", settings, has_key ? with_key : "");
	fd_close(&dir);
	if (rc == 0 && has_key)
		rc = put_file(root, "/etc/ssh", "ssh_host_vmtool_key", s->host_key, 0600, e);
	if (rc == 0)
		rc = put_file(root, DROP_IN, "10-vmtool.conf", text, 0644, e);
	return rc < 0 ? rc : include_drop_ins(root, e);
}

int sshkeys_put(const char *root, const struct desc_ssh *s, struct err *e)
{
	int rc = authorize(root, s, e);

	return rc < 0 ? rc : configure(root, s, e);
}
