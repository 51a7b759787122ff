/*
 * netlink - questions to the kernel's network side, and its answers (rtnetlink(7)).
 *
 * The kernel answers while it is asked, so nothing here waits.
 */
#ifndef GUEST_NETLINK_H
#define GUEST_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

enum { NL_ROOM = 256 };

struct nlmsg {
	union {
		struct nlmsghdr head;
		uint8_t mem[NL_ROOM];
	};
};

/* A non-blocking socket of that protocol (NETLINK_ROUTE, ...) that hears of these groups; or a
 * negative errno. */
int nl_open(int protocol, uint32_t groups);

/* A message with its family's header, to which attributes are added. What all messages of ours
 * need fits. */
void nl_begin(struct nlmsg *m, uint16_t type, uint16_t flags, const void *body, size_t len);
void nl_attr(struct nlmsg *m, uint16_t type, const void *data, size_t len);

/* The kernel's verdict: 0 or a negative errno. */
int nl_ask(int fd, struct nlmsg *m);

/* Calls `each` with every object of a dump. 0 or a negative errno. */
int nl_dump(int fd, struct nlmsg *m, void (*each)(const struct nlmsghdr *h, void *arg), void *arg);

/* The attribute of that type behind a message's header of `len` bytes, with its payload's length
 * in *n; or NULL. */
const void *nl_find(const struct nlmsghdr *h, size_t len, uint16_t type, size_t *n);

#endif
