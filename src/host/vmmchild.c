/*
 * vmmchild - the vmm process as its parent sees it: what it is given, what it says, how it ends.
 */
#include "host/vmmchild.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"
#include "host/sockets.h"
#include "host/text.h"

/* Linux and musl 1.2.3 disagree on whether <sys/wait.h> knows it. */
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

void vmm_files_close(struct vmm_files *f)
{
	fd_close(&f->kvm);
	fd_close(&f->kernel);
	fd_close(&f->console);
	fd_close(&f->vsock);
	fd_close(&f->initrd[0]);
	fd_close(&f->initrd[1]);
	for (unsigned i = 0; i < f->ndisks; i++)
		fd_close(&f->disk[i]);
	f->ndisks = 0;
}

static const char *reason_word(uint8_t reason)
{
	static const char *const words[] = {
		[VMM_POWEROFF] = "guest_poweroff",
		[VMM_REBOOT] = "guest_reboot",
		[VMM_PANIC] = "panic",
		[VMM_KILLED] = "killed",
		[VMM_ERROR] = "error",
	};

	return words[reason];
}

static void take_frame(struct vmmchild *v, const struct frame *f)
{
	struct vmm_exit x;

	if (f->type == FRAME_VMM_RUNNING) {
		v->ran = 1;
		v->running(v);
	} else if (f->type == FRAME_VMM_EXIT && vmm_exit_decode(&x, f->data, f->len) == 0) {
		v->reason = reason_word(x.reason);
		v->ran = x.ran != 0;
		text_escape(v->detail, sizeof(v->detail), x.text, strlen(x.text));
	}
}

/* Takes what is there. What cannot be a frame ends the reading: its exit will be called a crash. */
static void read_status(struct vmmchild *v)
{
	struct frame f;
	ssize_t n = 0;
	int rc = 0;

	while (v->status.fd >= 0 && rc >= 0 && (n = inbox_fill(&v->in, v->status.fd)) > 0)
		while ((rc = frame_next(&v->in, &f)) > 0)
			take_frame(v, &f);
	if (rc < 0 || (n <= 0 && n != -EAGAIN)) {
		loop_del(v->loop, &v->status);
		fd_close(&v->status.fd);
	}
}

static void status_ready(struct watch *w, uint32_t events)
{
	(void)events;
	read_status(CONTAINER(w, struct vmmchild, status));
}

/* It said nothing of its end: the kernel has to. */
static void explain(struct vmmchild *v, const siginfo_t *si)
{
	v->reason = v->killed ? "killed" : "vmm_crash";
	if (v->killed)
		snprintf(v->detail, sizeof(v->detail), "the vmm process was killed");
	else if (si->si_code == CLD_EXITED)
		snprintf(v->detail, sizeof(v->detail),
			 "the vmm process ended with status %d and without a word", si->si_status);
	else
		snprintf(v->detail, sizeof(v->detail), "the vmm process died from signal %d (%s)",
			 si->si_status, strsignal(si->si_status));
}

static void exited_ready(struct watch *w, uint32_t events)
{
	struct vmmchild *v = CONTAINER(w, struct vmmchild, exited);
	siginfo_t si = { 0 };

	(void)events;
	read_status(v); /* its last words first */
	if (waitid(P_PIDFD, (id_t)w->fd, &si, WEXITED) < 0)
		return;
	if (!v->reason)
		explain(v, &si);
	v->id.pid = 0;
	vmmchild_close(v);
	v->ended(v);
}

