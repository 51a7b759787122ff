/* A client in a network namespace of the test's own, and a server at the other end of its tap. */
#include "guest/dhcp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "check.h"
#include "guest/ifup.h"

enum { FRAME_MAX = 2048, TOO_LONG_MS = 15000 };

static struct loop loop;
static struct ifup ifup;
static struct watch tap;
static struct timer too_long;
static const char *script; /* how each question is answered; behind its end none is */
static char asked[32];	   /* D, R; r: in a unicast */
static char happened[32];  /* +: a lease, -: lost, O: over, F: over with a failure */
static size_t stop_at;	   /* as many letters of it */
static uint8_t lease_s;
static unsigned patience_ms = 2000; /* of the stage */
static struct err last;

static int cannot(const char **why)
{
	static int made;

	if (!made && unshare(CLONE_NEWNET) < 0) {
		*why = "this user may not make a network namespace";
		return 1;
	}
	made = 1;
	if (access("/dev/net/tun", W_OK) < 0) {
		*why = "there is no /dev/net/tun here";
		return 1;
	}
	return 0;
}

/* --- the server --- */

static void answer(const uint8_t *question, uint8_t type, uint8_t server, uint32_t xid_off,
		   int hostile)
{
	uint8_t message[320] = { 2, 1, 6 }, frame[FRAME_MAX];
	uint8_t options[] = { 0x63,
			      0x82,
			      0x53,
			      0x63,
			      53,
			      1,
			      type,
			      54,
			      4,
			      10,
			      7,
			      0,
			      server,
			      51,
			      4,
			      0,
			      0,
			      0,
			      lease_s,
			      1,
			      4,
			      255,
			      255,
			      255,
			      0,
			      58,
			      4,
			      0,
			      0,
			      0,
			      (uint8_t)(lease_s / 3),
			      59,
			      4,
			      0,
			      0,
			      0,
			      (uint8_t)(lease_s / 3 * 2),
			      3,
			      4,
			      10,
			      7,
			      0,
			      1,
			      6,
			      4,
			      10,
			      7,
			      0,
			      53,
			      255 };
	long n;

	memcpy(message + 4, question + 4, 4);
	message[7] ^= (uint8_t)xid_off;
	memcpy(message + 16, (uint8_t[]){ 10, 7, 0, server == 1 ? 5 : 66 }, 4);
	memcpy(message + 28, question + 28, 6);
	if (hostile)
		options[8] = 250; /* the server's address goes beyond the end */
	memcpy(message + 236, options, sizeof(options));
	memset(frame, 0xff, 6);
	memcpy(frame + 6, (uint8_t[]){ 2, 0, 0, 0, 7, server, 8, 0 }, 8);
	n = dhcp_wrap(message, sizeof(message), frame + 14, sizeof(frame) - 14);
	frame[14 + 21] = 67, frame[14 + 23] = 68;
	CHECK(n > 0 && fd_write(tap.fd, frame, (size_t)n + 14) == n + 14);
}

static void act(const uint8_t *question)
{
	switch (*script ? *script++ : '.') {
	case 'o':
		answer(question, DHCP_OFFER, 1, 0, 0);
		break;
	case 'a':
		answer(question, DHCP_ACK, 1, 0, 0);
		break;
	case 'n':
		answer(question, DHCP_NAK, 1, 0, 0);
		break;
	case 'x': /* another's, and malformed ones */
		answer(question, DHCP_OFFER, 2, 1, 0);
		answer(question, DHCP_OFFER, 2, 0, 1);
		break;
	case '2': /* two servers */
		answer(question, DHCP_OFFER, 1, 0, 0);
		answer(question, DHCP_OFFER, 2, 0, 0);
		break;
	case 'b': /* the wrong one first */
		answer(question, DHCP_NAK, 2, 0, 0);
		answer(question, DHCP_ACK, 2, 0, 0);
		answer(question, DHCP_ACK, 1, 0, 0);
		break;
	default:
		break;
	}
}

/* Its address is ours. */
static void answer_arp(uint8_t *frame, size_t len)
{
	uint8_t ask[20];

	if (len < 42 || frame[21] != 1 || memcmp(frame + 38, (uint8_t[]){ 10, 7, 0, 1 }, 4))
		return;
	memcpy(ask, frame + 22, sizeof(ask));
	frame[21] = 2;
	memcpy(frame, ask, 6);
	memcpy(frame + 6, (uint8_t[]){ 2, 0, 0, 0, 7, 1 }, 6);
	memcpy(frame + 22, (uint8_t[]){ 2, 0, 0, 0, 7, 1, 10, 7, 0, 1 }, 10);
	memcpy(frame + 32, ask, 10);
	CHECK(fd_write(tap.fd, frame, 42) == 42);
}

static void tap_ready(struct watch *w, uint32_t events)
{
	uint8_t frame[FRAME_MAX];
	ssize_t n;

	(void)events;
	while ((n = fd_read(w->fd, frame, sizeof(frame))) > 0) {
		const uint8_t *ip = frame + 14, *message = ip + 28;

		if (n > 14 && frame[12] == 8 && frame[13] == 6)
			answer_arp(frame, (size_t)n);
		if (n < 14 + 28 + 300 || frame[12] != 8 || frame[13] != 0 || ip[9] != 17 ||
		    ip[23] != 67)
			continue;
		CHECK(message[0] == 1 && message[240] == 53); /* the type comes first */
		if (strlen(asked) < sizeof(asked) - 1)
			asked[strlen(asked)] = message[242] == DHCP_DISCOVER ? 'D'
					       : ip[16] == 0xff		     ? 'R'
									     : 'r';
		act(message);
	}
}

