/* Probes of servers and commands that fail, lie, or are slow; and what people ask for wrongly. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "fake_vsock.h"
#include "host/probe.h"

static char folder[] = "/tmp/probe_test.XXXXXX";
static char socket_path[64];
static int dir;

static struct loop loop;
static struct probe_wishes wishes;
static struct strings bag;
static struct conditions table;
static struct probe probe;
static struct {
	unsigned holds, fails;
	char text[CONDITION_TEXT_MAX];
} heard;

/* --- a server of the host's --- */

static struct {
	struct listener listener;
	uint16_t port;
	unsigned came;
	const char *says[8]; /* in turn; the last goes on. NULL: closes without a word */
} server;

static void server_accepted(struct listener *l, int fd)
{
	unsigned i = MIN(server.came, COUNT(server.says) - 1);

	while (i && !server.says[i])
		i--;
	i = MIN(i, server.came);
	server.came++;
	if (server.says[i]) {
		CHECK(fd_write(fd, server.says[i], strlen(server.says[i])) > 0);
		if (server.says[i][0] != ' ')
			shutdown(fd, SHUT_WR); /* a close would reset what it has not read */
	}
	if (!server.says[i])
		fd_close(&fd);
	listener_release(l);
}

static void server_open(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memset(&server, 0, sizeof(server));
	server.listener = (struct listener)LISTENER_INIT;
	CHECK(bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, 16) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	server.port = ntohs(sa.sin_port);
	CHECK(listener_open(&server.listener, &loop, fd, 16, server_accepted) == 0);
}

/* --- the world --- */

static int (*awaited)(void);

static void turn_late(struct timer *t)
{
	(void)t;
	loop_stop(&loop, 1);
}

static void look(struct timer *t)
{
	if (awaited())
		loop_stop(&loop, 0);
	else
		loop_after(&loop, t, 1);
}

/* Until it is so, or ms have passed: nonzero when it came to be so. */
static int within(unsigned ms, int (*what)(void))
{
	static struct timer looking = { .due = look }, late = { .due = turn_late };
	int rc;

	awaited = what;
	loop_after(&loop, &late, ms);
	loop_after(&loop, &looking, 0);
	rc = loop_run(&loop);
	loop_cancel(&loop, &late);
	loop_cancel(&loop, &looking);
	return rc == 0;
}

static int holds(void)
{
	return probe.is_known && probe.holds;
}

static int fails(void)
{
	return probe.is_known && !probe.holds;
}

static void said(struct probe *p, enum probe_news news, const char *text)
{
	(void)p;
	heard.holds += news == PROBE_HOLDS;
	heard.fails += news == PROBE_FAILS;
	snprintf(heard.text, sizeof(heard.text), "%s", text);
}

static void world_open(void)
{
	struct err e = ERR_NONE;
	int fd;

	unlink(socket_path);
	memset(&heard, 0, sizeof(heard));
	memset(&wishes, 0, sizeof(wishes));
	bag.used = 0;
	loop = LOOP_INIT;
	fd = unix_listen(socket_path, 64, &e);
	CHECK(fd >= 0 && loop_open(&loop) == 0);
	fake_open(&loop, fd);
	server_open();
}

static void ask(const char *fmt, unsigned port)
{
	struct err e = ERR_NONE;
	char text[256];

	snprintf(text, sizeof(text), "%.200s", fmt);
	if (strstr(fmt, "%u"))
		snprintf(text, sizeof(text), "%.*s%u%s", (int)(strstr(fmt, "%u") - fmt), fmt, port,
			 strstr(fmt, "%u") + 2);
	CHECK(probewish_words(&wishes, &bag, "probe", text, &e) == 0);
	CHECK(probewish_check(&wishes, 1, &e) == 0);
	if (e.code)
		printf("# %s\n", e.text);
	conditions_init(&table);
	probe = PROBE_INIT;
	probe.wish = &wishes.probe[0];
	probe.c = conditions_add(&table, "probe:x");
	probe.said = said;
	probe_start(&probe, &loop, dir);
}

