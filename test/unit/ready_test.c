/* Guests that are not what they seem, and what is said of them: nothing is ready without proof. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "fake_vsock.h"
#include "host/ready.h"

static char folder[] = "/tmp/ready_test.XXXXXX";
static char socket_path[64], beacon_path[64], notify_path[64];
static int dir;

static struct loop loop;
static struct timeline tl;
static struct ready ready;
static struct ready_ask ask;
static struct probe_wishes probes;
static struct script_wishes scripts;
static struct strings bag;
static const char boot_id[] = "01234567-89ab-cdef-0123-456789abcdef";

/* --- an SSH server of sorts, on a port that everybody can reach --- */

static struct {
	struct listener listener;
	uint16_t port;
	unsigned came;
	unsigned closes;  /* so many are accepted and closed without a word */
	const char *says; /* what the others get; NULL: nothing, and no close either */
	int said;	  /* somebody was greeted in full */
} sshd;

static void sshd_accepted(struct listener *l, int fd)
{
	int is_closed = sshd.came++ < sshd.closes;

	if (!is_closed && sshd.says) {
		CHECK(fd_write(fd, sshd.says, strlen(sshd.says)) > 0);
		sshd.said = strchr(sshd.says, '\n') != NULL;
	}
	if (is_closed || sshd.says)
		fd_close(&fd); /* else it is left open, and silent, until the test ends */
	listener_release(l);
}

static void sshd_open(unsigned closes, const char *says)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memset(&sshd, 0, sizeof(sshd));
	sshd.listener = (struct listener)LISTENER_INIT;
	sshd.closes = closes;
	sshd.says = says;
	CHECK(bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, 16) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	sshd.port = ntohs(sa.sin_port);
	CHECK(listener_open(&sshd.listener, &loop, fd, 16, sshd_accepted) == 0);
}

static void expect_ssh(void)
{
	struct err e = ERR_NONE;
	struct endpoint where;
	char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%u", sshd.port);
	CHECK(endpoint_parse(&where, text, &e) == 0);
	ready_expect_ssh(&ready, &where);
}

/* --- the world --- */

static int is_ready, was_ready_too_soon;

static void changed(struct ready *r, const struct condition *c)
{
	(void)c;
	is_ready = ready_is(r);
	was_ready_too_soon |= is_ready && ready.ssh.port && !sshd.said;
}

static struct timer late;
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

/* For what only time can show: nobody looks meanwhile. */
static int never(void)
{
	return 0;
}

/* Until it is so, or ms have passed: nonzero when it came to be so. */
static int within(unsigned ms, int (*what)(void))
{
	static struct timer looking = { .due = look };
	int rc;

	awaited = what;
	late.due = turn_late;
	loop_after(&loop, &late, ms);
	if (what != never)
		loop_after(&loop, &looking, 0);
	rc = loop_run(&loop);
	loop_cancel(&loop, &late);
	loop_cancel(&loop, &looking);
	return rc == 0;
}

static int is_ready_now(void)
{
	return is_ready;
}

static int is_hopeless(void)
{
	return ready.hopeless;
}

static void world_open(void)
{
	unlink(socket_path);
	unlink(beacon_path);
	unlink(notify_path);
	loop = LOOP_INIT;
	CHECK(loop_open(&loop) == 0);
	tl = TIMELINE_NONE;
	tl.vm = "test";
	tl.boot = boot_id;
	is_ready = was_ready_too_soon = 0;
	memset(&probes, 0, sizeof(probes));
	memset(&scripts, 0, sizeof(scripts));
	bag.used = 0;
	ask = (struct ready_ask){ .way = BOOT_OURS, .probes = &probes, .scripts = &scripts };
	sshd.listener = (struct listener)LISTENER_INIT;
	ready_init(&ready);
}