/* The description, as a file that nobody can change any more. */
static int spec_file(const struct spec *spec, struct err *e)
{
	uint8_t text[SPEC_BYTES_MAX];
	long n = spec_encode(spec, text, sizeof(text));
	int fd, rc;

	if (n < 0)
		return err_set(e, (int)n, "describe the machine: %s", strerror((int)-n));
	fd = memfd_create("spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_sys(e, "describe the machine");
	rc = fd_write_all(fd, text, (size_t)n);
	if (rc < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
		rc = err_sys(e, "describe the machine");
		fd_close(&fd);
		return rc;
	}
	return fd;
}

struct fd_table {
	struct fdmap map[32];
	size_t used;
	int next; /* the child's next number */
};

/* The child's number for one of our descriptors. */
static int32_t give(struct fd_table *t, int fd)
{
	t->map[t->used++] = (struct fdmap){ fd, t->next };
	return t->next++;
}

static void describe(struct spec *spec, const struct vmm_files *files, char path[SOCKET_PATH_ROOM],
		     struct fd_table *t)
{
	spec->kvm_fd = give(t, files->kvm);
	spec->kernel_fd = give(t, files->kernel);
	spec->console_fd = give(t, files->console);
	spec->vsock_fd = give(t, files->vsock);
	spec->vsock_path = sockets_path(path, give(t, files->sockets_dir), "vsock.sock");
	spec->ninitrds = 0;
	for (size_t i = 0; i < COUNT(files->initrd); i++)
		if (files->initrd[i] >= 0)
			spec->initrd_fd[spec->ninitrds++] = give(t, files->initrd[i]);
	spec->ndisks = files->ndisks;
	for (unsigned i = 0; i < files->ndisks; i++)
		spec->disk[i].fd = give(t, files->disk[i]);
}

static int launch(struct vmmchild *v, struct fd_table *t, struct err *e)
{
	static char *const argv[] = { "vmtool", "vmm", NULL };
	struct spawn s = {
		.path = "/proc/self/exe",
		.argv = argv,
		.fds = t->map,
		.nfds = t->used,
		/* No agent, no machine: nobody else would ever tell its end. */
		.parent_death_sig = SIGKILL,
	};
	pid_t pid = spawn(&s, &v->exited.fd);
	int rc;

	if (pid < 0)
		return err_set(e, pid, "start the vmm process: %s", strerror(-pid));
	rc = procid_of(&v->id, pid);
	if (rc == 0)
		rc = loop_add(v->loop, &v->exited, EPOLLIN);
	if (rc == 0)
		rc = loop_add(v->loop, &v->status, EPOLLIN);
	return rc < 0 ? err_set(e, rc, "watch the vmm process: %s", strerror(-rc)) : 0;
}

int vmmchild_start(struct vmmchild *v, struct loop *l, struct spec *spec,
		   const struct vmm_files *files, struct err *e)
{
	struct fd_table t = { .next = VMM_FD_FIRST };
	char path[SOCKET_PATH_ROOM];
	int status[2] = { -1, -1 };
	int description, rc;

	v->loop = l;
	v->exited = (struct watch){ -1, exited_ready };
	v->status = (struct watch){ -1, status_ready };
	inbox_init(&v->in, v->mem, sizeof(v->mem));
	describe(spec, files, path, &t);
	description = spec_file(spec, e);
	if (description < 0)
		return description;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, status) < 0) {
		rc = err_sys(e, "open the vmm's status channel");
		goto out;
	}
	t.map[t.used++] = (struct fdmap){ description, VMM_FD_SPEC };
	t.map[t.used++] = (struct fdmap){ status[1], VMM_FD_STATUS };
	rc = fd_nonblock(status[0]);
	if (rc < 0) {
		err_set(e, rc, "open the vmm's status channel: %s", strerror(-rc));
		goto out;
	}
	v->status.fd = status[0];
	status[0] = -1;
	rc = launch(v, &t, e);
out:
	fd_close(&status[0]);
	fd_close(&status[1]);
	fd_close(&description);
	return rc;
}

int vmmchild_was_continued(const struct vmmchild *v)
{
	siginfo_t si = { 0 };

	return v->id.pid > 0 &&
	       waitid(P_PIDFD, (id_t)v->exited.fd, &si, WCONTINUED | WNOHANG) == 0 &&
	       si.si_code == CLD_CONTINUED;
}

void vmmchild_signal(struct vmmchild *v, int sig)
{
	if (v->id.pid == 0)
		return;
	if (sig == SIGKILL)
		v->killed = 1;
	(void)pidfd_signal(v->exited.fd, sig); /* it may just have ended by itself */
}

void vmmchild_close(struct vmmchild *v)
{
	siginfo_t si;

	if (v->id.pid) {
		vmmchild_signal(v, SIGKILL);
		(void)waitid(P_PIDFD, (id_t)v->exited.fd, &si, WEXITED);
		v->id.pid = 0;
	}
	if (v->exited.fd >= 0 && v->loop)
		loop_del(v->loop, &v->exited);
	if (v->status.fd >= 0 && v->loop)
		loop_del(v->loop, &v->status);
	fd_close(&v->status.fd);
	fd_close(&v->exited.fd);
}
