/*
 * clock - the guest's wall clock, corrected by what the host says.
 */
#include "guest/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timex.h>
#include <time.h>

#include "base/fd.h"

enum {
	PTP_CLOCKS = 4, /* those that are looked at for the host's */
	NS_PER_US = 1000,
};

#define NS_PER_S INT64_C(1000000000)

int64_t clock_now(const struct clock *c)
{
	return c->ops->now();
}

static void act(struct clock *c, const struct clock_set *set, struct clock_done *done)
{
	uint64_t wrong = (uint64_t)(done->ahead_ns < 0 ? -done->ahead_ns : done->ahead_ns);
	int rc = 0;

	if (wrong <= done->bound_ns) {
		done->did = CLOCK_KEPT;
	} else if (wrong > set->step_ms * UINT64_C(1000000)) {
		done->did = CLOCK_STEPPED;
		rc = c->ops->step(-done->ahead_ns);
	} else if (c->ops->is_disciplined()) {
		done->did = CLOCK_LEFT;
	} else {
		done->did = CLOCK_SLEWED;
		rc = c->ops->slew(-done->ahead_ns);
	}
	if (rc < 0) {
		done->did = CLOCK_FAILED;
		done->sys = (uint32_t)-rc;
	}
}

void clock_correct(struct clock *c, const struct clock_set *set, struct clock_done *done)
{
	*done = (struct clock_done){
		.source = CLOCK_BY_EXCHANGE,
		.ahead_ns = set->ahead_ns,
		.bound_ns = set->bound_ns,
	};
	if (c->ops->ptp(&done->ahead_ns, &done->bound_ns) == 0)
		done->source = CLOCK_BY_PTP;
	act(c, set, done);
	c->is_known = 1;
	c->ahead_ns = done->did == CLOCK_STEPPED ? 0 : done->ahead_ns;
	c->bound_ns = done->bound_ns;
}

/* --- the machine's --- */

static int64_t machine_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t ptp_ns(const struct ptp_clock_time *t)
{
	return t->sec * NS_PER_S + t->nsec;
}

/* Both clocks at one moment, by the hypercall. */
static int read_precise(int fd, int64_t *ahead_ns, uint64_t *bound_ns)
{
	struct ptp_sys_offset_precise x = { 0 };

	if (ioctl(fd, (int)PTP_SYS_OFFSET_PRECISE, &x) < 0)
		return -errno;
	*ahead_ns = ptp_ns(&x.sys_realtime) - ptp_ns(&x.device);
	*bound_ns = NS_PER_US;
	return 0;
}

/* The device's clock between two readings of ours, several times: the quickest counts. */
static int read_extended(int fd, int64_t *ahead_ns, uint64_t *bound_ns)
{
	struct ptp_sys_offset_extended x = { .n_samples = 5 };

	if (ioctl(fd, (int)PTP_SYS_OFFSET_EXTENDED, &x) < 0)
		return -errno;
	*bound_ns = UINT64_MAX;
	for (unsigned i = 0; i < x.n_samples; i++) {
		int64_t before = ptp_ns(&x.ts[i][0]), after = ptp_ns(&x.ts[i][2]);
		uint64_t bound = (uint64_t)(after - before) / 2 + NS_PER_US;

		if (after < before || bound >= *bound_ns)
			continue;
		*bound_ns = bound;
		*ahead_ns = before + (after - before) / 2 - ptp_ns(&x.ts[i][1]);
	}
	return *bound_ns == UINT64_MAX ? -EIO : 0;
}

/* Network cards have such clocks too, of another time than the host's. */
static int open_hosts_clock(void)
{
	for (int i = 0; i < PTP_CLOCKS; i++) {
		char path[64], name[64];
		int fd;

		snprintf(path, sizeof(path), "/sys/class/ptp/ptp%d/clock_name", i);
		if (fd_slurp(AT_FDCWD, path, name, sizeof(name)) <= 0 ||
		    strcmp(name, "KVM virtual PTP\n") != 0)
			continue;
		snprintf(path, sizeof(path), "/dev/ptp%d", i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	return -ENODEV;
}

static int machine_ptp(int64_t *ahead_ns, uint64_t *bound_ns)
{
	int fd = open_hosts_clock(), rc;
	int64_t ahead = 0;
	uint64_t bound = 0;

	if (fd < 0)
		return fd;
	rc = read_precise(fd, &ahead, &bound);
	if (rc < 0)
		rc = read_extended(fd, &ahead, &bound);
	fd_close(&fd);
	if (rc == 0) {
		*ahead_ns = ahead;
		*bound_ns = bound;
	}
	return rc;
}

static int machine_is_disciplined(void)
{
	struct timex x = { 0 };

	return adjtimex(&x) >= 0 && !(x.status & STA_UNSYNC);
}

/* ADJ_SETOFFSET adds, so the time this takes is not lost; tv_usec counts ns from 0 upwards. */
static int machine_step(int64_t by_ns)
{
	struct timex x = { .modes = ADJ_SETOFFSET | ADJ_NANO };
	int64_t sec = by_ns / NS_PER_S, ns = by_ns % NS_PER_S;

	x.time.tv_sec = (time_t)(ns < 0 ? sec - 1 : sec);
	x.time.tv_usec = (suseconds_t)(ns < 0 ? ns + NS_PER_S : ns);
	return adjtimex(&x) < 0 ? -errno : 0;
}

/* As adjtime(3): replaces what is left of an earlier one. */
static int machine_slew(int64_t by_ns)
{
	struct timex x = { .modes = ADJ_OFFSET_SINGLESHOT, .offset = (long)(by_ns / NS_PER_US) };

	return adjtimex(&x) < 0 ? -errno : 0;
}

const struct clock_ops clock_ops_machine = {
	machine_now, machine_ptp, machine_is_disciplined, machine_step, machine_slew,
};