static void begin(void)
{
	struct err e = ERR_NONE;
	int vsock = unix_listen(socket_path, 64, &e);
	int beacon = unix_listen(beacon_path, 8, &e);
	int notify = unix_listen(notify_path, 8, &e);

	CHECK(vsock >= 0 && beacon >= 0 && notify >= 0);
	fake_open(&loop, vsock);
	ready_expect(&ready, &ask);
	CHECK(ready_start(&ready, &loop, &tl, beacon, notify, dir, changed) == 0);
}

static void world_close(void)
{
	ready_stop(&ready);
	fake_shut();
	if (sshd.listener.w.fd >= 0)
		listener_close(&sshd.listener);
	loop_close(&loop);
}

/* --- the guest's part --- */

static void heartbeat_back(struct fake_conn *c, const struct frame *f)
{
	if (f->type == FRAME_HEARTBEAT)
		fake_say(c, f->type, f->data, f->len);
}

static int guest_says_hello(void)
{
	struct beacon_hello h = { PROTOCOL_VERSION, boot_id, "test" };
	uint8_t text[256];
	long n = beacon_hello_encode(&h, text, sizeof(text));
	int fd = unix_connect(beacon_path, 0);

	CHECK(fd >= 0 && frame_send(fd, FRAME_HELLO, text, (size_t)n) == 0);
	return fd;
}

static int guest_comes_up(void)
{
	int fd = guest_says_hello();

	CHECK(frame_send(fd, FRAME_READY, NULL, 0) == 0);
	return fd;
}

static const char *unmet(void)
{
	static char text[600];

	conditions_unmet(ready_conditions(&ready), text, sizeof(text));
	return text;
}

static int says(const char *text, const char *what)
{
	if (strstr(text, what))
		return 1;
	printf("# '%s' is not in: %s\n", what, text);
	return 0;
}

/* --- the tests --- */

static void a_guest_whose_agent_is_frozen_is_ready(void)
{
	int beacon;

	world_open();
	begin();
	fake.is_frozen = 1;
	ready_vm_alive(&ready, 1, "it runs");
	CHECK(!within(50, is_ready_now) &&
	      says(unmet(), "agent_up does not hold: the guest has not said hello"));
	beacon = guest_says_hello();
	CHECK(!within(50, is_ready_now) && says(unmet(), "said hello, but not ready"));
	CHECK(frame_send(beacon, FRAME_READY, NULL, 0) == 0);
	CHECK(!within(100, is_ready_now));
	CHECK(says(unmet(), "exec server did not answer (1 attempt, no answer so far)"));
	close(beacon);
	world_close();
}

static void an_attempt_that_is_never_answered_is_the_last(void)
{
	int beacon;

	world_open();
	begin();
	fake.is_frozen = 1;
	ready_vm_alive(&ready, 1, "it runs");
	beacon = guest_comes_up();
	CHECK(!within(300, is_ready_now) && fake.dialled == 1);
	fake.is_frozen = 0;
	fake.frame = heartbeat_back;
	CHECK(within(5000, is_ready_now) && fake.dialled == 2);
	close(beacon);
	world_close();
}

/* D1: what accepts and closes is no server; and a greeting must be whole. */
static void a_port_that_accepts_and_closes_is_a_server(void)
{
	int beacon;

	world_open();
	sshd_open(12, "SSH-2.0-late\r\n");
	begin();
	fake.frame = heartbeat_back;
	expect_ssh();
	ready_vm_alive(&ready, 1, "it runs");
	beacon = guest_comes_up();
	CHECK(within(5000, is_ready_now));
	CHECK(!was_ready_too_soon && sshd.came >= 13);
	CHECK(ready.conditions.list[SSH_BANNER].attempts == 13);
	CHECK(says(ready.conditions.list[SSH_BANNER].reason, "greeted as SSH-2.0-late"));
	close(beacon);
	world_close();
}

