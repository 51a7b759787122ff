/*
 * bare - a machine without a VM: no folder, no agent, no proof; it ends with whoever started it.
 */
#include "host/bare.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/util.h"
#include "host/bootfiles.h"
#include "host/chance.h"
#include "host/initrd.h"
#include "host/kvm.h"
#include "host/plug.h"
#include "host/tty.h"
#include "host/vmid.h"
#include "host/vmmchild.h"

struct bare {
	const struct bare_ask *ask;
	struct home home;
	struct config config;
	char boot[BOOT_ID_LEN + 1];
	char card_id[VMID_LEN + 1]; /* of the first boot, for its network cards' addresses */
	char vsock_path[PATH_ROOM], vsock_name[PATH_ROOM];
	int sockets_dir;  /* owned */
	int is_listening, hears_messages; /* there is a socket of ours there, and one beside it */
	struct loop loop;
	struct vmm_files files;
	struct vmmchild vmm;
	struct plug plug;
	struct detachkeys keys;
	struct tty tty;
	int is_plugged; /* the line has not ended */
	int signo;	/* that ended it */
	struct err *e;
};

/* --- what it is made of --- */

static int open_disks(struct bare *b)
{
	const struct disks *d = &b->config.disks;
	struct vmm_files *f = &b->files;

	for (unsigned i = 0; i < d->count; i++) {
		f->overlay[i] = -1;
		if (d->disk[i].overlay)
			return err_usage(b->e,
					 "disk %s: an overlay is kept in a VM's folder, and this "
					 "machine has none: ro, or vmtool start",
					 d->disk[i].path);
	}
	return disks_open(d, &b->home, NULL, f->disk, &f->ndisks, b->e);
}

/* Beside the vsock device's socket: the name may be just as long as a socket's can be. */
#define MESSAGES_OF "%s_seqpacket"

static int listen_messages(struct bare *b)
{
	char name[PATH_ROOM], path[PATH_ROOM];
	int rc = path_fmt(name, b->e, MESSAGES_OF, b->vsock_name);

	if (rc == 0)
		rc = path_fmt(path, b->e, "/proc/self/fd/%d/%s", b->sockets_dir, name);
	if (rc < 0)
		return rc;
	b->files.vsock_messages = unix_listen_messages(path, 64, b->e);
	b->hears_messages = b->files.vsock_messages >= 0;
	return b->hears_messages ? 0 : err_in(b->e, "--vsock %s, its " MESSAGES_OF, b->vsock_path, b->vsock_name);
}

/* For the vsock device. A socket that a dead one left there is in the way, as any other file is. */
static int listen_vsock(struct bare *b)
{
	char copy[PATH_ROOM];

	if (!b->ask->vsock)
		return 0;
	snprintf(copy, sizeof(copy), "%s", b->vsock_path);
	b->sockets_dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->sockets_dir < 0)
		return err_sys(b->e, "--vsock: open the folder of %s", b->vsock_path);
	snprintf(copy, sizeof(copy), "%s", b->vsock_path);
	snprintf(b->vsock_name, sizeof(b->vsock_name), "%s", basename(copy));
	b->files.sockets_dir = b->sockets_dir;
	b->files.vsock_name = b->vsock_name;
	b->files.vsock = unix_listen(b->vsock_path, 64, b->e);
	b->is_listening = b->files.vsock >= 0;
	return b->is_listening ? listen_messages(b) : err_in(b->e, "--vsock %s", b->vsock_path);
}

static void remove_vsock(struct bare *b)
{
	char name[PATH_ROOM];

	if (b->is_listening)
		unlinkat(b->sockets_dir, b->vsock_name, 0);
	if (b->hears_messages && path_fmt(name, b->e, MESSAGES_OF, b->vsock_name) == 0)
		unlinkat(b->sockets_dir, name, 0);
	b->is_listening = b->hears_messages = 0;
	fd_close(&b->sockets_dir);
}

/* The guest's other end of the line is ours. Returns ours, or negative. */
static int open_line(struct bare *b)
{
	const char *path = b->ask->console ? b->ask->console : "/dev/null";
	int pair[2];

	b->files.console = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (b->files.console < 0)
		return err_sys(b->e, "--console: open %s", path);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_sys(b->e, "make the serial line");
	b->files.line = pair[1];
	return pair[0];
}

/* Our end of the line, owned by the caller, or negative. */
static int open_files(struct bare *b)
{
	struct guest_desc *desc = &b->config.guest.desc;
	struct bootfiles boot = BOOTFILES_NONE;
	struct vmm_files *f = &b->files;
	int rc;

	desc->boot = b->boot;
	rc = bootfiles_open(&b->config, &b->home, &boot, b->e);
	f->kernel = boot.kernel;
	f->initrd[0] = boot.initrd;
	f->initrd[1] = boot.modules;
	if (rc >= 0)
		rc = open_disks(b);
	if (rc >= 0)
		rc = nics_open(&b->config.nics, &b->home, NULL, b->card_id, f->nic, &f->nnics, b->e);
	if (rc >= 0)
		rc = f->kvm = kvm_open(b->e);
	if (rc >= 0 && !b->config.proof.is_plain)
		rc = f->initrd[2] = initrd_ours(desc, b->e);
	if (rc >= 0)
		rc = listen_vsock(b);
	return rc < 0 ? rc : open_line(b);
}

/* --- a boot of it --- */

static int boot(struct bare *b);

static void end(struct bare *b, int status)
{
	loop_stop(&b->loop, status);
}

static int failed(struct bare *b)
{
	const struct vmmchild *v = &b->vmm;

	return err_set(b->e, -ECANCELED, "vmm: the machine ended: %s%s%s", v->reason,
		       v->detail[0] ? ": " : "", v->detail);
}

