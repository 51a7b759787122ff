/*
 * vcpu - one virtual CPU and the thread that runs it.
 */
#include "vmm/vcpu.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/util.h"
#include "vmm/ioctl.h"
#include "vmm/sandbox.h"
#include "vmm/stopped.h"

enum { STACK_BYTES = 64 * 1024 };

#define KICK SIGUSR1

/* It only has to make KVM_RUN return. */
static void kicked(int sig)
{
	(void)sig;
}

/* What firmware leaves behind, of Intel's: fast strings. All others are as a processor's reset has them. So memory type
 * ranges are off, as on QEMU's microvm: here is no memory that would be of another type, and a kernel that finds them
 * on has all its CPUs wait for each other at boot to set them alike. */
static void set_msrs(int fd)
{
	enum { MISC_ENABLE = 0x1a0, FAST_STRINGS = 1 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} m = { .head.nmsrs = 1, .entry = { .index = MISC_ENABLE, .data = FAST_STRINGS } };

	(void)kvm_ioctl(fd, KVM_SET_MSRS, &m); /* others need not have it */
}

/* LAPICs pass PIC interrupts (LINT0) and NMIs (LINT1), as firmware leaves the boot CPU's; the INIT by which
 * the others are started closes theirs again. */
static int set_lapic(int fd)
{
	enum { LVT_LINT0 = 0x350, LVT_LINT1 = 0x360, MODE_EXTINT = 7 << 8, MODE_NMI = 4 << 8 };
	struct kvm_lapic_state s;
	uint32_t lint0 = MODE_EXTINT, lint1 = MODE_NMI;

	if (kvm_ioctl(fd, KVM_GET_LAPIC, &s) < 0)
		return -errno;
	memcpy(s.regs + LVT_LINT0, &lint0, sizeof(lint0));
	memcpy(s.regs + LVT_LINT1, &lint1, sizeof(lint1));
	return kvm_ioctl(fd, KVM_SET_LAPIC, &s) < 0 ? -errno : 0;
}

/* In kHz, or 0 where KVM does not say. */
static uint32_t tsc_frequency(int fd)
{
	int khz = kvm_ioctl(fd, KVM_GET_TSC_KHZ, 0);

	return khz > 0 ? (uint32_t)khz : 0;
}

int vcpu_open(struct vcpu *c, struct vm *vm, unsigned index, struct cpuid *cpuid,
	      struct vcpu_shared *shared, struct err *e)
{
	void *run;

	*c = VCPU_NONE;
	c->shared = shared;
	c->run_len = vm->run_len;
	c->fd = kvm_ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (c->fd < 0)
		return err_sys(e, "make virtual CPU %u", index);
	run = mmap(NULL, c->run_len, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (run == MAP_FAILED)
		return err_sys(e, "map virtual CPU %u", index);
	c->run = run;
	cpuid_tell_frequency(cpuid, tsc_frequency(c->fd));
	/* CPUID first: which MSRs exist depends on it (Linux 6.13). */
	if (kvm_ioctl(c->fd, KVM_SET_CPUID2, &cpuid->head) < 0)
		return err_sys(e, "set virtual CPU %u's features", index);
	set_msrs(c->fd);
	if (set_lapic(c->fd) < 0)
		return err_sys(e, "set virtual CPU %u's registers", index);
	return 0;
}

static void port_access(struct vcpu_shared *s, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	/* A string instruction comes as `count` accesses to the same port. */
	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		uint64_t v = 0;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&v, data, run->io.size);
			bus_write(&s->ports, run->io.port, run->io.size, v);
		} else {
			v = bus_read(&s->ports, run->io.port, run->io.size);
			memcpy(data, &v, run->io.size);
		}
	}
}

static void memory_access(struct vcpu_shared *s, struct kvm_run *run)
{
	unsigned size = MIN(run->mmio.len, 8u);
	uint64_t v = 0;

	if (run->mmio.is_write) {
		memcpy(&v, run->mmio.data, size);
		bus_write(&s->memory, run->mmio.phys_addr, size, v);
	} else {
		v = bus_read(&s->memory, run->mmio.phys_addr, size);
		memcpy(run->mmio.data, &v, size);
	}
}

/* Tells why the guest cannot go on. */
static void died(struct vcpu *c)
{
	char why[160], text[200];

	if (c->run->exit_reason == KVM_EXIT_SHUTDOWN) {
		c->shared->died(c->shared, 1, "triple fault");
		return;
	}
	snprintf(text, sizeof(text), "KVM %s", stopped_why(c->run, why, sizeof(why)));
	c->shared->died(c->shared, 0, text);
}

