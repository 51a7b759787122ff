/*
 * tap - a tap interface of this host's, opened for a machine.
 */
#include "host/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

static const char tun_path[] = "/dev/net/tun";

enum { HEADER_BYTES = 12 }; /* virtio 1.2 section 5.1.6: of VERSION_1, always */

static int open_tun(struct err *e)
{
	int fd = open(tun_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
		return err_set(e, -errno,
			       "%s: the kernel's tun module is not loaded\n  try: modprobe tun",
			       tun_path);
	case EACCES:
	case EPERM:
		return err_set(e, -errno, "%s: user %u may not open it\n  try: chmod 666 %s",
			       tun_path, (unsigned)geteuid(), tun_path);
	}
	return err_sys(e, "%s", tun_path);
}

static int refuse(const char *name, struct err *e)
{
	switch (errno) {
	case EBUSY:
		return err_set(e, -EBUSY, "nic tap=%s: is in use: one program has a tap at a time",
			       name);
	case EPERM:
		return err_set(
			e, -EPERM,
			"nic tap=%s: belongs to another user\n  try: ip tuntap del dev %s mode tap; "
			"ip tuntap add dev %s mode tap user %u",
			name, name, name, (unsigned)geteuid());
	case EINVAL:
		return err_set(
			e, -EINVAL,
			"nic tap=%s: is no tap, or one of several queues\n  try: ip tuntap add dev "
			"NAME mode tap user %u, and another NAME",
			name, (unsigned)geteuid());
	}
	return err_sys(e, "nic tap=%s: open it", name);
}

/* Of the interface. Any socket will do to ask with. */
static uint16_t mtu_of(const char *name)
{
	struct ifreq r = { .ifr_mtu = 0 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFMTU, &r) < 0)
		r.ifr_mtu = 0;
	fd_close(&fd);
	return (uint16_t)MIN(r.ifr_mtu, UINT16_MAX);
}

static int attach(int fd, const char *name, struct err *e)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int header = HEADER_BYTES;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return refuse(name, e);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		return err_sys(e, "nic tap=%s: have it take virtio's header", name);
	return 0;
}

int tap_open(const char *name, uint16_t *mtu, struct err *e)
{
	int fd, rc;

	if (if_nametoindex(name) == 0) /* TUNSETIFF would make one, which ends with us */
		return err_set(
			e, -ENODEV,
			"nic tap=%s: there is no such interface\n  try: ip tuntap add dev %s mode tap "
			"user %u, and ip link set %s up",
			name, name, (unsigned)geteuid(), name);
	fd = open_tun(e);
	if (fd < 0)
		return fd;
	rc = attach(fd, name, e);
	if (rc < 0)
		fd_close(&fd);
	*mtu = mtu_of(name);
	return rc < 0 ? rc : fd;
}

int tap_vhost(struct err *e)
{
	static const char path[] = "/dev/vhost-net";
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENODEV)
		return err_set(e, -errno, "%s: is not there\n  try: modprobe vhost_net", path);
	return err_set(e, -errno, "%s: %s\n  try: chmod 666 %s, or vhost=off", path, strerror(errno),
		       path);
}

int tap_check(struct err *e)
{
	int fd = open_tun(e);

	fd_close(&fd);
	return e->code;
}