static void half_a_banner_is_one(void)
{
	int beacon;

	world_open();
	sshd_open(0, "SSH-2.0-half");
	begin();
	fake.frame = heartbeat_back;
	expect_ssh();
	ready_vm_alive(&ready, 1, "it runs");
	beacon = guest_comes_up();
	CHECK(!within(300, is_ready_now));
	CHECK(says(unmet(), "ssh_banner does not hold"));
	close(beacon);
	world_close();
}

/* D21: whoever waits for what does not come sleeps. */
static void a_server_that_only_closes_is_asked_all_the_time(void)
{
	struct rusage before, after;
	int beacon;

	world_open();
	sshd_open(1000000, NULL);
	begin();
	fake.frame = heartbeat_back;
	expect_ssh();
	ready_vm_alive(&ready, 1, "it runs");
	beacon = guest_comes_up();
	CHECK(!within(300, is_ready_now)); /* past the hurry */
	sshd.came = 0;
	getrusage(RUSAGE_SELF, &before);
	CHECK(!within(2000, never));
	getrusage(RUSAGE_SELF, &after);
	printf("# in 2 s: %u attempts, %ld sleeps\n", sshd.came, after.ru_nvcsw - before.ru_nvcsw);
	CHECK(sshd.came >= 40 && sshd.came <= 110);
	CHECK(after.ru_nvcsw - before.ru_nvcsw <=
	      3 * 110); /* of both ends: the server is here, too */
	CHECK(says(unmet(), "ssh_banner does not hold"));
	CHECK(says(unmet(), "the last: "));
	close(beacon);
	world_close();
}

/* D2: no answer is none, and is told. */
static void silence_is_an_answer(void)
{
	int beacon;

	world_open();
	sshd_open(0, NULL);
	begin();
	fake.frame = heartbeat_back;
	expect_ssh();
	ready_vm_alive(&ready, 1, "it runs");
	beacon = guest_comes_up();
	CHECK(!within(300, is_ready_now) && sshd.came == 1);
	CHECK(says(unmet(), "ssh_banner does not hold: no SSH server has answered (1 attempt, "
			    "no answer so far)"));
	close(beacon);
	world_close();
}

static void what_is_no_ssh_is_waited_for(void)
{
	int beacon;

	world_open();
	sshd_open(0, "SSH-1.5-ancient\r\n");
	begin();
	fake.frame = heartbeat_back;
	expect_ssh();
	ready_vm_alive(&ready, 1, "it runs");
	beacon = guest_comes_up();
	CHECK(within(2000, is_hopeless) && ready.hopeless == 1 && !is_ready);
	CHECK(says(ready.why, "version 1.5 of SSH"));
	close(beacon);
	world_close();
}

/* Plain: nothing of ours in the guest. */
static void a_plain_vm_is_ready_without_proof(void)
{
	world_open();
	sshd_open(3, "SSH-2.0-plain\r\n");
	ask.way = BOOT_PLAIN;
	begin();
	fake.is_frozen = 1;
	expect_ssh();
	CHECK(!within(50, is_ready_now));
	ready_vm_alive(&ready, 1, "it runs");
	CHECK(within(5000, is_ready_now) && !was_ready_too_soon && sshd.came >= 4);
	CHECK(fake.dialled == 0);
	world_close();
}

/* --- boot_done --- */

static void tell_systemd(const char *message)
{
	int fd = unix_connect(notify_path, 0);
	char c;

	CHECK(fd >= 0 && fd_write(fd, message, strlen(message)) > 0);
	CHECK(shutdown(fd, SHUT_WR) == 0);
	CHECK(!within(20, never));
	CHECK(recv(fd, &c, 1, MSG_DONTWAIT) == 0); /* systemd waits for this */
	close(fd);
}

