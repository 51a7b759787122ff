/*
 * lan - a network of two, for tests: eth0 here, and lan0 with 10.9.0.1/24 in a network namespace of its
 * own, which others enter by our pid; what either sends, the other gets.
 *
 *	lan
 *
 * Prints its pid once both are there. USR1: requests of a DHCP client are kept from now on; USR2: those
 * kept go on their way, and so do later ones. What DHCP says on the way is told on stderr, a word a line.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "base/fd.h"
#include "base/util.h"

enum { FRAME_ROOM = 2048, TYPE_AT = 14 + 20 + 8 + 240 };

enum { DHCP_REQUEST = 3 };

static struct {
	uint8_t bytes[FRAME_ROOM];
	size_t len; /* 0: none */
} kept;

static int is_keeping;

static int tap_open(const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &r) < 0)
		fd_close(&fd);
	return fd;
}

static int set_address(int fd, unsigned long what, const char *address)
{
	struct ifreq r = { .ifr_name = "lan0" };
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = inet_addr(address) };

	memcpy(&r.ifr_addr, &sa, sizeof(sa));
	return ioctl(fd, what, &r);
}

static int bring_up(void)
{
	struct ifreq r = { .ifr_name = "lan0", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = set_address(fd, SIOCSIFADDR, "10.9.0.1") < 0 ||
		 set_address(fd, SIOCSIFNETMASK, "255.255.255.0") < 0 ||
		 ioctl(fd, SIOCSIFFLAGS, &r) < 0;

	fd_close(&fd);
	return rc ? -1 : 0;
}

/* The type is the first option: vmtool's client and udhcpd put it there. */
static unsigned dhcp_type(const uint8_t *frame, size_t len)
{
	int is_dhcp = len > TYPE_AT + 2 && frame[12] == 8 && frame[13] == 0 &&
		      frame[23] == IPPROTO_UDP && (frame[37] == 67 || frame[37] == 68) &&
		      frame[TYPE_AT] == 53;

	return is_dhcp ? frame[TYPE_AT + 2] : 0;
}

static void tell(unsigned type)
{
	static const char *const words[] = { [1] = "discover", "offer", "request", "decline",
					     "ack", "nak", "release" };

	if (type > 0 && type < COUNT(words))
		fprintf(stderr, "%s\n", words[type]);
}

static void carry(int from, int to, int is_client)
{
	uint8_t frame[FRAME_ROOM];
	ssize_t n;

	while ((n = fd_read(from, frame, sizeof(frame))) > 0) {
		unsigned type = dhcp_type(frame, (size_t)n);

		tell(type);
		if (is_client && is_keeping && type == DHCP_REQUEST) {
			memcpy(kept.bytes, frame, (size_t)n);
			kept.len = (size_t)n;
		} else if (fd_write(to, frame, (size_t)n) < 0) {
			continue; /* its interface is down: what a cable does then */
		}
	}
}

static void told(int signals, int to)
{
	struct signalfd_siginfo si;

	while (fd_read(signals, &si, sizeof(si)) == sizeof(si))
		is_keeping = si.ssi_signo == SIGUSR1;
	if (!is_keeping && kept.len > 0 && fd_write(to, kept.bytes, kept.len) > 0)
		kept.len = 0;
}

int main(void)
{
	int eth = tap_open("eth0"), lan, signals;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (eth < 0 || unshare(CLONE_NEWNET) < 0 || (lan = tap_open("lan0")) < 0 || bring_up() < 0) {
		perror("lan");
		return 1;
	}
	printf("%d\n", (int)getpid());
	fflush(stdout);
	for (;;) {
		struct pollfd p[] = { { eth, POLLIN, 0 }, { lan, POLLIN, 0 }, { signals, POLLIN, 0 } };

		poll(p, COUNT(p), -1);
		carry(eth, lan, 1);
		carry(lan, eth, 0);
		told(signals, lan);
	}
}