/* --- the client --- */

static void note(char what)
{
	size_t n = strlen(happened);

	happened[n] = what;
	if (n + 1 == stop_at)
		loop_stop(&loop, 0);
}

static void leased(struct ifup *u, const struct dhcp *d)
{
	(void)u;
	note(dhcp_is_bound(d) ? '+' : '-');
}

static void over(struct ifup *u, struct err *e)
{
	(void)u;
	last = *e;
	note(e->code < 0 ? 'F' : 'O');
}

static void too_long_due(struct timer *t)
{
	(void)t;
	printf("# asked %s, happened %s\n", asked, happened);
	loop_stop(&loop, 1);
}

/* Plays until as much has happened as `wanted` has letters. */
static void play(const char *answers, const char *wanted, const char *questions, uint8_t seconds)
{
	static const struct desc_nic nic = { .name = "eth0", .dhcp = 1 };
	struct ifreq r = { .ifr_name = "eth0", .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct err e = ERR_NONE;

	script = answers;
	lease_s = seconds;
	stop_at = strlen(wanted);
	memset(asked, 0, sizeof(asked));
	memset(happened, 0, sizeof(happened));
	loop = LOOP_INIT;
	tap = (struct watch){ open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), tap_ready };
	too_long = (struct timer){ .due = too_long_due };
	CHECK(ioctl(tap.fd, TUNSETIFF, &r) == 0 && loop_open(&loop) == 0);
	CHECK(loop_add(&loop, &tap, EPOLLIN) == 0);
	ifup.over = over;
	ifup.leased = leased;
	ifup.hostname = "web";
	ifup.lease_ms = patience_ms;
	CHECK(ifup_begin(&ifup, &loop, &nic, 1, 1000, &e) == 1);
	loop_after(&loop, &too_long, TOO_LONG_MS);
	CHECK(loop_run(&loop) == 0);
	loop_cancel(&loop, &too_long);
	if (strcmp(happened, wanted) || strcmp(asked, questions))
		printf("# happened %s, asked %s\n", happened, asked);
	CHECK(!strcmp(happened, wanted) && !strcmp(asked, questions));
}

static int has_addr(const char *text)
{
	struct ifreq r = { .ifr_name = "eth0" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = ioctl(fd, SIOCGIFADDR, &r);
	struct sockaddr_in sa;

	memcpy(&sa, &r.ifr_addr, sizeof(sa));
	fd_close(&fd);
	return rc == 0 && sa.sin_addr.s_addr == inet_addr(text);
}

static int has_default_route(void)
{
	char text[4096];

	return fd_slurp(AT_FDCWD, "/proc/self/net/route", text, sizeof(text)) > 0 &&
	       strstr(text, "eth0\t00000000\t0100070A") != NULL;
}

static void finish(void)
{
	ifup_close(&ifup);
	loop_del(&loop, &tap);
	fd_close(&tap.fd);
	loop_close(&loop);
}

static void a_lease_is_not_put_in_place(void)
{
	const char *why;

	if (cannot(&why))
		SKIP(why);
	play("oa", "+O", "DR", 200);
	CHECK(has_addr("10.7.0.5") && has_default_route());
	CHECK(ifup.dhcp[0].lease.dns[0][3] == 53 && ifup.dhcp[0].ear.fd == -1);
	finish();
}

static void lost_and_foreign_answers_end_it(void)
{
	const char *why;

	if (cannot(&why))
		SKIP(why);
	patience_ms = 9000;
	play("xo.a", "+O", "DDRR", 200); /* the first retry of each is after a second */
	patience_ms = 2000;
	CHECK(has_addr("10.7.0.5"));
	finish();
}

static void the_second_server_is_heeded(void)
{
	const char *why;

	if (cannot(&why))
		SKIP(why);
	play("2b", "+O", "DR", 200);
	CHECK(has_addr("10.7.0.5"));
	finish();
}

static void a_refusal_is_final(void)
{
	const char *why;

	if (cannot(&why))
		SKIP(why);
	play("onoa", "+O", "DRDR", 200);
	CHECK(has_addr("10.7.0.5"));
	finish();
}

/* Renewed twice in silence, then taken back: the address goes, and another lease comes. */
static void a_lease_is_not_renewed(void)
{
	const char *why;

	if (cannot(&why))
		SKIP(why);
	play("oaaanoa", "+O-+", "DRrrrDR", 3);
	CHECK(has_addr("10.7.0.5") && has_default_route());
	finish();
}

/* Nobody renews it: it is asked for once of its server and once of all, and then is gone. */
static void a_lease_outlives_its_time(void)
{
	const char *why;

	if (cannot(&why))
		SKIP(why);
	play("oa", "+O-", "DRrR", 3);
	CHECK(!has_addr("10.7.0.5") && !has_default_route() && ifup_lacks_lease(&ifup));
	finish();
}

/* The stage has failed, the client has not. */
static void a_late_server_is_missed(void)
{
	const char *why;

	if (cannot(&why))
		SKIP(why);
	play("..oa", "F+", "DDDR", 200);
	CHECK(!strcmp(last.text, "eth0: no DHCP server answered in 2 s") && last.code < 0);
	CHECK(has_addr("10.7.0.5"));
	finish();
}

int main(void)
{
	log_open(STDERR_FILENO, "test", LOG_ERROR);
	TEST(a_lease_is_not_put_in_place);
	TEST(lost_and_foreign_answers_end_it);
	TEST(the_second_server_is_heeded);
	TEST(a_refusal_is_final);
	TEST(a_lease_is_not_renewed);
	TEST(a_lease_outlives_its_time);
	TEST(a_late_server_is_missed);
	return check_done();
}