static void settle(struct bare *b)
{
	const char *reason = b->vmm.reason;

	if (b->is_plugged || b->vmm.id.pid)
		return;
	plug_stop(&b->plug);
	remove_vsock(b);
	if (b->signo)
		end(b, 128 + b->signo);
	else if (strcmp(reason, "guest_poweroff") == 0)
		end(b, 0);
	else if (strcmp(reason, "guest_reboot") != 0)
		end(b, failed(b));
	else if (b->config.reboot_ends)
		end(b, 0);
	else if (boot(b) < 0)
		end(b, b->e->code);
}

static void vmm_ended(struct vmmchild *v)
{
	settle(CONTAINER(v, struct bare, vmm));
}

static void nothing_to_do(struct vmmchild *v)
{
	(void)v;
}

static void disk_failed(struct vmmchild *v, const struct vmm_trouble *t)
{
	(void)v;
	fprintf(stderr, "vmm: disk vd%c: %s\r\n", 'a' + t->disk, strerror((int)t->sys));
}

static void ask_to_end(struct bare *b, int signo)
{
	vmmchild_signal(&b->vmm, b->signo ? SIGKILL : SIGTERM);
	b->signo = signo;
}

static void line_over(struct plug *p, int why)
{
	struct bare *b = CONTAINER(p, struct bare, plug);

	b->is_plugged = 0;
	if (why == PLUG_LEFT || plug_is_unread(p))
		ask_to_end(b, plug_is_unread(p) ? SIGPIPE : SIGTERM);
	settle(b);
}

static int start_vmm(struct bare *b)
{
	char cmdline[SPEC_CMDLINE_MAX + 1];
	struct spec spec;
	int rc = machine_describe(&b->config, b->boot, cmdline, &spec, b->e);

	if (rc < 0)
		return rc;
	b->vmm = VMMCHILD_NONE;
	b->vmm.is_tied = 1;
	b->vmm.running = b->vmm.pause_changed = b->vmm.went_on = nothing_to_do;
	b->vmm.disk_failed = disk_failed;
	b->vmm.ended = vmm_ended;
	return vmmchild_start_bare(&b->vmm, &b->loop, &spec, &b->files, b->e);
}

static int boot(struct bare *b)
{
	int line, rc;

	b->files = VMM_FILES_NONE;
	rc = chance_boot_id(b->boot, b->e);
	if (rc < 0)
		return rc;
	if (!b->card_id[0])
		snprintf(b->card_id, sizeof(b->card_id), "%.8s%.4s%.4s", b->boot, b->boot + 9,
			 b->boot + 14);
	line = open_files(b);
	rc = line < 0 ? line : start_vmm(b);
	vmm_files_close(&b->files);
	if (rc < 0) {
		fd_close(&line);
		return rc;
	}
	b->is_plugged = 1;
	rc = plug_start(&b->plug, &b->loop, line);
	return rc < 0 ? err_set(b->e, rc, "standard input and output: %s", strerror(-rc)) : 0;
}

/* --- the whole --- */

static void signalled(struct loop *loop, const struct signalfd_siginfo *si)
{
	struct bare *b = CONTAINER(loop, struct bare, loop);

	switch (si->ssi_signo) {
	case SIGTERM:
	case SIGINT:
	case SIGHUP:
		ask_to_end(b, (int)si->ssi_signo);
		break;
	case VMM_SIG_BUTTON:
		vmmchild_signal(&b->vmm, VMM_SIG_BUTTON);
		break;
	case SIGTSTP:
		tty_restore(&b->tty, 0);
		raise(SIGSTOP);
		break;
	case SIGCONT:
		tty_raw(&b->tty);
		break;
	}
}

static int prepare(struct bare *b)
{
	int rc = home_open(&b->home, 0, b->e);

	if (rc == 0)
		rc = config_new(&b->config, &b->home, b->ask->wish, b->e);
	if (rc == 0 && !b->config.guest.desc.hostname[0])
		b->config.guest.desc.hostname = "vmtool";
	if (rc == 0 && b->ask->vsock)
		rc = path_fmt(b->vsock_path, b->e, "%s", b->ask->vsock);
	if (rc < 0)
		return rc;
	rc = loop_open(&b->loop);
	return rc < 0 ? err_set(b->e, rc, "open the event loop: %s", strerror(-rc)) : 0;
}

static int run(struct bare *b)
{
	int rc = prepare(b);

	b->loop.signalled = signalled;
	b->loop.running = 1;
	b->plug.keys = &b->keys;
	b->plug.over = line_over;
	if (rc == 0)
		rc = boot(b);
	if (rc < 0)
		return rc;
	if (b->loop.running)
		tty_raw(&b->tty);
	return b->loop.running ? loop_run(&b->loop) : b->loop.status;
}

int bare_run(const struct bare_ask *ask, struct err *e)
{
	struct bare *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return err_set(e, -ENOMEM, "no memory for a machine");
	b->ask = ask;
	b->keys = ask->keys;
	b->home = HOME_NONE;
	b->sockets_dir = -1;
	b->loop = LOOP_INIT;
	b->files = VMM_FILES_NONE;
	b->vmm = VMMCHILD_NONE;
	b->e = e;
	tty_init(&b->tty);
	rc = run(b);
	tty_restore(&b->tty, 1);
	vmmchild_close(&b->vmm);
	plug_stop(&b->plug);
	remove_vsock(b);
	vmm_files_close(&b->files);
	loop_close(&b->loop);
	home_close(&b->home);
	loop_unblock(&b->loop);
	free(b);
	return rc;
}
