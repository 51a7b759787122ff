/*
 * Streams through the guest's stream server and the host's end of it, over a unix socket, without
 * a VM: what arrives, how it ends, and what happens when either side misbehaves.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "guest/front.h"
#include "guest/streamd.h"
#include "host/dial.h"
#include "host/stream.h"
#include "own_mounts.h"
#include "proto/frame.h"
#include "proto/ports.h"
#include "proto/refusal.h"

enum {
	PLACES = 8,
	IDLE_MS = 400,
	WAIT_MS = 10000, /* longer than anything may take on a busy machine */
	MANY = 2000,	 /* STREAMS=20000 ASAN_OPTIONS=quarantine_size_mb=0 for a long run */
	BIG = 64 << 20,	 /* test/soak/streams.sh has the 1 GiB */
};

static char folder[] = "/tmp/stream_test.XXXXXX";
static struct target target = TARGET_NONE;
static pid_t server;
static unsigned idle_fds; /* the server's descriptors while nobody is there */

/* --- a server in its own process --- */

struct world {
	struct loop loop;
	struct reap reap;
	struct front front;
};

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	struct world *w = CONTAINER(l, struct world, loop);

	if (si->ssi_signo == SIGCHLD)
		reap_collect(&w->reap);
	else if (si->ssi_signo == SIGTERM)
		loop_stop(l, 0);
}

/* An /etc/hosts of the server's own, with one name more. Only root may have one. */
static void bring_hosts(void)
{
	static const char text[] = "127.0.0.1 localhost\n127.0.0.1 stream-test.example\n";
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/hosts", folder);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	(void)fd_write_all(fd, text, sizeof(text) - 1);
	close(fd);
	if (own_mounts() == 0)
		mount(path, "/etc/hosts", NULL, MS_BIND, NULL);
	unlink(path);
}

static void serve(int fd, unsigned places)
{
	const struct streamd_options options = { places, IDLE_MS, IDLE_MS };
	struct world *w = calloc(1, sizeof(*w));
	struct streamd *d;

	bring_hosts();
	w->loop = LOOP_INIT;
	loop_open(&w->loop);
	w->loop.signalled = signalled;
	reap_init(&w->reap);
	d = streamd_open(&w->loop, &w->reap, -1, &options);
	if (!d || front_open(&w->front, &w->loop, fd) < 0)
		_exit(1);
	front_add(&w->front, PORT_STREAM, streamd_listener(d));
	_exit(loop_run(&w->loop));
}

static unsigned server_fds(void)
{
	char path[64];
	unsigned count = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)server);
	d = opendir(path);
	while (d && readdir(d))
		count++;
	if (d)
		closedir(d);
	return count;
}

static int dial(void)
{
	struct err e = ERR_NONE;

	return dial_vsock(target.vsock, PORT_STREAM, clock_ms() + WAIT_MS, &e);
}

