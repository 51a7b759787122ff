/*
 * handover - process 1 becomes the image's own init, and vmtool lives on as its first child.
 */
#include "guest/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

union fd_message {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

/* --- process 1 --- */

/* The child's root, as a descriptor; -1 when the child is no more. */
static int await_word(int sock)
{
	union fd_message c;
	char byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c),
	};
	ssize_t n;
	int fd = -1;

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* Returns only when it cannot be. */
static int become(int root, const char *const argv[])
{
	if (fchdir(root) < 0 || chroot(".") < 0)
		return -errno;
	execv(argv[0], (char *const *)argv);
	return -errno;
}

static int wait_as_first(int sock, const char *const argv[])
{
	int root, rc;

	while ((root = await_word(sock)) >= 0) {
		rc = become(root, argv);
		fd_close(&root);
		if (fd_write_all(sock, &rc, sizeof(rc)) < 0)
			break;
	}
	return -ECHILD;
}

/* --- its child --- */

/* Processes that lose their parent are ours, as they were process 1's. The '@' asks systemd and
 * others not to end us with the rest at shutdown (systemd.io/ROOT_STORAGE_DAEMONS). */
static void become_agent(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	prctl(PR_SET_NAME, "vmtool-agent", 0, 0, 0);
	program_invocation_name[0] = '@';
	setsid();
}

int handover_split(struct handover *h, const char *const argv[])
{
	int pair[2], rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		fd_close(&pair[1]);
		become_agent();
		h->word.fd = pair[0];
		return fd_nonblock(pair[0]);
	}
	rc = pid < 0 ? -errno : 0;
	fd_close(&pair[0]);
	if (rc == 0)
		rc = wait_as_first(pair[1], argv);
	fd_close(&pair[1]);
	return rc;
}

static void word_ready(struct watch *w, uint32_t events)
{
	struct handover *h = CONTAINER(w, struct handover, word);
	int rc;
	ssize_t n = fd_read(w->fd, &rc, sizeof(rc));

	(void)events;
	if (n == -EAGAIN)
		return;
	loop_del(h->loop, w);
	if (n == 0) /* closed by exec */
		fd_close(&w->fd);
	h->over(h, n == 0 ? 0 : n == sizeof(rc) ? rc : -EPROTO);
}

static int send_root(int sock, int root)
{
	union fd_message c = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
					 .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS } };
	struct iovec v = { "r", 1 };
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c),
	};

	memcpy(CMSG_DATA(&c.head), &root, sizeof(root));
	return sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int handover_give(struct handover *h, struct loop *l)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), rc;

	if (root < 0)
		return -errno;
	rc = send_root(h->word.fd, root);
	fd_close(&root);
	h->loop = l;
	h->word.ready = word_ready;
	return rc < 0 ? rc : loop_add(l, &h->word, EPOLLIN);
}
