/*
 * device - waits until the devices of a description are there; the kernel tells when one comes.
 */
#include "guest/device.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "guest/netlink.h"

enum { GROUP_KERNEL = 1 }; /* of NETLINK_KOBJECT_UEVENT: the kernel's own, not udevd's */

void device_want(struct device_wait *w, const char *path)
{
	if (!strncmp(path, "/dev/", 5) && w->n < DEVICES_MAX)
		w->paths[w->n++] = path;
}

/* The first that is not there, or NULL. */
static const char *missing(const struct device_wait *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (access(w->paths[i], F_OK) < 0)
			return w->paths[i];
	return NULL;
}

static void list_disks(char *out, size_t cap)
{
	DIR *d = opendir("/sys/class/block");
	struct dirent *entry;
	size_t used = 0;

	out[0] = '\0';
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && used < cap)
			used += (size_t)snprintf(out + used, cap - used, "%s%s", used ? ", " : "",
						 entry->d_name);
	if (d)
		closedir(d);
	if (used == 0)
		snprintf(out, cap, "no disk");
}

static void stop(struct device_wait *w)
{
	loop_cancel(w->loop, &w->deadline);
	loop_del(w->loop, &w->news);
	fd_close(&w->news.fd);
}

static void news_ready(struct watch *watch, uint32_t events)
{
	struct device_wait *w = CONTAINER(watch, struct device_wait, news);
	struct err e = ERR_NONE;
	char what[4096];

	(void)events;
	while (fd_read(watch->fd, what, sizeof(what)) > 0)
		; /* that something came is enough */
	if (missing(w))
		return;
	stop(w);
	w->over(w, &e);
}

static void deadline_due(struct timer *t)
{
	struct device_wait *w = CONTAINER(t, struct device_wait, deadline);
	const char *path = missing(w);
	struct err e = ERR_NONE;
	char disks[128];

	stop(w);
	if (path) {
		list_disks(disks, sizeof(disks));
		err_set(&e, -ENODEV, "no %s after %u ms: there is %s", path, w->wait_ms, disks);
	}
	w->over(w, &e);
}

int device_wait_begin(struct device_wait *w, struct loop *l, unsigned wait_ms, struct err *e)
{
	int rc;

	if (!missing(w))
		return 0;
	w->loop = l;
	w->deadline = (struct timer){ .due = deadline_due };
	w->wait_ms = wait_ms;
	w->news = (struct watch){ nl_open(NETLINK_KOBJECT_UEVENT, GROUP_KERNEL), news_ready };
	if (w->news.fd < 0)
		return err_set(e, w->news.fd,
			       "%s is not there, and the kernel tells of no devices: %s",
			       missing(w), strerror(-w->news.fd));
	rc = loop_add(l, &w->news, EPOLLIN);
	if (rc < 0)
		err_set(e, rc, "watch the devices: %s", strerror(-rc));
	else if (missing(w)) /* what came before we listened is seen, not heard */
		rc = 1;
	if (rc == 1)
		loop_after(l, &w->deadline, wait_ms);
	else
		stop(w);
	return rc;
}