static void start_server(unsigned places)
{
	struct err e = ERR_NONE;
	int fd;

	unlink(target.vsock);
	fd = unix_listen(target.vsock, 128, &e);
	server = fd < 0 ? -1 : fork();
	if (server == 0)
		serve(fd, places);
	if (server < 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	close(fd);
	fd = dial(); /* the answer says that all is open, this connection included */
	idle_fds = server_fds() - 1;
	close(fd);
}

/* It leaves when it is told to, and with status 0: no sanitizer had anything to say. */
static int stop_server(void)
{
	int status;

	kill(server, SIGTERM);
	return waitpid(server, &status, 0) == server && WIFEXITED(status) ? WEXITSTATUS(status)
									  : -1;
}

/* Exactly so many more than while nobody is there. */
static int fds_become(unsigned more)
{
	for (int64_t end = clock_ms() + WAIT_MS; clock_ms() < end; poll(NULL, 0, 2))
		if (server_fds() == idle_fds + more)
			return 1;
	printf("# %u descriptors more, not %u\n", server_fds() - idle_fds, more);
	return 0;
}

/* --- destinations, in this process --- */

struct place {
	int fd;
	struct stream_req q;
	char text[STREAM_ADDRESS_MAX];
};

static void place_at(struct place *p, int family, int type)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
	} sa = { .any.sa_family = (sa_family_t)family };
	socklen_t len = family == AF_INET    ? sizeof(sa.v4)
			: family == AF_INET6 ? sizeof(sa.v6)
					     : sizeof(sa.un);
	int on = 1;

	snprintf(p->text, sizeof(p->text), family == AF_INET ? "127.0.0.1" : "::1");
	if (family == AF_INET)
		sa.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (family == AF_INET6)
		sa.v6.sin6_addr = in6addr_loopback;
	if (family == AF_UNIX) {
		static int n;

		snprintf(p->text, sizeof(p->text), "%s/at%d", folder, n++);
		memcpy(sa.un.sun_path, p->text, strlen(p->text));
	}
	p->fd = socket(family, type | SOCK_CLOEXEC, 0);
	if (family == AF_INET6)
		setsockopt(p->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	CHECK(bind(p->fd, &sa.any, len) == 0);
	CHECK(type == SOCK_DGRAM || listen(p->fd, 64) == 0);
	getsockname(p->fd, &sa.any, &len);
	p->q = (struct stream_req){
		.kind = type == SOCK_DGRAM  ? STREAM_UDP
			: family == AF_UNIX ? STREAM_UNIX
					    : STREAM_TCP,
		.address = p->text,
		.port = family == AF_UNIX
				? 0
				: ntohs(family == AF_INET ? sa.v4.sin_port : sa.v6.sin6_port),
		.timeout_ms = WAIT_MS,
	};
}

static void place_close(struct place *p)
{
	if (p->q.kind == STREAM_UNIX)
		unlink(p->text);
	fd_close(&p->fd);
}

/* --- what is said and heard, with a limit to waiting --- */

static int open_stream(const struct stream_req *q)
{
	struct err e = ERR_NONE;
	int fd = stream_open(&target, q, &e);

	if (fd < 0)
		printf("# %s\n", e.text);
	return fd;
}

static int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, WAIT_MS) == 1 ? p.revents : 0;
}

/* "..." bytes that came, up to the end or a reset, which is "!". */
static const char *heard(int fd)
{
	static char text[256];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 2) {
		if (!wait_for(fd, POLLIN))
			return "(nothing came)";
		n = recv(fd, text + len, sizeof(text) - 2 - len, MSG_DONTWAIT);
		if (n == 0)
			break;
		if (n < 0) {
			text[len++] = '!';
			break;
		}
		len += (size_t)n;
	}
	text[len] = '\0';
	return text;
}

static int is_heard(int fd, const char *want)
{
	const char *got = heard(fd);

	if (strcmp(got, want) != 0)
		printf("# heard \"%s\", not \"%s\"\n", got, want);
	return strcmp(got, want) == 0;
}

static int say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

static int accept_one(const struct place *p)
{
	return wait_for(p->fd, POLLIN) ? accept(p->fd, NULL, NULL) : -1;
}

/* --- opening --- */

static void a_destination_is_out_of_reach(void)
{
	static const struct {
		const char *why;
		int family, type;
		const char *call_it; /* NULL: by its address */
	} cases[] = {
		{ "IPv4", AF_INET, SOCK_STREAM, NULL },
		{ "IPv6", AF_INET6, SOCK_STREAM, NULL },
		{ "unix", AF_UNIX, SOCK_STREAM, NULL },
		{ "localhost that listens on 127.0.0.1 only", AF_INET, SOCK_STREAM, "localhost" },
		{ "localhost that listens on ::1 only", AF_INET6, SOCK_STREAM, "localhost" },
		{ "any name below localhost", AF_INET6, SOCK_STREAM, "app.localhost" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct place p;
		int fd, inner;

		printf("# %s\n", cases[i].why);
		place_at(&p, cases[i].family, cases[i].type);
		if (cases[i].call_it)
			p.q.address = cases[i].call_it;
		fd = open_stream(&p.q);
		inner = accept_one(&p);
		CHECK(fd >= 0 && say(fd, "to the guest"));
		shutdown(fd, SHUT_WR);
		CHECK(is_heard(inner, "to the guest") && say(inner, "and back"));
		close(inner);
		CHECK(is_heard(fd, "and back"));
		close(fd);
		place_close(&p);
	}
}

/* A port that nobody has. */
static uint16_t free_port(void)
{
	struct place p;

	place_at(&p, AF_INET, SOCK_STREAM);
	place_close(&p);
	return p.q.port;
}

/* A listener whose backlog is full: SYNs fall on the floor; a unix one says EAGAIN for ever. */
static void full(struct place *p, int family, int client[3])
{
	place_at(p, family, SOCK_STREAM);
	listen(p->fd, 0);
	for (int i = 0; i < 3; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);

		getsockname(p->fd, (struct sockaddr *)&sa, &len);
		client[i] = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(client[i], (struct sockaddr *)&sa, len);
	}
}

