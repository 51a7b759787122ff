/*
 * netlink - questions to the kernel's network side, and its answers.
 */
#include "guest/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include "base/fd.h"

int nl_open(int protocol, uint32_t groups)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int rc = -errno;

		fd_close(&fd);
		return rc;
	}
	return fd;
}

void nl_begin(struct nlmsg *m, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	m->head.nlmsg_type = type;
	m->head.nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(NLMSG_DATA(&m->head), body, len);
}

void nl_attr(struct nlmsg *m, uint16_t type, const void *data, size_t len)
{
	uint32_t at = NLMSG_ALIGN(m->head.nlmsg_len);
	struct rtattr *a = (struct rtattr *)(void *)(m->mem + at);

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	m->head.nlmsg_len = at + a->rta_len;
}

static int send_it(int fd, const struct nlmsg *m)
{
	return send(fd, m->mem, m->head.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* One datagram of answers; 1 when more follow, 0 at the end, or the kernel's negative errno. */
static int take_answers(int fd, void (*each)(const struct nlmsghdr *h, void *arg), void *arg)
{
	static _Alignas(struct nlmsghdr) uint8_t mem[32 * 1024];
	ssize_t n = fd_read(fd, mem, sizeof(mem));
	size_t left;

	if (n < 0)
		return (int)n;
	left = (size_t)n;
	for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)mem; NLMSG_OK(h, left);
	     h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (each)
			each(h, arg);
	}
	return 1;
}

int nl_ask(int fd, struct nlmsg *m)
{
	int rc;

	m->head.nlmsg_flags |= NLM_F_ACK;
	rc = send_it(fd, m);
	while (rc == 0 && (rc = take_answers(fd, NULL, NULL)) > 0)
		rc = 0;
	return rc;
}

int nl_dump(int fd, struct nlmsg *m, void (*each)(const struct nlmsghdr *h, void *arg), void *arg)
{
	int rc;

	m->head.nlmsg_flags |= NLM_F_DUMP;
	rc = send_it(fd, m);
	if (rc == 0)
		do
			rc = take_answers(fd, each, arg);
		while (rc > 0);
	return rc;
}

const void *nl_find(const struct nlmsghdr *h, size_t len, uint16_t type, size_t *n)
{
	size_t head = NLMSG_SPACE(len), left = h->nlmsg_len > head ? h->nlmsg_len - head : 0;
	const struct rtattr *a = (const void *)((const uint8_t *)h + head);

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == type) {
			*n = RTA_PAYLOAD(a);
			return RTA_DATA(a);
		}
	}
	return NULL;
}
