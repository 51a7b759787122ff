/* The prober against servers that misbehave in each way there is, over real sockets. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "ssh/prober.h"

enum { LONG_MS = 20000 }; /* longer than anything takes on a busy machine */

static char folder[] = "/tmp/prober_test.XXXXXX";
static struct loop loop = { .epfd = -1, .wakefd = -1, .sigfd = -1 };

/* --- servers: each in a process of its own, one connection behind the other --- */

static void say(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Reads until the client has ended its half, as sshd does; so closing is no reset. */
static void hear_out(int fd)
{
	char some[512];

	while (read(fd, some, sizeof(some)) > 0)
		;
}

static void is_fine(int fd, int turn)
{
	(void)turn;
	say(fd, "SSH-2.0-test\r\n");
	hear_out(fd);
}

static void is_slow(int fd, int turn)
{
	static const char text[] = "Hello\r\n\r\nSSH-2.0-test\r\n";

	(void)turn;
	for (const char *at = text; *at; at++) {
		(void)send(fd, at, 1, MSG_NOSIGNAL);
		usleep(1000);
	}
	hear_out(fd);
}

static void closes(int fd, int turn)
{
	(void)turn;
	shutdown(fd, SHUT_WR);
	hear_out(fd);
}

static void resets(int fd, int turn)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)turn;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void hangs(int fd, int turn)
{
	(void)turn;
	hear_out(fd);
}

static void speaks_http(int fd, int turn)
{
	(void)turn;
	say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
	hear_out(fd);
}

static void is_from_the_future(int fd, int turn)
{
	(void)turn;
	say(fd, "SSH-2.1-test\r\n");
	hear_out(fd);
}

static void closes_thrice(int fd, int turn)
{
	if (turn < 3)
		closes(fd, turn);
	else
		is_fine(fd, turn);
}

static void hear_connect(int fd)
{
	char c = 0;

	while (c != '\n' && read(fd, &c, 1) == 1)
		;
}

static void is_a_mux(int fd, int turn)
{
	hear_connect(fd);
	say(fd, "OK 1073741824\n");
	is_fine(fd, turn);
}

/* The dialect's answer, and nobody behind it who would hear our first word. */
static void is_a_mux_and_hangs_up(int fd, int turn)
{
	(void)turn;
	hear_connect(fd);
	shutdown(fd, SHUT_RD);
	say(fd, "OK 1073741824\n");
}

static void is_a_mux_without_a_guest(int fd, int turn)
{
	(void)fd;
	(void)turn;
}

static pid_t serve(int listener, void (*with)(int fd, int turn))
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (int turn = 0;; turn++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(1);
		with(fd, turn);
		close(fd);
	}
}

static void end_server(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int listen_tcp(struct address *at, int backlog)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at->len = sizeof(in);
	if (bind(fd, (void *)&in, sizeof(in)) < 0 || listen(fd, backlog) < 0 ||
	    getsockname(fd, (void *)&at->sa, &at->len) < 0)
		abort();
	return fd;
}

/* --- the prober --- */

static void done(struct prober *p)
{
	if (!p->left)
		loop_stop(p->loop, 0);
}

static void left(struct prober *p)
{
	loop_stop(p->loop, 0);
}

static void stuck(struct timer *t)
{
	(void)t;
	loop_stop(&loop, 1);
}

static struct probe_result probe(const struct endpoint *where, struct probe_limits limits)
{
	static struct prober p;
	struct timer guard = { .due = stuck };

	p = (struct prober){
		.loop = &loop, .where = where, .limits = limits, .done = done, .left = left
	};
	loop_after(&loop, &guard, LONG_MS);
	prober_start(&p);
	CHECK(loop_run(&loop) == 0);
	loop_cancel(&loop, &guard);
	CHECK(loop.timers == NULL);
	prober_stop(&p);
	if (p.result.verdict != PROBE_OK)
		printf("# %s: %s, after %lld ms and %u attempts\n", p.result.address, p.result.why,
		       (long long)p.result.elapsed_ms, p.result.attempts);
	return p.result;
}

static struct probe_result probe_tcp(void (*with)(int fd, int turn), struct probe_limits limits)
{
	struct endpoint where = { .kind = ENDPOINT_TCP, .addresses.count = 1 };
	int fd = listen_tcp(&where.addresses.at[0], 16);
	pid_t server = serve(fd, with);
	struct probe_result r;

	close(fd);
	r = probe(&where, limits);
	end_server(server);
	return r;
}