/* What the server answers to q. */
static struct refusal refusal_of(const struct stream_req *q)
{
	static uint8_t mem[FRAME_HEADER + 1024];
	uint8_t request[STREAM_REQ_MAX];
	long len = stream_req_encode(q, request, sizeof(request));
	struct refusal why = { 0 };
	struct inbox in;
	struct frame f;
	int fd = dial();

	inbox_init(&in, mem, sizeof(mem));
	if (frame_send(fd, FRAME_OPEN, request, (size_t)len) == 0 && frame_recv(&in, fd, &f) == 0 &&
	    f.type == FRAME_ERROR)
		CHECK(refusal_decode(&why, f.data, f.len) == 0);
	CHECK(heard(fd)[0] == '\0'); /* and then the end */
	close(fd);
	return why;
}

static void a_refusal_does_not_say_why(void)
{
	struct place tcp, local;
	int clients[2][3];
	struct refusal why;

	full(&tcp, AF_INET, clients[0]);
	full(&local, AF_UNIX, clients[1]);
	{
		const struct {
			const char *what;
			struct stream_req q;
			uint16_t why;
			uint32_t sys;
		} cases[] = {
			{ "nobody listens",
			  { STREAM_TCP, "127.0.0.1", free_port(), 9000 },
			  REFUSED_CONNECTION,
			  ECONNREFUSED },
			{ "nor on either localhost",
			  { STREAM_TCP, "localhost", free_port(), 9000 },
			  REFUSED_CONNECTION,
			  ECONNREFUSED },
			{ "no way there (multicast has no connections)",
			  { STREAM_TCP, "224.0.0.1", 9, 9000 },
			  REFUSED_UNREACHABLE,
			  ENETUNREACH },
			{ "no such file",
			  { STREAM_UNIX, "/no/such/socket", 0, 9000 },
			  REFUSED_NOT_FOUND,
			  ENOENT },
			{ "a file that is none",
			  { STREAM_UNIX, "/etc/passwd", 0, 9000 },
			  REFUSED_CONNECTION,
			  ECONNREFUSED },
			{ "no answer",
			  { STREAM_TCP, "127.0.0.1", tcp.q.port, 200 },
			  REFUSED_TIMEOUT,
			  ETIMEDOUT },
			{ "a unix socket's backlog stays full",
			  { STREAM_UNIX, local.text, 0, 200 },
			  REFUSED_TIMEOUT,
			  EAGAIN },
		};

		for (size_t i = 0; i < COUNT(cases); i++) {
			why = refusal_of(&cases[i].q);
			if (why.why != cases[i].why || why.sys != cases[i].sys)
				printf("# %s: why %u errno %u, %s\n", cases[i].what, why.why,
				       why.sys, why.text);
			CHECK(why.why == cases[i].why && why.sys == cases[i].sys);
		}
	}
	/* Which of the two depends on who answers names here; that something is said does not. */
	why = refusal_of(&(struct stream_req){ STREAM_TCP, "no.such.name.invalid", 9, 700 });
	CHECK(why.why == REFUSED_UNREACHABLE || why.why == REFUSED_TIMEOUT);
	for (int i = 0; i < 6; i++)
		close(clients[i / 3][i % 3]);
	place_close(&tcp);
	place_close(&local);
}

static void a_full_unix_socket_is_not_waited_for(void)
{
	struct place p;
	int clients[3], fd;
	pid_t pid;

	full(&p, AF_UNIX, clients);
	p.q.timeout_ms = WAIT_MS;
	pid = fork();
	if (pid == 0)
		for (;;) {
			poll(NULL, 0, 50);
			close(accept(p.fd, NULL, NULL));
		}
	fd = open_stream(&p.q);
	CHECK(fd >= 0);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
	place_close(&p);
}