static void world_close(void)
{
	probe_stop(&probe);
	listener_close(&server.listener);
	fake_shut();
	loop_close(&loop);
}

static int text_has(const char *what)
{
	if (strstr(heard.text, what))
		return 1;
	printf("# '%s' is not in: %s\n", what, heard.text);
	return 0;
}

/* --- from the host --- */

static void an_http_status_is_not_looked_at(void)
{
	world_open();
	server.says[0] = "HTTP/1.1 503 Service Unavailable\r\n\r\n";
	server.says[1] = "HTTP/1.1 302 Found\r\n\r\n";
	ask("x http=127.0.0.1:%u/health from=host", server.port);
	CHECK(within(2000, holds) && server.came == 2 && heard.fails == 0);
	CHECK(text_has("answered with HTTP/1.1 302 Found"));
	CHECK(!strcmp(probe.c->last_error, "answered with HTTP/1.1 503 Service Unavailable"));
	world_close();

	world_open();
	server.says[0] = "HTTP/1.1 302 Found\r\n\r\n";
	ask("x status=200-299 fatal=no start-period=50ms retries=2 http=%u from=host", server.port);
	CHECK(within(2000, fails) && heard.holds == 0 && text_has("302 Found"));
	world_close();
}

static void a_port_that_answers_in_another_tongue_is_http(void)
{
	world_open();
	server.says[0] = "SSH-2.0-x\r\n";
	ask("x http=%u from=host start-period=0 retries=1", server.port);
	CHECK(within(2000, fails) && text_has("the answer is no HTTP: 'S'"));
	world_close();
}

static void a_banner_is_taken_from_who_closes(void)
{
	world_open();
	server.says[2] = "Welcome\r\nSSH-2.0-x\r\n";
	ask("x ssh-banner=%u from=host", server.port);
	CHECK(within(2000, holds) && server.came >= 3 && text_has("greeted as SSH-2.0-x"));
	CHECK(!strcmp(probe.c->last_error, "accepted, and closed without an answer"));
	world_close();
}

static void a_refused_port_is_open(void)
{
	uint16_t port;

	world_open();
	port = server.port;
	listener_close(&server.listener);
	ask("x tcp=%u from=host fatal=no start-period=100ms", port);
	CHECK(within(3000, fails) && heard.holds == 0);
	CHECK(text_has("Connection refused"));
	world_close();
}

static void one_failure_ends_what_holds(void)
{
	world_open();
	server.says[0] = "HTTP/1.0 200\r\n";
	ask("x http=%u from=host interval=100ms retries=3", server.port);
	CHECK(within(2000, holds));
	server.says[0] = "HTTP/1.0 500 Oops\r\n";
	server.came = 0;
	CHECK(within(5000, fails));
	CHECK(server.came == 3 && heard.fails == 1 && text_has("500 Oops"));
	server.says[0] = "HTTP/1.0 200\r\n";
	CHECK(within(5000, holds) && heard.holds == 2);
	world_close();
}

/* Before the start is over a failure says nothing, however many there are. */
static void a_failure_counts_before_the_start_is_over(void)
{
	world_open();
	ask("x ssh-banner=%u from=host start-period=400ms retries=1", server.port);
	CHECK(!within(250, fails) && server.came >= 4);
	CHECK(within(3000, fails));
	world_close();
	/* What is fatal and has no start period is for the start's own deadline. */
	world_open();
	ask("x ssh-banner=%u from=host retries=1", server.port);
	CHECK(!within(500, fails) && heard.fails == 0 && server.came >= 5);
	world_close();
}

static void a_server_that_is_silent_holds_the_probe(void)
{
	world_open();
	server.says[0] = " "; /* it goes on, and says no line */
	ask("x ssh-banner=%u from=host timeout=50ms fatal=no start-period=0 retries=2",
	    server.port);
	CHECK(within(3000, fails));
	world_close();
}

