/*
 * bringup - what a system has before its first command.
 *
 * Runs once, top to bottom, and stops at the first failure: a lab that lacks something is worse
 * than none.
 */
#include "bringup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

enum { KVM_GROUP = 104 }; /* as in the lab's /etc/group */

static const struct {
	const char *type, *at, *options;
} mounts[] = {
	{ "devtmpfs", "/dev", "mode=755" },
	{ "proc", "/proc", NULL },
	{ "sysfs", "/sys", NULL },
	{ "devpts", "/dev/pts", "mode=620,ptmxmode=666" },
	{ "tmpfs", "/dev/shm", "mode=1777" },
	{ "tmpfs", "/run", "mode=755" },
	{ "tmpfs", "/tmp", "mode=1777" },
	{ "cgroup2", "/sys/fs/cgroup", NULL },
	{ "debugfs", "/sys/kernel/debug", NULL },
	{ "tracefs", "/sys/kernel/tracing", NULL },
};

/* devtmpfs has these only once their module is loaded; opening them is what loads it. */
/* clang-format off */
static const struct {
	const char *path;
	unsigned minor;
	mode_t mode;
} misc_devices[] = {
	{ "/dev/net/tun", 200, 0666 },
	{ "/dev/fuse", 229, 0666 },
	{ "/dev/loop-control", 237, 0660 },
	{ "/dev/vhost-net", 238, 0660 },
	{ "/dev/vhost-vsock", 241, 0660 },
};
/* clang-format on */

static const struct {
	const char *path, *to;
} links[] = {
	{ "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" },
};

/*
 * The initramfs is the one mount that nothing can be pivoted away from; programs that build a
 * root of their own (passt) need to. So the root becomes a mount of it, on top of it.
 */
static int detach_root(struct err *e)
{
	if (mount("/", "/mnt", NULL, MS_BIND, NULL) < 0 || chdir("/mnt") < 0 ||
	    mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return err_sys(e, "make the root a mount of its own");
	return 0;
}

static int mount_all(struct err *e)
{
	for (size_t i = 0; i < COUNT(mounts); i++) {
		mkdir(mounts[i].at, 0755);
		if (mount(mounts[i].type, mounts[i].at, mounts[i].type, 0, mounts[i].options) < 0)
			return err_sys(e, "mount %s", mounts[i].at);
	}
	return 0;
}

static int make_nodes(struct err *e)
{
	mkdir("/dev/net", 0755);
	for (size_t i = 0; i < COUNT(misc_devices); i++) {
		const char *path = misc_devices[i].path;

		if (mknod(path, S_IFCHR, makedev(10, misc_devices[i].minor)) < 0 && errno != EEXIST)
			return err_sys(e, "make %s", path);
		if (chmod(path, misc_devices[i].mode) < 0 || chown(path, 0, KVM_GROUP) < 0)
			return err_sys(e, "make %s", path);
	}
	for (size_t i = 0; i < COUNT(links); i++)
		if (symlink(links[i].to, links[i].path) < 0)
			return err_sys(e, "make %s", links[i].path);
	return 0;
}

static int load_module(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		rc = err_sys(e, "load %s", path);
	fd_close(&fd);
	return rc;
}

/* /etc/modules: paths, one a line, each after those it needs. */
static int load_modules(struct err *e)
{
	char list[4096], *rest = list, *path;
	ssize_t n = fd_slurp(AT_FDCWD, "/etc/modules", list, sizeof(list));

	if (n < 0)
		return err_set(e, (int)n, "read /etc/modules: %s", strerror((int)-n));
	while ((path = strsep(&rest, "\n")) != NULL) {
		int rc = *path ? load_module(path, e) : 0;

		if (rc < 0)
			return rc;
	}
	if (chmod("/dev/kvm", 0660) < 0 || chown("/dev/kvm", 0, KVM_GROUP) < 0)
		return err_sys(e, "/dev/kvm");
	return 0;
}

static int loopback_up(struct err *e)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		rc = err_sys(e, "bring up lo");
	fd_close(&fd);
	return rc;
}

static int raise_limits(struct err *e)
{
	struct rlimit files = { 1 << 16, 1 << 20 };
	struct rlimit memory = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_MEMLOCK, &memory) < 0)
		return err_sys(e, "raise limits");
	return 0;
}

int bringup(struct err *e)
{
	int rc = detach_root(e);

	umask(022);
	if (rc == 0)
		rc = mount_all(e);
	if (rc == 0)
		rc = load_modules(e);
	if (rc == 0)
		rc = make_nodes(e);
	if (rc == 0)
		rc = loopback_up(e);
	if (rc == 0)
		rc = raise_limits(e);
	if (rc == 0 && sethostname("lab", 3) < 0)
		rc = err_sys(e, "set the host name");
	return rc;
}

int bringup_port(int number, struct err *e)
{
	char path[32], event[512];
	int fd, news;

	snprintf(path, sizeof(path), "/dev/vport0p%d", number);
	news = inotify_init1(IN_CLOEXEC);
	if (news < 0 || inotify_add_watch(news, "/dev", IN_CREATE) < 0) {
		fd = err_sys(e, "watch /dev");
		goto out;
	}
	/* The driver makes ports as the host names them, some time after it was loaded. */
	while ((fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0 && errno == ENOENT)
		(void)fd_read(news, event, sizeof(event));
	if (fd < 0)
		fd = err_sys(e, "open %s", path);
out:
	fd_close(&news);
	return fd;
}
