/*
 * vmmchild - the vmm process as its agent sees it: what it is given, what it says, how it ends.
 */
#include "host/vmmchild.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"
#include "host/sockets.h"

/* Linux and musl 1.2.3 disagree on whether <sys/wait.h> knows it. */
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* A vmm marks itself first of all; the host may be busy. */
enum { MARKED_MS = 5000 };

void vmm_files_close(struct vmm_files *f)
{
	fd_close(&f->kvm);
	fd_close(&f->kernel);
	fd_close(&f->console);
	fd_close(&f->line);
	fd_close(&f->vsock);
	fd_close(&f->vsock_messages);
	for (size_t i = 0; i < COUNT(f->initrd); i++)
		fd_close(&f->initrd[i]);
	for (unsigned i = 0; i < f->ndisks; i++) {
		fd_close(&f->disk[i]);
		fd_close(&f->overlay[i]);
	}
	for (unsigned i = 0; i < f->nnics; i++) {
		fd_close(&f->nic[i].fd);
		fd_close(&f->nic[i].vhost_fd);
	}
	f->nnics = 0;
	f->ndisks = 0;
}

/* What is new of what it has said. */
static void read_words(struct vmmchild *v)
{
	struct vmmwords w;
	int ran = v->ran, paused = v->paused;
	uint8_t continued = v->continued;

	vmmfile_read(&w, v->words);
	v->paused = w.paused;
	v->continued = w.continued;
	v->ran = w.ran;
	v->reason = w.reason;
	snprintf(v->detail, sizeof(v->detail), "%s", w.detail);
	if (v->ran && !ran)
		v->running(v);
	for (; v->troubles < w.troubles; v->troubles++)
		v->disk_failed(v, &w.trouble[v->troubles]);
	if (v->paused != paused)
		v->pause_changed(v);
	if (v->continued != continued)
		v->went_on(v);
}

static void spoke_ready(struct watch *w, uint32_t events)
{
	char ignored[1024];

	(void)events;
	if (fd_read(w->fd, ignored, sizeof(ignored)) > 0)
		read_words(CONTAINER(w, struct vmmchild, spoke));
}

/* `words`, taken over: its status file, to be read. */
static int listen_to(struct vmmchild *v, int words, struct err *e)
{
	char path[32];

	v->words = words;
	v->spoke = (struct watch){ inotify_init1(IN_CLOEXEC | IN_NONBLOCK), spoke_ready };
	snprintf(path, sizeof(path), "/proc/self/fd/%d", v->words);
	if (v->words < 0 || v->spoke.fd < 0 ||
	    inotify_add_watch(v->spoke.fd, path, IN_MODIFY) < 0 ||
	    loop_add(v->loop, &v->spoke, EPOLLIN) < 0)
		return err_sys(e, "listen to the vmm process");
	return 0;
}

/* It said nothing of its end: the kernel has to. */
static void explain(struct vmmchild *v, const siginfo_t *si)
{
	v->reason = v->killed ? "killed" : "vmm_crash";
	if (v->killed)
		snprintf(v->detail, sizeof(v->detail), "the vmm process was killed");
	else if (si->si_pid == 0)
		snprintf(v->detail, sizeof(v->detail), "the vmm process ended without a word");
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
	/* One that was taken over is another's to reap. */
	if (waitid(P_PIDFD, (id_t)w->fd, &si, WEXITED) < 0 && errno != ECHILD)
		return;
	read_words(v); /* its last */
	if (!v->reason)
		explain(v, &si);
	vmmchild_release(v);
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
	struct fdmap map[40];
	size_t used;
	int next; /* the child's next number */
};

/* The child's number for one of our descriptors. */
static int32_t give(struct fd_table *t, int fd)
{
	t->map[t->used++] = (struct fdmap){ fd, t->next };
	return t->next++;
}

static int32_t give_if(struct fd_table *t, int fd)
{
	return fd < 0 ? -1 : give(t, fd);
}

static void hold(struct spec *spec, int32_t fd)
{
	if (fd >= 0)
		spec->held_fd[spec->nheld++] = fd;
}

static void describe(struct spec *spec, const struct vmm_files *files, char path[SOCKET_PATH_ROOM],
		     struct fd_table *t)
{
	spec->nheld = 0;
	spec->kvm_fd = give(t, files->kvm);
	spec->kernel_fd = give(t, files->kernel);
	spec->console_fd = give(t, files->console);
	spec->line_fd = give_if(t, files->line);
	spec->vsock_fd = give_if(t, files->vsock);
	spec->vsock_messages_fd = give_if(t, files->vsock_messages);
	spec->vsock_path = "";
	if (files->vsock >= 0) {
		hold(spec, give(t, files->sockets_dir));
		spec->vsock_path = sockets_path(path, spec->held_fd[0], files->vsock_name);
	}
	hold(spec, give_if(t, files->sockets_lock));
	spec->ninitrds = 0;
	for (size_t i = 0; i < COUNT(files->initrd); i++)
		if (files->initrd[i] >= 0)
			spec->initrd_fd[spec->ninitrds++] = give(t, files->initrd[i]);
	spec->ndisks = files->ndisks;
	for (unsigned i = 0; i < files->ndisks; i++) {
		spec->disk[i].fd = give(t, files->disk[i]);
		spec->disk[i].overlay_fd = give_if(t, files->overlay[i]);
	}
	spec->nnics = files->nnics;
	for (unsigned i = 0; i < files->nnics; i++) {
		spec->nic[i] = files->nic[i];
		spec->nic[i].fd = give(t, files->nic[i].fd);
		spec->nic[i].vhost_fd = give_if(t, files->nic[i].vhost_fd);
	}
}