/* --- from the guest --- */

static unsigned asked;
static char argv_seen[200];

static void runs(struct fake_conn *c, const struct frame *f)
{
	static struct exec_req q;

	if (f->type != FRAME_EXEC)
		return;
	CHECK(exec_req_decode(&q, f->data, f->len) == 0);
	snprintf(argv_seen, sizeof(argv_seen), "%s|%s", q.argv[0], q.argc > 1 ? q.argv[1] : "");
	asked++;
	if (asked == 1)
		fake_refuses(c, REFUSED_NOT_FOUND, "pg_isready: not found");
	else
		fake_exits(c, asked == 2 ? 2 : 0, asked == 2 ? "no \033[2Jresponse\n" : "");
}

static void a_command_that_fails_is_a_success(void)
{
	world_open();
	asked = 0;
	fake.frame = runs;
	ask("x timeout=1s exec=pg_isready -q", 0);
	CHECK(within(2000, holds) && asked == 3);
	CHECK(!strcmp(argv_seen, "pg_isready|-q"));
	CHECK(!strcmp(probe.c->last_error, "its command ended with 2: no ?[2Jresponse"));
	CHECK(probe.c->attempts == 3);
	world_close();
}

static void a_command_that_hangs_holds_the_probe(void)
{
	world_open();
	fake.frame = NULL; /* it starts, and never ends */
	ask("x timeout=50ms fatal=no start-period=0 retries=3 exec=sleep 1000", 0);
	CHECK(within(3000, fails) && text_has("not over in time") && fake.dialled == 3);
	world_close();
}

static void a_guest_without_a_server_holds_the_probe(void)
{
	world_open();
	fake.is_frozen = 1;
	ask("x timeout=50ms fatal=no start-period=0 retries=2 tcp=80", 0);
	CHECK(within(3000, fails) && text_has("no answer within 50 ms"));
	world_close();
}

static void opens(struct fake_conn *c, const struct frame *f)
{
	struct stream_opened o = { "127.0.0.1:80" };
	struct stream_req q;
	uint8_t mem[128];
	long n = stream_opened_encode(&o, mem, sizeof(mem));

	if (f->type != FRAME_OPEN)
		return;
	CHECK(stream_req_decode(&q, f->data, f->len) == 0);
	snprintf(argv_seen, sizeof(argv_seen), "%s|%u", q.address, q.port);
	if (++asked == 1) {
		fake_refuses(c, REFUSED_CONNECTION, "127.0.0.1:80: Connection refused");
		return;
	}
	fake_say(c, FRAME_OPENED, mem, (size_t)n);
	/* In one piece with what follows: not a byte of that is the stream server's. */
	CHECK(fd_write(c->w.fd, "HTTP/1.1 204 No Content\r\n", 25) == 25);
}

static void an_answer_from_the_guest_is_lost(void)
{
	world_open();
	asked = 0;
	fake.frame = opens;
	ask("x http=80/health", 0);
	CHECK(within(2000, holds) && asked == 2 && !strcmp(argv_seen, "127.0.0.1|80"));
	CHECK(text_has("204 No Content"));
	CHECK(!strcmp(probe.c->last_error, "127.0.0.1:80: Connection refused"));
	world_close();
}

/* What a hostile guest may send where an answer should be. */
static void babbles(struct fake_conn *c, const struct frame *f)
{
	static const char *const nonsense[] = { "\x51\xff\xff\xff\xff", "\x17\0\0\0\x01x",
						"\x02\0\0\0\0", "HTTP/1.1 200 OK\r\n\r\n" };

	(void)f;
	CHECK(fd_write(c->w.fd, nonsense[asked % 4], asked % 4 == 3 ? 19 : 5) > 0);
	asked++;
}

