/*
 * sockets - the folder a running VM's unix sockets live in.
 */
#include "host/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/lock.h"

static const char lock_name[] = "lock";

/* Everything that may be in the folder, the lock last. */
static const char *const contents[] = { "vsock.sock",	     "vsock.sock_seqpacket",
					"vsock.sock_4088",   "vsock.sock_4094",
					"ready.sock",	     "agent.sock",
					"console.sock" };

static void remove_sockets(int dirfd)
{
	for (size_t i = 0; i < COUNT(contents); i++)
		unlinkat(dirfd, contents[i], 0);
}

static int own(struct sockets *s, struct err *e)
{
	int rc;

	/* Another round each time its last owner was just removing it. */
	do {
		rc = path_mkdirs(s->path, e);
		if (rc < 0)
			return rc;
		fd_close(&s->dir);
		s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (s->dir < 0 && errno != ENOENT)
			return err_sys(e, "open folder %s", s->path);
		rc = s->dir < 0 ? -ESTALE : lock_take(s->dir, lock_name, 1);
	} while (rc == -ESTALE);
	if (rc == -EBUSY)
		return err_set(e, rc,
			       "the socket folder %s is in use by a VM of the same name in another "
			       "state home\n  try: another name, or another XDG_RUNTIME_DIR",
			       s->path);
	if (rc < 0)
		return err_set(e, rc, "lock %s: %s", s->path, strerror(-rc));
	s->lock = rc;
	return 0;
}

int sockets_open(struct sockets *s, const struct home *h, const char *name, struct err *e)
{
	int rc = home_sockets(s->path, h, name, e);

	if (rc == 0)
		rc = own(s, e);
	if (rc < 0) {
		fd_close(&s->dir);
		s->path[0] = '\0';
		return rc;
	}
	remove_sockets(s->dir);
	return 0;
}

int sockets_rejoin(struct sockets *s, const char *path, struct err *e)
{
	int lock;

	snprintf(s->path, sizeof(s->path), "%s", path);
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return err_sys(e, "open folder %s", path);
	lock = lock_take(s->dir, lock_name, 1);
	s->lock = lock < 0 ? -1 : lock;
	return 0;
}

int sockets_relock(struct sockets *s, struct err *e)
{
	if (s->lock < 0)
		s->lock = lock_take(s->dir, lock_name, 1);
	return s->lock < 0 ? err_set(e, s->lock, "lock %s: %s", s->path, strerror(-s->lock)) : 0;
}

static int listen_by(int (*listen)(const char *path, int backlog, struct err *e),
		     const struct sockets *s, const char *name, struct err *e)
{
	char path[SOCKET_PATH_ROOM];
	int fd;

	unlinkat(s->dir, name, 0); /* a dead one's */
	fd = listen(sockets_path(path, s->dir, name), 64, e);
	return fd < 0 ? err_in(e, "%s", s->path) : fd;
}

int sockets_listen(const struct sockets *s, const char *name, struct err *e)
{
	return listen_by(unix_listen, s, name, e);
}

int sockets_listen_messages(const struct sockets *s, const char *name, struct err *e)
{
	return listen_by(unix_listen_messages, s, name, e);
}

void sockets_clear(const char *path)
{
	struct sockets s = SOCKETS_NONE;

	snprintf(s.path, sizeof(s.path), "%s", path);
	s.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sockets_remove(&s);
}

void sockets_remove(struct sockets *s)
{
	if (s->lock < 0 && s->dir >= 0)
		s->lock = lock_take(s->dir, lock_name, 0);
	if (s->lock >= 0) {
		remove_sockets(s->dir);
		unlinkat(s->dir, lock_name, 0);
		rmdir(s->path);
		fd_close(&s->lock);
	}
	s->lock = -1;
	fd_close(&s->dir);
	s->path[0] = '\0';
}

char *sockets_path(char out[SOCKET_PATH_ROOM], int dirfd, const char *name)
{
	snprintf(out, SOCKET_PATH_ROOM, "/proc/self/fd/%d/%s", dirfd, name);
	return out;
}