static int launch(struct vmmchild *v, struct fd_table *t, struct err *e)
{
	static char *const argv[] = { "vmtool", "vmm", NULL };
	/* Of a VM's nothing ties it to us: if we are killed, the next command finds it by its file. */
	struct spawn s = {
		.path = "/proc/self/exe",
		.argv = argv,
		.fds = t->map,
		.nfds = t->used,
		.new_session = 1,
		.parent_death_sig = v->is_tied ? SIGKILL : 0,
	};
	pid_t pid = spawn(&s, &v->exited.fd);
	int rc;

	if (pid < 0)
		return err_set(e, pid, "start the vmm process: %s", strerror(-pid));
	rc = procid_of(&v->id, pid);
	if (rc == 0)
		rc = loop_add(v->loop, &v->exited, EPOLLIN);
	return rc < 0 ? err_set(e, rc, "watch the vmm process: %s", strerror(-rc)) : 0;
}

static void begin(struct vmmchild *v, struct loop *l)
{
	v->loop = l;
	v->exited = (struct watch){ -1, exited_ready };
	v->killed = v->ran = v->paused = v->continued = 0;
	v->reason = NULL;
	v->detail[0] = '\0';
}

/* status and words: its file, to be written and, taken over, to be read. */
static int start(struct vmmchild *v, struct loop *l, struct spec *spec, int status, int words,
		 const struct vmm_files *files, struct err *e)
{
	struct fd_table t = { .next = VMM_FD_FIRST };
	char path[SOCKET_PATH_ROOM];
	int description = -1, rc;

	begin(v, l);
	v->troubles = 0;
	rc = listen_to(v, words, e);
	if (rc < 0)
		return rc;
	describe(spec, files, path, &t);
	rc = description = spec_file(spec, e);
	if (rc < 0)
		return rc;
	t.map[t.used++] = (struct fdmap){ description, VMM_FD_SPEC };
	t.map[t.used++] = (struct fdmap){ status, VMM_FD_STATUS };
	rc = launch(v, &t, e);
	fd_close(&description);
	return rc;
}

int vmmchild_start(struct vmmchild *v, struct loop *l, struct spec *spec, const struct vmref *vm,
		   const struct vmm_files *files, struct err *e)
{
	int status = vmmfile_make(vm, e), rc;

	if (status < 0)
		return status;
	rc = start(v, l, spec, status, vmmfile_open(vm), files, e);
	fd_close(&status); /* and with it the lock, but for the vmm's */
	return rc;
}

int vmmchild_start_bare(struct vmmchild *v, struct loop *l, struct spec *spec,
			const struct vmm_files *files, struct err *e)
{
	int status = vmmfile_make_bare(e), rc;

	if (status < 0)
		return status;
	rc = start(v, l, spec, status, fcntl(status, F_DUPFD_CLOEXEC, 0), files, e);
	fd_close(&status);
	return rc;
}

int vmmchild_adopt(struct vmmchild *v, struct loop *l, const struct vmref *vm, struct err *e)
{
	pid_t pid;
	int rc;

	begin(v, l);
	rc = v->exited.fd = vmmfile_process(vm, &pid, MARKED_MS);
	if (rc >= 0)
		rc = procid_of(&v->id, pid);
	if (rc < 0)
		return err_set(e, rc, "%s: find its vmm process: %s", vm->name, strerror(-rc));
	rc = listen_to(v, vmmfile_open(vm), e);
	if (rc == 0 && loop_add(l, &v->exited, EPOLLIN) < 0)
		rc = err_sys(e, "%s: watch its vmm process", vm->name);
	if (rc == 0)
		read_words(v); /* all it said while nobody listened */
	return rc;
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
	struct pollfd gone = { .fd = v->exited.fd, .events = POLLIN };
	siginfo_t si;

	if (v->id.pid) {
		vmmchild_signal(v, SIGKILL);
		while (poll(&gone, 1, -1) < 0 && errno == EINTR)
			;
		(void)waitid(P_PIDFD, (id_t)v->exited.fd, &si, WEXITED);
	}
	vmmchild_release(v);
}

void vmmchild_release(struct vmmchild *v)
{
	v->id.pid = 0;
	if (v->exited.fd >= 0 && v->loop)
		loop_del(v->loop, &v->exited);
	if (v->spoke.fd >= 0 && v->loop)
		loop_del(v->loop, &v->spoke);
	fd_close(&v->spoke.fd);
	fd_close(&v->words);
	fd_close(&v->exited.fd);
}
