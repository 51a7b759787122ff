/*
 * vhost - a network device's rings served by the host's kernel (/dev/vhost-net), on a tap.
 */
#include "vmm/vhost.h"

#include <errno.h>
#include <linux/vhost.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "base/util.h"
#include "virtio/net.h"
#include "vmm/ioctl.h"

enum { QUEUES = 2, NOTHING = -1 };

/* What both sides of a ring must mean alike. The rest is the tap's: checksums and segments. */
#define OF_THE_RINGS (VDEV_F_INDIRECT_DESC | VDEV_F_EVENT_IDX | VDEV_F_VERSION_1 | NET_F_MRG_RXBUF)

static int ask(const struct vhost *v, unsigned long what, const void *arg)
{
	return ioctl(v->fd, (int)what, arg) < 0 ? -errno : 0;
}

static int ask_file(const struct vhost *v, unsigned long what, unsigned q, int fd)
{
	return ask(v, what, &(struct vhost_vring_file){ q, fd });
}

static void broken(struct watch *w, uint32_t events)
{
	struct vhost *v = CONTAINER(w, struct vhost, error);
	uint64_t count;

	(void)events;
	(void)fd_read(w->fd, &count, sizeof(count));
	v->broken(v);
}

static int tell_memory(const struct vhost *v, const struct gmem *m)
{
	struct {
		uint32_t regions, padding; /* struct vhost_memory */
		struct vhost_memory_region region[GMEM_REGIONS];
	} table = { 0 };

	for (unsigned i = 0; i < GMEM_REGIONS; i++)
		if (m->region[i].len > 0)
			table.region[table.regions++] = (struct vhost_memory_region){
				.guest_phys_addr = m->region[i].at,
				.memory_size = m->region[i].len,
				.userspace_addr = (uintptr_t)m->region[i].host,
			};
	return ask(v, VHOST_SET_MEM_TABLE, &table);
}

int vhost_open(struct vhost *v, int fd, const struct gmem *m, struct slot *s, struct loop *l)
{
	int rc;

	v->fd = fd;
	v->slot = s;
	v->loop = l;
	v->error = (struct watch){ eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), broken };
	if (v->error.fd < 0)
		return -errno;
	rc = loop_add(l, &v->error, EPOLLIN);
	if (rc == 0)
		rc = ask(v, VHOST_SET_OWNER, NULL);
	if (rc == 0)
		rc = tell_memory(v, m);
	return rc;
}

/* --- the rings ------------------------------------------------------------------------------ */

static int agree(const struct vhost *v)
{
	uint64_t offered = 0, wanted = v->slot->pci.dev->driver_features & OF_THE_RINGS;
	int rc = ask(v, VHOST_GET_FEATURES, &offered);

	if (rc == 0 && wanted & ~offered)
		rc = -ENOTSUP;
	return rc < 0 ? rc : ask(v, VHOST_SET_FEATURES, &wanted);
}

static int give_ring(const struct vhost *v, unsigned q, int tap)
{
	const struct vq *vq = &v->slot->pci.dev->vq[q];
	const struct vhost_vring_addr at = {
		.index = q,
		.desc_user_addr = (uintptr_t)vq->desc,
		.used_user_addr = (uintptr_t)vq->used,
		.avail_user_addr = (uintptr_t)vq->avail,
	};
	const struct vhost_vring_state size = { q, vq->size }, base = { q, vq->next_avail };
	int kick, call, rc;

	if (!vq->desc)
		return -ENOTSUP; /* the driver has but one of the two */
	rc = slot_lend(v->slot, q, &kick, &call);
	if (rc == 0)
		rc = ask(v, VHOST_SET_VRING_NUM, &size);
	if (rc == 0)
		rc = ask(v, VHOST_SET_VRING_BASE, &base);
	if (rc == 0)
		rc = ask(v, VHOST_SET_VRING_ADDR, &at);
	if (rc == 0)
		rc = ask_file(v, VHOST_SET_VRING_ERR, q, v->error.fd);
	if (rc == 0)
		rc = ask_file(v, VHOST_SET_VRING_CALL, q, call);
	if (rc == 0)
		rc = ask_file(v, VHOST_SET_VRING_KICK, q, kick);
	if (rc == 0)
		rc = ask_file(v, VHOST_NET_SET_BACKEND, q, tap);
	return rc;
}

static void take_ring(const struct vhost *v, unsigned q)
{
	struct vq *vq = &v->slot->pci.dev->vq[q];
	struct vhost_vring_state base = { q, 0 };

	(void)ask_file(v, VHOST_NET_SET_BACKEND, q, NOTHING);
	(void)ask_file(v, VHOST_SET_VRING_KICK, q, NOTHING);
	(void)ask_file(v, VHOST_SET_VRING_CALL, q, NOTHING);
	/* It hands back each buffer before it takes the next: what it took is what it has used. */
	if (vq->desc && ask(v, VHOST_GET_VRING_BASE, &base) == 0)
		vq->next_avail = vq->next_used = vq->signalled = (uint16_t)base.num;
	slot_take_back(v->slot, q);
}

int vhost_serve(struct vhost *v, int tap)
{
	int rc = v->fd < 0 ? -ENODEV : agree(v);

	for (unsigned q = 0; q < QUEUES && rc == 0; q++)
		rc = give_ring(v, q, tap);
	v->is_serving = 1;
	if (rc < 0) {
		vhost_stop(v);
		return rc;
	}
	/* What the driver notified before is nobody's else to see. */
	for (unsigned q = 0; q < QUEUES; q++)
		slot_kick_queue(v->slot, q);
	return 0;
}

void vhost_stop(struct vhost *v)
{
	if (!v->is_serving)
		return;
	v->is_serving = 0;
	for (unsigned q = 0; q < QUEUES; q++)
		take_ring(v, q);
}