static void an_answer_has_the_wrong_class(void)
{
	static const struct {
		void (*with)(int fd, int turn);
		enum probe_class verdict;
		const char *says;
	} cases[] = {
		{ is_fine, PROBE_OK, "" },
		{ is_slow, PROBE_OK, "" },
		{ closes, PROBE_CLOSED, "closed the connection" },
		{ resets, PROBE_RESET, "reset" },
		{ hangs, PROBE_TIMEOUT, "no identification came within 50 ms" },
		{ speaks_http, PROBE_NOT_SSH, "HTTP" },
		{ is_from_the_future, PROBE_UNSUPPORTED_VERSION, "2.1" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned read_ms = cases[i].verdict == PROBE_TIMEOUT ? 50 : LONG_MS;
		struct probe_result r = probe_tcp(cases[i].with,
						  (struct probe_limits){ .read_ms = read_ms });

		CHECK(r.verdict == cases[i].verdict);
		CHECK(strstr(r.why, cases[i].says));
		CHECK(r.attempts == 1);
		CHECK(!strcmp(r.banner, r.verdict == PROBE_OK ? "SSH-2.0-test" : ""));
	}
}

static void a_refusal_has_the_wrong_class(void)
{
	struct endpoint where = { .kind = ENDPOINT_TCP, .addresses.count = 1 };
	int fd = listen_tcp(&where.addresses.at[0], 1);

	close(fd);
	CHECK(probe(&where, (struct probe_limits){ 0 }).verdict == PROBE_REFUSED);
}

static struct probe_result probe_socket(enum endpoint_kind kind, void (*with)(int fd, int turn))
{
	struct endpoint where = { .kind = kind, .port = 22 };
	struct err e = ERR_NONE;
	struct probe_result r;
	pid_t server = 0;
	int fd;

	snprintf(where.path, sizeof(where.path), "%s/sock", folder);
	if (with) {
		fd = unix_listen(where.path, 8, &e);
		fcntl(fd, F_SETFL, 0);
		server = serve(fd, with);
		close(fd);
	}
	r = probe(&where, (struct probe_limits){ .read_ms = LONG_MS });
	if (server)
		end_server(server);
	unlink(where.path);
	return r;
}

static void a_socket_of_a_path_is_probed_wrongly(void)
{
	CHECK(probe_socket(ENDPOINT_UNIX, NULL).verdict == PROBE_REFUSED);
	CHECK(probe_socket(ENDPOINT_UNIX, is_slow).verdict == PROBE_OK);
	CHECK(probe_socket(ENDPOINT_MUX, is_a_mux).verdict == PROBE_OK);
	CHECK(probe_socket(ENDPOINT_MUX, is_a_mux_and_hangs_up).verdict == PROBE_EPIPE);
	CHECK(probe_socket(ENDPOINT_MUX, is_a_mux_without_a_guest).verdict == PROBE_REFUSED);
	CHECK(probe_socket(ENDPOINT_MUX, is_fine).verdict == PROBE_NOT_SSH);
}

static void waiting_ends_before_the_server_is_there(void)
{
	struct probe_limits limits = { .wait = 1, .timeout_ms = LONG_MS };
	struct probe_result r = probe_tcp(closes_thrice, limits);

	CHECK(r.verdict == PROBE_OK);
	CHECK(r.attempts == 4);
}

static void waiting_goes_on_when_all_is_said(void)
{
	struct probe_limits limits = { .wait = 1, .timeout_ms = LONG_MS };

	CHECK(probe_tcp(speaks_http, limits).attempts == 1);
	CHECK(probe_tcp(is_from_the_future, limits).attempts == 1);
}

static void the_deadline_is_not_kept(void)
{
	struct probe_limits limits = { .wait = 1, .timeout_ms = 300 };
	struct probe_result r = probe_tcp(closes, limits);

	CHECK(r.verdict == PROBE_CLOSED && r.attempts > 2);
	CHECK(r.elapsed_ms >= 300 && r.elapsed_ms < 3000);
	r = probe_tcp(hangs, limits);
	CHECK(r.verdict == PROBE_TIMEOUT && r.attempts == 1);
	CHECK(r.elapsed_ms >= 300 && r.elapsed_ms < 3000);
}

/* A server whose queue is full answers a SYN with nothing at all. */
static int listen_dead(struct address *at, int fill[3])
{
	int fd = listen_tcp(at, 0);

	for (int i = 0; i < 3; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fill[i], (void *)&at->sa, at->len);
	}
	return fd;
}

