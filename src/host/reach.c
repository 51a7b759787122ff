/*
 * reach - a connection to a tcp or unix address, made from the loop, as the host or the guest sees
 * it.
 */
#include "host/reach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/util.h"
#include "host/sockets.h"
#include "host/text.h"
#include "proto/ports.h"

enum step {
	STEP_CONNECT, /* the host's own connect(2) is under way */
	STEP_DIAL,    /* to the guest's stream server */
	STEP_ANSWER,  /* which was asked, and says whether it could connect */
	STEP_UP,
};

static void fail(struct reach *r, const char *why)
{
	char text[CONDITION_TEXT_MAX];

	text_clean(text, sizeof(text), why, strlen(why));
	reach_stop(r);
	r->failed(r, text);
}

static void come_up(struct reach *r)
{
	r->step = STEP_UP;
	loop_mod(r->loop, &r->conn, 0);
	r->up(r);
}

/* --- as the host --- */

static int numeric(const struct place *p, struct sockaddr_storage *sa, socklen_t *len)
{
	const char *text = strcmp(p->address, "localhost") ? p->address : "127.0.0.1";
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(p->port);
		*len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(p->port);
		*len = sizeof(*v6);
	} else {
		return -EINVAL;
	}
	return 0;
}

int place_is_numeric(const struct place *p)
{
	struct sockaddr_storage sa;
	socklen_t len;

	return p->kind == STREAM_UNIX || numeric(p, &sa, &len) == 0;
}

/* The fd, connected or about to be; or a negative errno. */
static int connect_tcp(const struct place *p)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd, rc = numeric(p, &sa, &len);

	if (rc < 0)
		return rc;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS) {
		rc = -errno;
		fd_close(&fd);
		return rc;
	}
	return fd;
}

static void connected(struct reach *r)
{
	int rc = 0;
	socklen_t len = sizeof(rc);

	if (getsockopt(r->conn.fd, SOL_SOCKET, SO_ERROR, &rc, &len) < 0)
		rc = errno;
	if (rc)
		fail(r, strerror(rc));
	else
		come_up(r);
}

/* --- as the guest --- */

static int ask(struct reach *r)
{
	const struct stream_req q = {
		.kind = r->place->kind,
		.address = r->place->address,
		.port = r->place->port,
		.timeout_ms = r->timeout_ms,
	};

	r->answer.have = 0;
	return stream_ask(r->conn.fd, &q);
}

static void take_answer(struct reach *r)
{
	struct err why = ERR_NONE;
	int rc = stream_step(&r->answer, r->conn.fd, &why);

	if (rc == 0) {
		come_up(r);
	} else if (rc != -EAGAIN || why.code < 0) { /* which may be what the guest met */
		stream_explain(&why, rc);
		fail(r, why.text);
	}
}

static void dialed(struct reach *r)
{
	char text[CONDITION_TEXT_MAX];
	int rc = dial_step(&r->dial);

	if (rc == -EAGAIN)
		return;
	if (rc == 0)
		rc = ask(r);
	if (rc == 0) {
		r->step = STEP_ANSWER;
		return;
	}
	snprintf(text, sizeof(text), "no connection to the guest's stream server: %s",
		 strerror(-rc));
	fail(r, text);
}

/* --- both --- */

static void conn_ready(struct watch *w, uint32_t events)
{
	struct reach *r = CONTAINER(w, struct reach, conn);

	(void)events; /* a hang-up shows up as a failed step */
	if (r->step == STEP_CONNECT)
		connected(r);
	else if (r->step == STEP_DIAL)
		dialed(r);
	else if (r->step == STEP_ANSWER)
		take_answer(r);
}

static int begin(struct reach *r, int sockets_dir)
{
	const struct place *p = r->place;
	char path[SOCKET_PATH_ROOM];
	int rc;

	if (p->from_guest) {
		r->step = STEP_DIAL;
		rc = dial_begin(&r->dial, sockets_path(path, sockets_dir, "vsock.sock"),
				PORT_STREAM);
		return rc < 0 ? rc : r->dial.fd;
	}
	r->step = STEP_CONNECT;
	return p->kind == STREAM_UNIX ? unix_connect(p->address, 1) : connect_tcp(p);
}

void reach_start(struct reach *r, struct loop *l, int sockets_dir, const struct place *p,
		 unsigned timeout_ms)
{
	int rc;

	r->loop = l;
	r->place = p;
	r->timeout_ms = timeout_ms;
	r->conn = (struct watch){ -1, conn_ready };
	rc = begin(r, sockets_dir);
	if (rc >= 0) {
		r->conn.fd = rc;
		rc = loop_add(l, &r->conn, r->step == STEP_CONNECT ? EPOLLOUT : EPOLLIN);
	}
	if (rc < 0)
		fail(r, strerror(-rc));
}

void reach_stop(struct reach *r)
{
	if (r->conn.fd >= 0)
		loop_del(r->loop, &r->conn);
	fd_close(&r->conn.fd);
}