/* KVM_RUN itself failed: memory that the guest was promised is not to be had, above all. */
static void refused(struct vcpu *c, int rc)
{
	char text[200];

	snprintf(text, sizeof(text), "KVM does not run the guest on: %s", strerror(rc));
	pthread_mutex_lock(&c->shared->lock);
	c->shared->died(c->shared, 0, text);
	pthread_mutex_unlock(&c->shared->lock);
}

/* One exit. Nonzero: the guest cannot go on. */
static int handle_exit(struct vcpu *c)
{
	struct vcpu_shared *s = c->shared;
	int dead = 0;

	pthread_mutex_lock(&s->lock);
	switch (c->run->exit_reason) {
	case KVM_EXIT_IO:
		port_access(s, c->run);
		break;
	case KVM_EXIT_MMIO:
		memory_access(s, c->run);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	default:
		died(c);
		dead = 1;
	}
	pthread_mutex_unlock(&s->lock);
	return dead;
}

/* Until the pause is over. The guest is told that it was stopped, so that its watchdog does not take
 * the time that passed for a CPU that hangs. */
static void stand(struct vcpu *c)
{
	struct vcpu_shared *s = c->shared;

	pthread_mutex_lock(&s->lock);
	if (atomic_load(&s->paused)) {
		s->parked++;
		s->stands(s);
		while (atomic_load(&s->paused) && !atomic_load(&s->stop))
			pthread_cond_wait(&s->resume, &s->lock);
		s->parked--;
		/* Refused where the guest does not use the paravirtual clock: then nobody asks. */
		(void)kvm_ioctl(c->fd, KVM_KVMCLOCK_CTRL, 0);
	}
	c->run->immediate_exit = 0;
	pthread_mutex_unlock(&s->lock);
}

static void wait_to_go(struct vcpu_shared *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->go && !atomic_load(&s->stop))
		pthread_cond_wait(&s->resume, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void vcpu_go(struct vcpu_shared *s)
{
	pthread_mutex_lock(&s->lock);
	s->go = 1;
	pthread_cond_broadcast(&s->resume);
	pthread_mutex_unlock(&s->lock);
}

/* Who starts a thread waits for it: this lies on his stack. */
struct launch {
	struct vcpu *c;
	vcpu_first *first;
	void *arg;
	struct err *e;
	int rc; /* what came of `first` */
	sem_t done;
};

static int run_first(struct launch *l)
{
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, KICK);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	rc = l->first ? l->first(l->c, l->arg, l->e) : 0;
	sandbox_enter(SANDBOX_VCPU);
	l->rc = rc;
	sem_post(&l->done); /* and it is gone */
	return rc;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *c = ((struct launch *)arg)->c;

	if (run_first(arg) < 0)
		return NULL;
	wait_to_go(c->shared);
	while (!atomic_load(&c->shared->stop)) {
		if (atomic_load(&c->shared->paused)) {
			stand(c);
			continue;
		}
		if (kvm_ioctl(c->fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			refused(c, errno);
			break;
		}
		if (handle_exit(c))
			break;
	}
	return NULL;
}

int vcpu_start(struct vcpu *c, vcpu_first *first, void *arg, struct err *e)
{
	struct sigaction sa = { .sa_handler = kicked };
	struct launch l = { .c = c, .first = first, .arg = arg, .e = e };
	pthread_attr_t attr;
	int rc;

	sigaction(KICK, &sa, NULL);
	sem_init(&l.done, 0, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(&c->thread, &attr, vcpu_thread, &l);
	pthread_attr_destroy(&attr);
	if (rc != 0)
		return err_set(e, -rc, "start a virtual CPU's thread: %s", strerror(rc));
	c->started = 1;
	while (sem_wait(&l.done) < 0 && errno == EINTR)
		;
	if (l.rc < 0)
		vcpu_join(c);
	return l.rc;
}

void vcpu_kick(struct vcpu *c)
{
	if (!c->started)
		return;
	/* The flag is for a vCPU that is just about to enter the guest: the signal alone would be
	 * taken before and be lost. */
	c->run->immediate_exit = 1;
	pthread_kill(c->thread, KICK);
}

void vcpu_join(struct vcpu *c)
{
	if (c->started)
		pthread_join(c->thread, NULL);
	c->started = 0;
}

void vcpu_close(struct vcpu *c)
{
	if (c->run)
		munmap(c->run, c->run_len);
	fd_close(&c->fd);
	*c = VCPU_NONE;
}