static void a_dead_address_holds_up_the_others(void)
{
	struct endpoint where = { .kind = ENDPOINT_TCP, .addresses.count = 2 };
	int fill[3], dead = listen_dead(&where.addresses.at[0], fill);
	int fd = listen_tcp(&where.addresses.at[1], 16);
	pid_t server = serve(fd, is_fine);
	struct probe_result r = probe(
		&where, (struct probe_limits){ .connect_ms = LONG_MS, .timeout_ms = LONG_MS });

	CHECK(r.verdict == PROBE_OK);
	CHECK(r.elapsed_ms >= 200 && r.elapsed_ms < 3000);
	end_server(server);
	r = probe(&where, (struct probe_limits){ .connect_ms = 500, .read_ms = 300 });
	CHECK(r.verdict == PROBE_TIMEOUT); /* fd is open and nobody accepts: both are silent */
	close(fd);
	r = probe(&where, (struct probe_limits){ .connect_ms = 500 });
	CHECK(r.verdict == PROBE_REFUSED); /* says more than silence */
	for (int i = 0; i < 3; i++)
		close(fill[i]);
	close(dead);
}

static void a_name_is_not_found(void)
{
	struct endpoint where;
	struct err e = ERR_NONE;
	struct probe_result r;
	char text[32];
	int fd = listen_tcp(&where.addresses.at[0], 16);
	struct sockaddr_in in;
	pid_t server = serve(fd, is_fine);

	memcpy(&in, &where.addresses.at[0].sa, sizeof(in));
	snprintf(text, sizeof(text), "localhost:%u", ntohs(in.sin_port));
	CHECK(endpoint_parse(&where, text, &e) == 0 && endpoint_is_name(&where));
	r = probe(&where, (struct probe_limits){ .read_ms = LONG_MS });
	CHECK(r.verdict == PROBE_OK);
	end_server(server);
	close(fd);
	CHECK(endpoint_parse(&where, "no such name.invalid", &e) == 0);
	r = probe(&where, (struct probe_limits){ 0 });
	CHECK(r.verdict == PROBE_REFUSED && *r.why);
}

static void a_prober_cannot_be_stopped(void)
{
	struct endpoint where = { .kind = ENDPOINT_TCP, .addresses.count = 1 };
	int fd = listen_tcp(&where.addresses.at[0], 16);
	struct prober p = { .loop = &loop, .where = &where, .done = done };

	prober_stop(&p);
	prober_start(&p);
	CHECK(loop.timers != NULL);
	prober_stop(&p);
	CHECK(loop.timers == NULL);
	prober_stop(&p);
	close(fd);
}

static void an_endpoint_is_misread(void)
{
	static const struct {
		const char *text, *as; /* NULL: wrong usage */
		int is_name;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1:22", 0 },
		{ "127.0.0.1:2222", "127.0.0.1:2222", 0 },
		{ "[::1]:2222", "[::1]:2222", 0 },
		{ "[::1]", "[::1]:22", 0 },
		{ "::1", "[::1]:22", 0 },
		{ "web.example", "web.example:22", 1 },
		{ "web.example:1", "web.example:1", 1 },
		{ "unix:/run/x:y", "unix:/run/x:y", 0 },
		{ "vsock:3:22", "vsock:3:22", 0 },
		{ "vsock-mux:/run/v.sock:22", "vsock-mux:/run/v.sock:22", 0 },
		{ "web:0", NULL, 0 },
		{ "web:65536", NULL, 0 },
		{ "web:", NULL, 0 },
		{ ":22", NULL, 0 },
		{ "", NULL, 0 },
		{ "[::1", NULL, 0 },
		{ "[::1]22", NULL, 0 },
		{ "unix:", NULL, 0 },
		{ "vsock:3", NULL, 0 },
		{ "vsock:x:22", NULL, 0 },
		{ "vsock-mux:/run/v.sock", NULL, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[ENDPOINT_TEXT_ROOM];
		struct err e = ERR_NONE;
		struct endpoint p;
		int rc = endpoint_parse(&p, cases[i].text, &e);

		if ((rc == 0) != (cases[i].as != NULL))
			printf("# '%s': %s\n", cases[i].text, e.text);
		CHECK((rc == 0) == (cases[i].as != NULL));
		CHECK(rc == 0 || e.exit == 2);
		if (rc < 0)
			continue;
		endpoint_text(text, &p, p.addresses.count ? &p.addresses.at[0] : NULL);
		CHECK(!strcmp(text, cases[i].as));
		CHECK(endpoint_is_name(&p) == cases[i].is_name);
	}
}

int main(void)
{
	if (!mkdtemp(folder) || loop_open(&loop) < 0)
		return 1;
	TEST(an_endpoint_is_misread);
	TEST(an_answer_has_the_wrong_class);
	TEST(a_refusal_has_the_wrong_class);
	TEST(a_socket_of_a_path_is_probed_wrongly);
	TEST(waiting_ends_before_the_server_is_there);
	TEST(waiting_goes_on_when_all_is_said);
	TEST(the_deadline_is_not_kept);
	TEST(a_dead_address_holds_up_the_others);
	TEST(a_name_is_not_found);
	TEST(a_prober_cannot_be_stopped);
	loop_close(&loop);
	rmdir(folder);
	return check_done();
}