static void a_name_is_not_looked_up(void)
{
	const char *lack = own_mounts_lack();
	struct place p;

	if (lack)
		SKIP(lack);
	place_at(&p, AF_INET, SOCK_STREAM);
	p.q.address = "stream-test.example";
	for (int i = 0; i < 20; i++) {
		int fd = open_stream(&p.q), inner = accept_one(&p);

		CHECK(fd >= 0 && inner >= 0);
		close(fd);
		close(inner);
	}
	CHECK(fds_become(0));
	place_close(&p);
}

static void a_sentence_is_missing(void)
{
	const struct stream_req nobody = { STREAM_TCP, "127.0.0.1", free_port(), 5000 };
	struct err e = ERR_NONE;

	CHECK(stream_open(&target, &nobody, &e) == -ECONNREFUSED);
	CHECK(strstr(e.text, "127.0.0.1:") && strstr(e.text, "Connection refused"));
}

/* --- ends --- */

static void a_half_close_becomes_a_full_one(void)
{
	static const int families[] = { AF_INET, AF_UNIX };

	for (size_t i = 0; i < COUNT(families); i++) {
		struct place p;
		int fd, inner;

		place_at(&p, families[i], SOCK_STREAM);
		/* The host ends first: what the guest answers then still comes. */
		fd = open_stream(&p.q);
		inner = accept_one(&p);
		CHECK(say(fd, "question"));
		shutdown(fd, SHUT_WR);
		CHECK(is_heard(inner, "question") && say(inner, "a long "));
		CHECK(wait_for(fd, POLLIN) && say(inner, "answer"));
		close(inner);
		CHECK(is_heard(fd, "a long answer"));
		close(fd);
		/* The guest ends first. */
		fd = open_stream(&p.q);
		inner = accept_one(&p);
		CHECK(say(inner, "greeting"));
		shutdown(inner, SHUT_WR);
		CHECK(is_heard(fd, "greeting") && say(fd, "and "));
		CHECK(wait_for(inner, POLLIN) && say(fd, "thanks"));
		shutdown(fd, SHUT_WR);
		CHECK(is_heard(inner, "and thanks"));
		close(inner);
		close(fd);
		place_close(&p);
	}
}