static void a_booting_systemd_is_through(void)
{
	world_open();
	ask.way = BOOT_PLAIN;
	ask.required = 1u << BOOT_DONE;
	begin();
	ready_vm_alive(&ready, 1, "it runs");
	tell_systemd("X_SYSTEMD_UNIT_ACTIVE=sysinit.target");
	CHECK(says(unmet(), "has reached sysinit.target"));
	tell_systemd("READY=10\nSTATUS=READY=1");
	CHECK(!is_ready);
	tell_systemd("READY=1\nSTATUS=Ready.");
	CHECK(is_ready);
	tell_systemd("READY=1\nSTATUS=Ready."); /* a reload says it again */
	CHECK(is_ready);
	world_close();
}

/* A connection that is not ended holds up the guest's boot: it is given an end. */
static void a_message_without_an_end_is_waited_for(void)
{
	int fd;
	char c;

	world_open();
	ask.way = BOOT_PLAIN;
	begin();
	fd = unix_connect(notify_path, 0);
	CHECK(fd >= 0 && fd_write(fd, "READY=1", 7) == 7);
	CHECK(!within(200, never));
	CHECK(recv(fd, &c, 1, MSG_DONTWAIT) == 0);
	close(fd);
	world_close();
}

static unsigned asked;

/* systemctl as it is during a boot: no bus, still starting, and then through. */
static void systemctl(struct fake_conn *c, const struct frame *f)
{
	static const char *const says_[] = { "Failed to connect to bus\n", "starting\n",
					     "degraded\n" };

	heartbeat_back(c, f);
	if (f->type == FRAME_EXEC) {
		unsigned i = MIN(asked, 2u);

		asked++;
		fake_exits(c, 1, says_[i]);
	}
}

static void another_init_is_through_when_its_agent_is(void)
{
	char text[200];
	int beacon;

	world_open();
	ask.way = BOOT_OTHER;
	ask.required = 1u << BOOT_DONE;
	begin();
	asked = 0;
	fake.frame = systemctl;
	ready_vm_alive(&ready, 1, "it runs");
	beacon = guest_comes_up();
	CHECK(within(3000, is_ready_now) && asked == 3);
	CHECK(says(ready_degraded(&ready, text, sizeof(text)), "systemd says degraded"));
	close(beacon);
	world_close();
}

static void no_systemctl(struct fake_conn *c, const struct frame *f)
{
	heartbeat_back(c, f);
	if (f->type == FRAME_EXEC)
		fake_refuses(c, REFUSED_NOT_FOUND, "systemctl: not found");
}

static void an_init_that_says_nothing_is_through(void)
{
	int beacon;

	world_open();
	ask.way = BOOT_OTHER;
	ask.required = 1u << BOOT_DONE;
	begin();
	fake.frame = no_systemctl;
	ready_vm_alive(&ready, 1, "it runs");
	beacon = guest_comes_up();
	CHECK(!within(300, is_ready_now));
	CHECK(says(unmet(), "boot_done does not hold: the guest's init is no systemd"));
	close(beacon);
	world_close();
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(socket_path, sizeof(socket_path), "%s/vsock.sock", folder);
	snprintf(beacon_path, sizeof(beacon_path), "%s/vsock.sock_4088", folder);
	snprintf(notify_path, sizeof(notify_path), "%s/vsock.sock_4094", folder);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	TEST(a_guest_whose_agent_is_frozen_is_ready);
	TEST(an_attempt_that_is_never_answered_is_the_last);
	TEST(a_port_that_accepts_and_closes_is_a_server);
	TEST(half_a_banner_is_one);
	TEST(a_server_that_only_closes_is_asked_all_the_time);
	TEST(silence_is_an_answer);
	TEST(what_is_no_ssh_is_waited_for);
	TEST(a_plain_vm_is_ready_without_proof);
	TEST(a_booting_systemd_is_through);
	TEST(a_message_without_an_end_is_waited_for);
	TEST(another_init_is_through_when_its_agent_is);
	TEST(an_init_that_says_nothing_is_through);
	close(dir);
	unlink(socket_path);
	unlink(beacon_path);
	unlink(notify_path);
	rmdir(folder);
	return check_done();
}
