/*
 * slot - a PCI slot of this board: it ties a virtio device to KVM's interrupts and to the loop.
 */
#include "vmm/slot.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"

static struct slot *of(struct vpci_host *h)
{
	return CONTAINER(h, struct slot, host);
}

static void signal_fd(int fd)
{
	uint64_t one = 1;

	(void)fd_write(fd, &one, sizeof(one));
}

static int is_lent(const struct slot *s)
{
	for (unsigned q = 0; q < s->pci.dev->type->nqueues; q++)
		if (s->queue[q].is_lent)
			return 1;
	return 0;
}

/* What others fire passes no mask of ours: it stays in the eventfd until KVM listens again. */
static void slot_hold(struct vpci_host *h, unsigned vector)
{
	struct slot *s = of(h);

	if (!s->held[vector] && is_lent(s))
		s->held[vector] = vm_irqfd(s->vm, s->gsi[vector], s->irqfd[vector], 0) == 0;
}

static void slot_route(struct vpci_host *h, unsigned vector)
{
	struct slot *s = of(h);
	const struct vpci_vector *v = &s->pci.vector[vector];

	if (vm_msi_route(s->vm, s->gsi[vector], v->address, v->data) < 0)
		log_debug("%s: the guest's interrupt message is none", s->pci.dev->type->name);
	if (s->held[vector])
		s->held[vector] = vm_irqfd(s->vm, s->gsi[vector], s->irqfd[vector], 1) != 0;
}

static void slot_fire(struct vpci_host *h, unsigned vector)
{
	signal_fd(of(h)->irqfd[vector]);
}

static void slot_kick(struct vpci_host *h, int q)
{
	struct slot *s = of(h);

	signal_fd(q < 0 ? s->run.watch.fd : s->queue[q].watch.fd);
}

static void set_ioeventfds(struct slot *s, uint32_t bar, int on)
{
	for (unsigned q = 0; bar && q < s->pci.dev->type->nqueues; q++) {
		int rc = vm_ioeventfd(s->vm, bar + VPCI_BAR_NOTIFY + q * VPCI_NOTIFY_STEP,
				      s->queue[q].watch.fd, on);

		if (rc < 0) /* notifications then come as exits, through slot_kick() */
			log_debug("%s: ioeventfd at %#x: %d", s->pci.dev->type->name, bar, rc);
	}
}

static void slot_moved(struct vpci_host *h)
{
	struct slot *s = of(h);

	set_ioeventfds(s, s->bar, 0);
	s->bar = vpci_bar(&s->pci);
	set_ioeventfds(s, s->bar, 1);
}

static void queue_kicked(struct watch *w, uint32_t events)
{
	struct slot_kick *k = CONTAINER(w, struct slot_kick, watch);

	(void)events;
	vdev_notify(k->s->pci.dev, (unsigned)(k - k->s->queue));
}

static void run_kicked(struct watch *w, uint32_t events)
{
	struct slot_kick *k = CONTAINER(w, struct slot_kick, watch);

	(void)events;
	vdev_run(k->s->pci.dev);
}

/* Each kick is an edge, and told as one: nobody has to read the count, which 64 bits hold. */
#define KICKS (EPOLLIN | EPOLLET)

static int kick_open(struct slot *s, struct slot_kick *k,
		     void (*ready)(struct watch *w, uint32_t events))
{
	k->s = s;
	k->watch.ready = ready;
	k->watch.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return k->watch.fd < 0 ? -errno : loop_add(s->loop, &k->watch, KICKS);
}

static int vector_open(struct slot *s, unsigned v)
{
	s->gsi[v] = vm_msi_alloc(s->vm);
	if (s->gsi[v] < 0)
		return s->gsi[v];
	s->irqfd[v] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return s->irqfd[v] < 0 ? -errno : vm_irqfd(s->vm, s->gsi[v], s->irqfd[v], 1);
}

int slot_open(struct slot *s, struct vdev *dev, uint32_t class, uint32_t bar, struct vm *vm,
	      struct loop *l)
{
	int rc;

	*s = (struct slot){
		.host = { slot_route, slot_hold, slot_fire, slot_kick, slot_moved },
		.vm = vm,
		.loop = l,
	};
	vpci_init(&s->pci, dev, &s->host, class, bar);
	rc = kick_open(s, &s->run, run_kicked);
	for (unsigned q = 0; q < dev->type->nqueues && rc == 0; q++)
		rc = kick_open(s, &s->queue[q], queue_kicked);
	for (unsigned v = 0; v < s->pci.nvectors && rc == 0; v++)
		rc = vector_open(s, v);
	return rc;
}

int slot_lend(struct slot *s, unsigned q, int *kick, int *call)
{
	struct slot_kick *k = &s->queue[q];
	uint16_t vector = s->pci.dev->vq[q].vector;

	if (!vpci_delivers(&s->pci, vector))
		return -ENOTSUP;
	loop_del(s->loop, &k->watch);
	k->is_lent = 1;
	*kick = k->watch.fd;
	*call = s->irqfd[vector];
	return 0;
}

void slot_take_back(struct slot *s, unsigned q)
{
	struct slot_kick *k = &s->queue[q];
	int rc;

	if (!k->is_lent)
		return;
	k->is_lent = 0;
	rc = loop_add(s->loop, &k->watch, KICKS);
	if (rc < 0) /* of which the host's kernel just had one more */
		log_error("%s: queue %u is deaf: %d", s->pci.dev->type->name, q, rc);
}

void slot_kick_queue(struct slot *s, unsigned q)
{
	signal_fd(s->queue[q].watch.fd);
}
