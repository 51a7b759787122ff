/*
 * vmm - the process that is the machine.
 */
#include "vmm/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sparse.h"
#include "base/util.h"
#include "proto/frame.h"
#include "vmm/landlock.h"
#include "vmm/machine.h"
#include "vmm/namespaces.h"
#include "vmm/sandbox.h"

enum { FDS_MAX = 2048 }; /* a board with all there may be on it, and a guest with all its connections */

/* The spec borrows its strings from buf. */
static int read_spec(struct spec *s, uint8_t buf[SPEC_BYTES_MAX], struct err *e)
{
	size_t used = 0;
	ssize_t n;

	while ((n = fd_read(VMM_FD_SPEC, buf + used, SPEC_BYTES_MAX - used)) > 0)
		used += (size_t)n;
	if (n < 0)
		return err_set(e, (int)n,
			       "vmm: descriptor %d holds no description of a machine; this word is "
			       "for vmtool itself, use vmtool start",
			       VMM_FD_SPEC);
	if (spec_decode(s, buf, used) < 0)
		return err_set(e, -EPROTO,
			       "vmm: the description of the machine is cut or of another version");
	return 0;
}

/* So that whoever comes later finds us. */
static void mark_self(void)
{
	struct flock mark = { .l_type = F_WRLCK, .l_start = VMM_MARK_AT, .l_len = 1 };

	if (fcntl(VMM_FD_STATUS, F_SETLK, &mark) < 0)
		log_debug("the status channel is no file: nobody will find us by it");
}

static void tell_pause(int paused)
{
	uint8_t byte = (uint8_t)paused;

	if (pwrite(VMM_FD_STATUS, &byte, 1, VMM_PAUSED_AT) < 0)
		log_debug("the status channel is no file: a pause is not told");
}

static void tell_continued(void)
{
	static uint8_t times;

	times++;
	if (pwrite(VMM_FD_STATUS, &times, 1, VMM_CONTINUED_AT) < 0)
		log_debug("the status channel is no file: that it goes on is not told");
}

static void tell_running(void *arg)
{
	(void)arg;
	(void)frame_send(VMM_FD_STATUS, FRAME_VMM_RUNNING, NULL, 0);
}

static void tell_trouble(const struct vmm_trouble *t)
{
	uint8_t frame[FRAME_HEADER + VMM_TROUBLE_BYTES];

	/* In one piece: nobody may read half of it. */
	frame_header(frame, FRAME_VMM_TROUBLE, VMM_TROUBLE_BYTES);
	vmm_trouble_encode(t, frame + FRAME_HEADER);
	(void)fd_write_all(VMM_FD_STATUS, frame, sizeof(frame));
}

static int tell_end(const struct vmm_exit *x)
{
	uint8_t frame[FRAME_HEADER + VMM_TEXT_MAX + 64];
	long len = vmm_exit_encode(x, frame + FRAME_HEADER, sizeof(frame) - FRAME_HEADER);

	if (len < 0)
		return 1;
	/* In one piece as well. */
	frame_header(frame, FRAME_VMM_EXIT, (uint32_t)len);
	return fd_write_all(VMM_FD_STATUS, frame, FRAME_HEADER + (size_t)len) < 0;
}

/* In a signal handler, on the thread that broke a rule. */
static void tell_broken(const char *why)
{
	log_error("%s", why);
	(void)tell_end(&(struct vmm_exit){ VMM_ERROR, 1, EPERM, why });
}

/* Every connection of the guest's is a descriptor; the usual soft limit is just short of all. Their table is made
 * as large as it will be while this process has one thread: with more, a table that grows waits until the host's
 * RCU has gone round, some milliseconds each time. */
static void make_room_for_fds(void)
{
	unsigned room = MIN(fd_allow(UINT32_MAX), (unsigned)FDS_MAX);
	int last = fcntl(VMM_FD_SPEC, F_DUPFD_CLOEXEC, (int)room - 1);

	fd_close(&last);
}

/* Before the guest's first instruction: what is not in the spec is not for us, whoever left it open. A host
 * that is too old for a sandbox has VMs all the same; vmtool doctor says what is missing. */
static void confine(struct machine *m, const struct spec *s)
{
	int keep[SPEC_FDS_MAX + 4] = { 0, 1, 2, VMM_FD_STATUS };

	fd_close_others(keep, 4 + spec_fds(s, keep + 4));
	machine_look_out(m, s);
	if (namespaces_enter() < 0)
		log_debug("the host permits no namespaces: its network is out of reach by the filter alone");
	if (sandbox_begin(tell_broken) < 0)
		log_warn("no sandbox: the host's kernel does not filter system calls");
	else if (landlock_enter() < 0)
		log_debug("the host's kernel has no Landlock: files are out of reach by the filter alone");
}

/* Needed once: a guest that took this process over shall not find them. */
static void close_loaded(struct machine *m, struct spec *s)
{
	fd_close(&s->kvm_fd);
	m->vm.kvm = -1;
	fd_close(&s->kernel_fd);
	for (uint32_t i = 0; i < s->ninitrds; i++)
		fd_close(&s->initrd_fd[i]);
}

int vmm_main(void)
{
	struct machine *m = sparse_map(sizeof(*m)); /* room for all devices there may be */
	uint8_t buf[SPEC_BYTES_MAX];
	struct err e = ERR_NONE;
	struct spec spec;
	int rc, ran = 0;

	log_open(2, "vmm", LOG_INFO);
	mark_self();
	make_room_for_fds();
	rc = m ? read_spec(&spec, buf, &e) : err_set(&e, -ENOMEM, "vmm: no memory");
	if (rc == 0) {
		confine(m, &spec);
		rc = machine_open(m, &spec, &e);
	}
	if (rc == 0) {
		close_loaded(m, &spec);
		ran = 1;
		m->pause_changed = tell_pause;
		m->disk_failed = tell_trouble;
		m->continued = tell_continued;
		rc = machine_run(m, tell_running, NULL, &e);
	}
	if (rc < 0)
		m->end = (struct vmm_exit){ VMM_ERROR, 0, (uint32_t)-e.code, e.text };
	m->end.ran = (uint8_t)ran;
	log_debug("ended: reason %u %s", m->end.reason, m->end.text);
	machine_close(m);
	return tell_end(&m->end);
}