static void nonsense_from_the_guest_is_an_answer(void)
{
	world_open();
	asked = 0;
	fake.frame = babbles;
	ask("x http=80 timeout=50ms start-period=300ms retries=4", 0);
	CHECK(within(5000, fails) && heard.holds == 0 && asked >= 8);
	world_close();
	world_open();
	asked = 0;
	fake.frame = babbles;
	ask("x timeout=50ms start-period=300ms retries=4 exec=true", 0);
	CHECK(within(5000, fails) && heard.holds == 0 && asked >= 8);
	world_close();
}

/* --- what people write --- */

static void a_wrong_wish_is_taken(void)
{
	static const struct {
		const char *text, *sentence;
	} bad[] = {
		{ "", "no name of a probe" },
		{ "Web tcp=80", "no name of a probe" },
		{ "web", "tries nothing" },
		{ "web interval=5s", "tries nothing" },
		{ "web tcp", "is not KEY=VALUE" },
		{ "web port=80", "'port' is not said of a probe" },
		{ "web tcp=", "is no address" },
		{ "web tcp=0", "is no address" },
		{ "web tcp=65536", "is no address" },
		{ "web tcp=:80", "is no address" },
		{ "web tcp=::1:80x", "is no address" },
		{ "web tcp=80 http=80", "is of tcp already" },
		{ "web http=80/a%20\x01", "has a byte in its path" },
		{ "web unix=run/x.sock", "is no path of a socket" },
		{ "web exec=", "is empty" },
		{ "web exec=true from=host", "no key" },
		{ "web tcp=80 status=700", "is no status" },
		{ "web tcp=80 status=300-200", "is no status" },
		{ "web tcp=80 retries=0", "not a whole number" },
		{ "web tcp=80 interval=1ms", "not a time of 100 ms" },
		{ "web tcp=80 timeout=11m", "more than 10 minutes" },
		{ "web tcp=80 fatal=maybe", "neither yes nor no" },
		{ "web tcp=80 from=mars", "neither guest nor host" },
		{ "web tcp=db:80 from=host", "has to be an address" },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e = ERR_NONE;
		int rc;

		memset(&wishes, 0, sizeof(wishes));
		bag.used = 0;
		rc = probewish_words(&wishes, &bag, "--probe", bad[i].text, &e);
		if (rc == 0)
			rc = probewish_check(&wishes, 1, &e);
		if (strcmp(bad[i].sentence, "no key") == 0) {
			CHECK(rc == 0); /* exec takes all that follows */
			continue;
		}
		if (rc >= 0 || !strstr(e.text, bad[i].sentence))
			printf("# %s: %d, %s\n", bad[i].text, rc, e.text);
		CHECK(rc < 0 && e.exit == 2 && strstr(e.text, bad[i].sentence));
	}
}

static void a_plain_vm_is_asked_from_inside(void)
{
	struct err e = ERR_NONE;

	memset(&wishes, 0, sizeof(wishes));
	CHECK(probewish_words(&wishes, &bag, "--probe", "web tcp=80", &e) == 0);
	CHECK(probewish_check(&wishes, 0, &e) < 0 && strstr(e.text, "from = host"));
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(socket_path, sizeof(socket_path), "%s/vsock.sock", folder);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	TEST(an_http_status_is_not_looked_at);
	TEST(a_port_that_answers_in_another_tongue_is_http);
	TEST(a_banner_is_taken_from_who_closes);
	TEST(a_refused_port_is_open);
	TEST(one_failure_ends_what_holds);
	TEST(a_failure_counts_before_the_start_is_over);
	TEST(a_server_that_is_silent_holds_the_probe);
	TEST(a_command_that_fails_is_a_success);
	TEST(a_command_that_hangs_holds_the_probe);
	TEST(a_guest_without_a_server_holds_the_probe);
	TEST(an_answer_from_the_guest_is_lost);
	TEST(nonsense_from_the_guest_is_an_answer);
	TEST(a_wrong_wish_is_taken);
	TEST(a_plain_vm_is_asked_from_inside);
	unlink(socket_path);
	close(dir);
	rmdir(folder);
	return check_done();
}
