/*
 * resolver - the addresses of a name, found out beside a loop.
 */
#include "ssh/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "base/util.h"

enum { STACK = 256 * 1024 }; /* a resolver keeps its packets on it */

/* Of the thread and of whoever waits: the last to leave frees it. */
struct resolver_job {
	atomic_int owners;
	int ready; /* owned: an eventfd */
	char host[ENDPOINT_HOST_ROOM], port[8];
	struct addresses addresses;
	char why[128];
};

static void job_leave(struct resolver_job *j)
{
	if (atomic_fetch_sub(&j->owners, 1) > 1)
		return;
	fd_close(&j->ready);
	free(j);
}

static void keep(struct addresses *a, const struct addrinfo *found)
{
	for (; found && a->count < COUNT(a->at); found = found->ai_next) {
		struct address *at = &a->at[a->count++];

		at->len = found->ai_addrlen;
		memcpy(&at->sa, found->ai_addr, found->ai_addrlen);
	}
}

static void *look_up(void *arg)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct resolver_job *j = arg;
	struct addrinfo *found = NULL;
	uint64_t one = 1;
	int rc = getaddrinfo(j->host, j->port, &hints, &found);

	if (rc != 0) {
		snprintf(j->why, sizeof(j->why), "%s",
			 rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	} else {
		keep(&j->addresses, found);
		freeaddrinfo(found);
	}
	(void)fd_write(j->ready, &one, sizeof(one));
	job_leave(j);
	return NULL;
}

static void job_ready(struct watch *w, uint32_t events)
{
	struct resolver *l = CONTAINER(w, struct resolver, done);
	struct resolver_job *j = l->job;

	(void)events;
	loop_del(l->loop, w);
	w->fd = -1;
	l->job = NULL;
	l->found(l, &j->addresses, j->why);
	job_leave(j);
}

static int start_thread(struct resolver_job *j)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&j->owners, 1);
	rc = -pthread_create(&thread, &attr, look_up, j);
	if (rc < 0)
		atomic_fetch_sub(&j->owners, 1);
	pthread_attr_destroy(&attr);
	return rc;
}

int resolver_start(struct resolver *l, struct loop *loop, const struct endpoint *p,
		   void (*found)(struct resolver *l, const struct addresses *a, const char *why))
{
	struct resolver_job *j = calloc(1, sizeof(*j));
	int rc;

	if (!j)
		return -ENOMEM;
	atomic_init(&j->owners, 1);
	snprintf(j->host, sizeof(j->host), "%s", p->host);
	snprintf(j->port, sizeof(j->port), "%u", p->port);
	j->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*l = (struct resolver){ loop, { j->ready, job_ready }, j, found };
	rc = j->ready < 0 ? -errno : loop_add(loop, &l->done, EPOLLIN);
	if (rc == 0)
		rc = start_thread(j);
	if (rc < 0) {
		loop_del(loop, &l->done);
		l->done.fd = -1;
		l->job = NULL;
		job_leave(j);
	}
	return rc;
}

void resolver_stop(struct resolver *l)
{
	if (!l->job)
		return;
	loop_del(l->loop, &l->done);
	l->done.fd = -1;
	job_leave(l->job);
	l->job = NULL;
}
