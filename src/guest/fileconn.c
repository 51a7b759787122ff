/*
 * fileconn - the connection of a process that does something to files, on a user's behalf.
 */
#include "guest/fileconn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "guest/user.h"
#include "proto/refusal.h"

static int become(const char *who, struct err *e)
{
	struct user u;
	int rc = user_find(&u, "/etc", who);

	if (rc < 0)
		return err_set(e, rc, "%s: no such user", who);
	rc = user_become(&u);
	if (rc > 0)
		return err_set(e, -rc, "cannot become user %s: %s", who, strerror(rc));
	if (chdir(u.home) < 0 && chdir("/") < 0)
		return err_sys(e, "folder /");
	return 0;
}

int fileconn_open(struct wire *w, struct report *r, const char *user, struct err *e)
{
	int flags = fcntl(FILECONN_FD, F_GETFL), rc;

	umask(022);
	if (flags < 0 || fcntl(FILECONN_FD, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return err_sys(e, "connection");
	if (wire_open(w, FILECONN_FD, r) < 0)
		return err_set(e, -ENOMEM, "no memory for the connection");
	rc = become(user, e);
	return rc < 0 ? rc : wire_say(w, FRAME_COPY_GO, NULL, 0, e);
}

int fileconn_is_wanted(void)
{
	char c;
	ssize_t n = recv(FILECONN_FD, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void fileconn_refuse(struct wire *w, const struct err *e)
{
	struct refusal no = { REFUSED_FAILED, (uint32_t)-e->code, e->text };
	uint8_t mem[2048];
	long len = e->code ? refusal_encode(&no, mem, sizeof(mem)) : 0;
	struct err gone = ERR_NONE;

	if (len > 0 && w->out)
		wire_say(w, FRAME_ERROR, mem, (size_t)len, &gone);
}

int fileconn_close(struct wire *w, const struct err *e)
{
	char scrap[2048];

	wire_close(w);
	shutdown(FILECONN_FD, SHUT_WR);
	while (fd_read(FILECONN_FD, scrap, sizeof(scrap)) > 0)
		;
	return e->code;
}
