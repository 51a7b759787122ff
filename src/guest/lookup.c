/*
 * lookup - the addresses behind a name.
 */
#include "guest/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

socklen_t addr_len(const union addr *a)
{
	switch (a->any.sa_family) {
	case AF_INET:
		return sizeof(a->v4);
	case AF_INET6:
		return sizeof(a->v6);
	}
	return sizeof(a->local);
}

char *addr_text(char out[ADDR_TEXT], const union addr *a)
{
	char host[64], port[8];

	if (a->any.sa_family == AF_UNIX)
		snprintf(out, ADDR_TEXT, "%s", a->local.sun_path);
	else if (getnameinfo(&a->any, addr_len(a), host, sizeof(host), port, sizeof(port),
			     NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(out, ADDR_TEXT, "?");
	else
		snprintf(out, ADDR_TEXT, a->any.sa_family == AF_INET ? "%s:%s" : "[%s]:%s", host,
			 port);
	return out;
}

static void take(struct addrs *a, const struct addrinfo *list, uint16_t port)
{
	a->count = 0;
	for (; list && a->count < ADDRS_MAX; list = list->ai_next) {
		union addr *to = &a->at[a->count];

		if (list->ai_family == AF_INET) {
			memcpy(&to->v4, list->ai_addr, sizeof(to->v4));
			to->v4.sin_port = htons(port);
			a->count++;
		} else if (list->ai_family == AF_INET6) {
			memcpy(&to->v6, list->ai_addr, sizeof(to->v6));
			to->v6.sin6_port = htons(port);
			a->count++;
		}
	}
}

static void ask(struct addrs *a, const char *name, uint16_t port, int flags)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	struct addrinfo *list = NULL;

	if (getaddrinfo(name, NULL, &hints, &list) != 0)
		list = NULL;
	take(a, list, port);
	if (list)
		freeaddrinfo(list);
}

/* Servers for development listen on one of the two, and which differs: that one refuses is no
 * reason not to ask the other. No name server is ever asked (RFC 6761, 6.3). */
static void take_loopback(struct addrs *a, uint16_t port)
{
	a->count = 2;
	a->at[0].v4 = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	a->at[1].v6 = (struct sockaddr_in6){
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
}

static int is_localhost(const char *name)
{
	static const char suffix[] = ".localhost";
	size_t len = strlen(name);

	return !strcmp(name, "localhost") ||
	       (len >= sizeof(suffix) && !strcmp(name + len - (sizeof(suffix) - 1), suffix));
}

int lookup_known(struct addrs *a, const char *name, uint16_t port)
{
	if (is_localhost(name))
		take_loopback(a, port);
	else
		ask(a, name, port, AI_NUMERICHOST);
	return a->count > 0;
}

/* A whole struct addrs is less than PIPE_BUF: it arrives in one piece or not at all. */
_Static_assert(sizeof(struct addrs) <= 4096, "one write into a pipe");

__attribute__((noreturn)) static void child(int to, const char *name, uint16_t port)
{
	struct addrs a;
	sigset_t none;

	sigemptyset(&none); /* the loop's mask would keep a SIGTERM from it */
	sigprocmask(SIG_SETMASK, &none, NULL);
	fd_close_all_but(to);
	ask(&a, name, port, 0);
	(void)fd_write_all(to, &a, sizeof(a));
	_exit(0);
}

/* Its answer is what counts, or that there is none. */
static void ended(struct child *c, const struct exec_status *s)
{
	(void)c;
	(void)s;
}

static void answer_ready(struct watch *w, uint32_t events)
{
	struct lookup *l = CONTAINER(w, struct lookup, answer.w);
	struct addrs a;
	ssize_t n = fd_read(w->fd, &a, sizeof(a));

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n != (ssize_t)sizeof(a))
		a.count = 0;
	lookup_cancel(l);
	l->done(l, &a);
}

void lookup_init(struct lookup *l, struct loop *loop, struct reap *r,
		 void (*done)(struct lookup *l, const struct addrs *a))
{
	*l = (struct lookup){
		.reap = r,
		.child.ended = ended,
		.answer = END_INIT(loop, answer_ready),
		.done = done,
	};
}

int lookup_start(struct lookup *l, const char *name, uint16_t port)
{
	int p[2], rc;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child(p[1], name, port);
	rc = pid < 0 ? -errno : 0;
	fd_close(&p[1]);
	if (rc < 0) {
		fd_close(&p[0]);
		return rc;
	}
	reap_add(l->reap, &l->child, pid);
	end_open(&l->answer, p[0]);
	rc = end_want(&l->answer, EPOLLIN);
	if (rc < 0)
		lookup_cancel(l);
	return rc;
}

/* Its status, once it comes, is nobody's. */
void lookup_cancel(struct lookup *l)
{
	end_close(&l->answer);
	if (!l->child.pid)
		return;
	kill(l->child.pid, SIGKILL);
	reap_del(l->reap, &l->child);
}