static void a_reset_looks_like_an_end(void)
{
	const struct linger at_once = { 1, 0 };
	struct place p;
	int fd, inner;

	place_at(&p, AF_INET, SOCK_STREAM);
	/* Within: the host's connection goes as a whole, though it had not ended its half. */
	fd = open_stream(&p.q);
	inner = accept_one(&p);
	CHECK(say(inner, "last words") && wait_for(fd, POLLIN));
	setsockopt(inner, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(inner);
	CHECK(is_heard(fd, "last words"));
	CHECK(wait_for(fd, POLLOUT) & POLLHUP);
	CHECK(send(fd, "x", 1, MSG_NOSIGNAL) < 0);
	close(fd);
	/* The host is gone, half ended: the guest's own peer hears a reset, not a quiet success. */
	fd = open_stream(&p.q);
	inner = accept_one(&p);
	CHECK(say(fd, "half a ") && wait_for(inner, POLLIN));
	close(fd);
	{
		const char *got = heard(inner);

		/* The end may be heard before the reset; writing shows it in either case. */
		CHECK(!strcmp(got, "half a !") || !strcmp(got, "half a "));
		while (send(inner, "x", 1, MSG_NOSIGNAL) == 1 && wait_for(inner, POLLOUT))
			poll(NULL, 0, 1);
		CHECK(errno == EPIPE || errno == ECONNRESET);
	}
	close(inner);
	place_close(&p);
}

/* The destination says nothing more and closes nothing: only the host's going ends the stream. */
static void a_stream_outlives_its_host(void)
{
	static const char *const when[] = { "at once", "after its half",
					    "with bytes on their way" };
	static char much[1 << 20];
	struct place p;

	place_at(&p, AF_INET, SOCK_STREAM);
	for (size_t i = 0; i < COUNT(when); i++) {
		int fd = open_stream(&p.q), inner = accept_one(&p);

		printf("# %s\n", when[i]);
		if (i == 1) {
			shutdown(fd, SHUT_WR);
			CHECK(is_heard(inner, ""));
		} else if (i == 2) {
			while (send(inner, much, sizeof(much), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
				poll(NULL, 0, 1);
		}
		CHECK(fds_become(2));
		close(fd);
		CHECK(fds_become(0));
		close(inner);
	}
	place_close(&p);
}

static void a_host_that_goes_while_connecting_is_kept(void)
{
	struct place p;
	int clients[3], fd;
	uint8_t request[STREAM_REQ_MAX];
	long len;

	full(&p, AF_INET, clients);
	len = stream_req_encode(&p.q, request, sizeof(request));
	fd = dial();
	CHECK(frame_send(fd, FRAME_OPEN, request, (size_t)len) == 0);
	CHECK(fds_become(2));
	close(fd);
	CHECK(fds_become(0));
	for (int i = 0; i < 3; i++)
		close(clients[i]);
	place_close(&p);
}

/* --- bytes --- */

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 2654435761u >> 13);
}

/* Sends and checks `len` bytes through both ends at once; how many came right. */
static size_t pass(int from, int to, size_t len)
{
	static uint8_t out[1 << 16], in[1 << 16];
	size_t sent = 0, got = 0;

	while (got < len) {
		struct pollfd p[2] = { { from, sent < len ? POLLOUT : 0, 0 }, { to, POLLIN, 0 } };
		ssize_t n;

		if (poll(p, 2, WAIT_MS) <= 0)
			break;
		if (p[0].revents & POLLOUT) {
			size_t part = MIN(sizeof(out), len - sent);

			for (size_t i = 0; i < part; i++)
				out[i] = byte_at(sent + i);
			n = send(from, out, part, MSG_DONTWAIT | MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
			if (sent == len)
				shutdown(from, SHUT_WR);
		}
		n = recv(to, in, sizeof(in), MSG_DONTWAIT);
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n; i++, got++)
			if (in[i] != byte_at(got))
				return got;
	}
	return got;
}

static void bytes_change_on_their_way(void)
{
	struct place p;
	int fd, inner;

	place_at(&p, AF_INET, SOCK_STREAM);
	fd = open_stream(&p.q);
	inner = accept_one(&p);
	CHECK(pass(fd, inner, BIG) == BIG);
	CHECK(pass(inner, fd, BIG) == BIG);
	close(fd);
	close(inner);
	place_close(&p);
}

static void what_comes_behind_the_request_is_lost(void)
{
	uint8_t mem[FRAME_HEADER + STREAM_REQ_MAX + 16], got[FRAME_HEADER];
	struct place p;
	int fd, inner;
	long len;

	place_at(&p, AF_INET, SOCK_STREAM);
	len = stream_req_encode(&p.q, mem + FRAME_HEADER, STREAM_REQ_MAX);
	frame_header(mem, FRAME_OPEN, (uint32_t)len);
	memcpy(mem + FRAME_HEADER + len, "early", 5);
	fd = dial();
	CHECK(fd_write_all(fd, mem, (size_t)(FRAME_HEADER + len + 5)) == 0 && say(fd, " bird"));
	shutdown(fd, SHUT_WR);
	inner = accept_one(&p);
	CHECK(is_heard(inner, "early bird"));
	CHECK(fd_read_until(fd, got, sizeof(got), clock_ms() + WAIT_MS) == 0);
	CHECK(got[0] == FRAME_OPENED);
	close(inner);
	close(fd);
	place_close(&p);
}

static long server_kib(const char *key)
{
	char path[64], line[128];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)server);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			kib = strtol(line + strlen(key) + 1, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static void a_slow_reader_holds_up_others_or_loses_bytes(void)
{
	static uint8_t block[1 << 16];
	struct place p;
	int slow, slow_inner, fd, inner, stalls = 0;
	size_t sent = 0, got = 0;
	ssize_t n;

	place_at(&p, AF_INET, SOCK_STREAM);
	slow = open_stream(&p.q);
	slow_inner = accept_one(&p);
	/* Until nothing has moved for a while: everything between the two is full. */
	while (stalls < 20) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = byte_at(sent + i);
		n = send(slow_inner, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		stalls = n > 0 ? 0 : stalls + 1;
		if (n < 0)
			poll(NULL, 0, 10);
	}
	CHECK(sent < 64 << 20);
	fd = open_stream(&p.q);
	inner = accept_one(&p);
	CHECK(pass(fd, inner, 1 << 20) == 1 << 20);
	close(fd);
	close(inner);
	shutdown(slow_inner, SHUT_WR);
	while (wait_for(slow, POLLIN) && (n = recv(slow, block, sizeof(block), 0)) > 0)
		for (ssize_t i = 0; i < n && block[i] == byte_at(got); i++)
			got++;
	CHECK(got == sent);
	close(slow_inner);
	close(slow);
	place_close(&p);
}

/* --- udp --- */

struct udp {
	struct place p;
	struct inbox in;
	int fd;
	uint8_t mem[FRAME_HEADER + STREAM_DATAGRAM_MAX];
};

static void udp_open(struct udp *u, int family)
{
	place_at(&u->p, family, SOCK_DGRAM);
	inbox_init(&u->in, u->mem, sizeof(u->mem));
	u->fd = open_stream(&u->p.q);
}

static void datagrams_run_together(void)
{
	static const size_t sizes[] = { 5, 0, 1, 1400, 65507, 0, 3 };
	static uint8_t block[STREAM_DATAGRAM_MAX], got[STREAM_DATAGRAM_MAX + 1];
	static struct udp u;
	struct sockaddr_storage from;
	struct frame f;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = byte_at(i);
	for (int v6 = 0; v6 < 2; v6++) {
		udp_open(&u, v6 ? AF_INET6 : AF_INET);
		for (size_t i = 0; i < COUNT(sizes); i++) {
			socklen_t len = sizeof(from);
			ssize_t n;

			CHECK(frame_send(u.fd, FRAME_DATAGRAM, block, sizes[i]) == 0);
			CHECK(wait_for(u.p.fd, POLLIN));
			n = recvfrom(u.p.fd, got, sizeof(got), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &len);
			CHECK(n == (ssize_t)sizes[i] && !memcmp(got, block, sizes[i]));
			CHECK(sendto(u.p.fd, block, sizes[i], 0, (struct sockaddr *)&from, len) ==
			      n);
			CHECK(wait_for(u.fd, POLLIN) && frame_recv(&u.in, u.fd, &f) == 0);
			CHECK(f.type == FRAME_DATAGRAM && f.len == sizes[i]);
			CHECK(!memcmp(f.data, block, f.len));
		}
		/* Several at once, both ways. */
		for (int i = 0; i < 50; i++) {
			CHECK(frame_send(u.fd, FRAME_DATAGRAM, block, (size_t)i) == 0);
			CHECK(sendto(u.p.fd, block, (size_t)i, 0, (struct sockaddr *)&from,
				     v6 ? sizeof(struct sockaddr_in6)
					: sizeof(struct sockaddr_in)) == i);
		}
		for (int i = 0; i < 50; i++) {
			CHECK(wait_for(u.p.fd, POLLIN) && recv(u.p.fd, got, sizeof(got), 0) == i);
			CHECK(frame_recv(&u.in, u.fd, &f) == 0 && f.len == (uint32_t)i);
		}
		close(u.fd);
		place_close(&u.p);
	}
}

static void datagrams_end_for_no_reason_or_never(void)
{
	static struct udp u;
	struct refusal why;
	struct frame f;
	int64_t began;

	/* Silence. */
	udp_open(&u, AF_INET);
	began = clock_ms();
	CHECK(is_heard(u.fd, "") && clock_ms() - began >= IDLE_MS / 2);
	close(u.fd);
	place_close(&u.p);
	/* The host closes. */
	udp_open(&u, AF_INET);
	close(u.fd);
	CHECK(fds_become(0));
	place_close(&u.p);
	/* Nobody is there. */
	udp_open(&u, AF_INET);
	fd_close(&u.p.fd);
	CHECK(frame_send(u.fd, FRAME_DATAGRAM, "x", 1) == 0);
	CHECK(frame_recv(&u.in, u.fd, &f) == 0 && f.type == FRAME_ERROR);
	CHECK(refusal_decode(&why, f.data, f.len) == 0 && why.why == REFUSED_CONNECTION);
	close(u.fd);
	/* The other localhost is. */
	place_at(&u.p, AF_INET6, SOCK_DGRAM);
	u.p.q.address = "localhost";
	u.fd = open_stream(&u.p.q);
	for (int i = 0; i < 50; i++) {
		struct pollfd at = { .fd = u.p.fd, .events = POLLIN };

		CHECK(frame_send(u.fd, FRAME_DATAGRAM, "again", 5) == 0);
		if (poll(&at, 1, 20) == 1)
			break;
	}
	CHECK(recv(u.p.fd, u.mem, sizeof(u.mem), MSG_DONTWAIT) == 5);
	close(u.fd);
	place_close(&u.p);
}

/* A host that was told once that the stream is open takes a second time for nonsense. */
static void a_change_of_localhost_is_told(void)
{
	static struct udp u;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	struct frame f;

	place_at(&u.p, AF_INET6, SOCK_DGRAM);
	u.p.q.address = "localhost";
	u.fd = open_stream(&u.p.q);
	inbox_init(&u.in, u.mem, sizeof(u.mem));
	/* The first is lost on 127.0.0.1; the others come. */
	for (int i = 0; i < 50 && poll(&(struct pollfd){ .fd = u.p.fd, .events = POLLIN }, 1, 20) < 1; i++)
		CHECK(frame_send(u.fd, FRAME_DATAGRAM, "ask", 3) == 0);
	CHECK(recvfrom(u.p.fd, u.mem, 3, 0, (struct sockaddr *)&from, &len) == 3);
	CHECK(sendto(u.p.fd, "answer", 6, 0, (struct sockaddr *)&from, len) == 6);
	CHECK(frame_recv(&u.in, u.fd, &f) == 0);
	if (f.type != FRAME_DATAGRAM)
		printf("# frame %02x\n", f.type);
	CHECK(f.type == FRAME_DATAGRAM && f.len == 6);
	close(u.fd);
	place_close(&u.p);
}

/* --- peers that misbehave --- */

static void nonsense_is_served(void)
{
	static const struct {
		const char *why;
		uint8_t bytes[16];
		size_t len;
		int is_answered;
	} cases[] = {
		{ "another service's frame", { 0x10, 0, 0, 0, 0 }, 5, 1 },
		{ "an unknown frame", { 0xee, 0, 0, 0, 1, 7 }, 6, 1 },
		{ "a length of 4 GiB", { 0x50, 0xff, 0xff, 0xff, 0xff }, 5, 1 },
		{ "an empty request", { 0x50, 0, 0, 0, 0 }, 5, 1 },
		{ "a request that is none", { 0x50, 0, 0, 0, 4, 1, 2, 3, 4 }, 9, 1 },
		{ "bytes without sense", "GET / HTTP/1.0\n", 15, 1 },
		{ "nothing", "", 0, 0 },
		{ "half a header", { 0x50, 0, 0 }, 3, 0 },
		{ "half a request", { 0x50, 0, 0, 0, 30, 1, 2 }, 7, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int fd = dial();
		const char *got;

		CHECK(fd_write_all(fd, cases[i].bytes, cases[i].len) == 0);
		got = heard(fd);
		if ((got[0] == FRAME_ERROR) != cases[i].is_answered)
			printf("# %s: %02x\n", cases[i].why, (unsigned char)got[0]);
		CHECK((got[0] == FRAME_ERROR) == cases[i].is_answered);
		CHECK(cases[i].is_answered || got[0] == '\0');
		close(fd);
	}
	CHECK(fds_become(0));
}

static void random_bytes_do_harm(void)
{
	unsigned seed = (unsigned)clock_us();
	struct place p;
	int fd, inner;

	printf("# seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 200; i++) {
		uint8_t noise[300];
		size_t len = 1 + (size_t)random() % sizeof(noise);

		for (size_t at = 0; at < len; at++)
			noise[at] = (uint8_t)random();
		if (i % 2)
			noise[0] = FRAME_OPEN, noise[1] = noise[2] = noise[3] = 0;
		fd = dial();
		(void)send(fd, noise, len, MSG_NOSIGNAL);
		close(fd);
	}
	CHECK(fds_become(0));
	place_at(&p, AF_INET, SOCK_STREAM);
	fd = open_stream(&p.q);
	inner = accept_one(&p);
	CHECK(fd >= 0 && pass(fd, inner, 1000) == 1000);
	close(fd);
	close(inner);
	place_close(&p);
}

static void more_than_there_are_places_are_turned_away(void)
{
	int fds[PLACES + 1], inners[PLACES + 1];
	struct pollfd late = { .events = POLLIN };
	struct place p;
	uint8_t request[STREAM_REQ_MAX];
	char line[16];
	long len;

	CHECK(stop_server() == 0);
	start_server(PLACES);
	place_at(&p, AF_INET, SOCK_STREAM);
	for (int i = 0; i < PLACES; i++) {
		fds[i] = open_stream(&p.q);
		inners[i] = accept_one(&p);
	}
	/* The next one waits at the door. */
	late.fd = unix_connect(target.vsock, 1);
	CHECK(say(late.fd, "CONNECT 4093\n") && poll(&late, 1, 100) == 0);
	close(fds[3]);
	close(inners[3]);
	CHECK(wait_for(late.fd, POLLIN) && recv(late.fd, line, 8, 0) == 8);
	len = stream_req_encode(&p.q, request, sizeof(request));
	CHECK(frame_send(late.fd, FRAME_OPEN, request, (size_t)len) == 0);
	inners[3] = accept_one(&p);
	CHECK(inners[3] >= 0);
	fds[3] = late.fd;
	for (int i = 0; i < PLACES; i++) {
		close(fds[i]);
		close(inners[i]);
	}
	place_close(&p);
	CHECK(stop_server() == 0);
	start_server(0);
}

static void streams_leave_something_behind(void)
{
	unsigned rounds = getenv("STREAMS") ? (unsigned)atoi(getenv("STREAMS")) : MANY;
	struct place p;
	long kib;

	place_at(&p, AF_INET, SOCK_STREAM);
	kib = server_kib("RssAnon:");
	for (unsigned i = 0; i < rounds; i++) {
		int fd = open_stream(&p.q), inner = accept_one(&p);

		if (fd < 0 || inner < 0 || !say(fd, "x")) {
			CHECK(!"a stream");
			break;
		}
		if (i % 3)
			shutdown(fd, SHUT_WR);
		close(i % 2 ? fd : inner);
		close(i % 2 ? inner : fd);
	}
	CHECK(fds_become(0));
	printf("# RssAnon %ld KiB before, %ld KiB after %u streams\n", kib, server_kib("RssAnon:"),
	       rounds);
	CHECK(server_kib("RssAnon:") - kib < 1024);
	place_close(&p);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(folder))
		return 1;
	snprintf(target.name, sizeof(target.name), "test");
	snprintf(target.vsock, sizeof(target.vsock), "%s/vsock.sock", folder);
	start_server(0);
	TEST(a_destination_is_out_of_reach);
	TEST(a_refusal_does_not_say_why);
	TEST(a_full_unix_socket_is_not_waited_for);
	TEST(a_name_is_not_looked_up);
	TEST(a_sentence_is_missing);
	TEST(a_half_close_becomes_a_full_one);
	TEST(a_reset_looks_like_an_end);
	TEST(a_stream_outlives_its_host);
	TEST(a_host_that_goes_while_connecting_is_kept);
	TEST(bytes_change_on_their_way);
	TEST(what_comes_behind_the_request_is_lost);
	TEST(a_slow_reader_holds_up_others_or_loses_bytes);
	TEST(datagrams_run_together);
	TEST(datagrams_end_for_no_reason_or_never);
	TEST(a_change_of_localhost_is_told);
	TEST(nonsense_is_served);
	TEST(random_bytes_do_harm);
	TEST(more_than_there_are_places_are_turned_away);
	TEST(streams_leave_something_behind);
	check.failed = 0;
	if (stop_server() != 0) {
		printf("# the server did not end well\n");
		return 1;
	}
	unlink(target.vsock);
	rmdir(folder);
	return check_done();
}
