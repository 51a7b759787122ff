/*
 * vmmchild - the vmm process as its agent sees it: what it is given, what it says, how it ends.
 *
 * It outlives its agent: another can take it over (vmmchild_adopt), and hears all it has said.
 */
#ifndef HOST_VMMCHILD_H
#define HOST_VMMCHILD_H

#include "base/err.h"
#include "base/loop.h"
#include "host/procid.h"
#include "host/vmmfile.h"
#include "proto/spec.h"

/* Everything it will ever open, opened by us. Owned by whoever fills it. */
struct vmm_files {
	int kvm, kernel, console;
	int line;	 /* who else is at the console: proto/spec's line_fd */
	int vsock;	 /* listening; -1: there is no socket device */
	int vsock_messages; /* the same for SOCK_SEQPACKET */
	int sockets_dir; /* where its socket and those of guest-to-host ports are; borrowed */
	const char *vsock_name; /* of its socket there; borrowed */
	int sockets_lock; /* held as long as the vmm serves there, whatever becomes of us; borrowed, -1: none */
	int initrd[3];	 /* the person's, the kernel's modules, ours; -1 for none */
	int disk[SPEC_DISKS_MAX];
	int overlay[SPEC_DISKS_MAX]; /* of a disk; -1 for none */
	unsigned ndisks;
	struct spec_nic nic[SPEC_NICS_MAX]; /* with our descriptors */
	unsigned nnics;
};

#define VMM_FILES_NONE \
	((struct vmm_files){ .kvm = -1, .kernel = -1, .console = -1, .line = -1, .vsock = -1, \
			     .vsock_messages = -1, .sockets_dir = -1, .sockets_lock = -1, .initrd = { -1, -1, -1 } })

void vmm_files_close(struct vmm_files *f);

struct vmmchild {
	struct loop *loop;   /* borrowed */
	struct procid id;    /* pid 0 while there is none */
	struct watch exited; /* owned: its pidfd */
	struct watch spoke;  /* owned: tells that vmm.status was written to */
	int words;	     /* owned: vmm.status */
	int killed;	     /* we sent SIGKILL */
	int is_tied;	     /* it is to end with us; set before it starts */
	int paused;	     /* its CPUs stand still */
	uint8_t continued;   /* counts the SIGCONTs it has had, as far as it said */
	unsigned troubles;   /* of its disks: so many were told */
	/* How it ended, in contracts.md's words; valid once ended() was called. */
	const char *reason;
	int ran;
	char detail[VMM_TEXT_MAX];
	void (*running)(struct vmmchild *v);
	void (*pause_changed)(struct vmmchild *v);
	void (*went_on)(struct vmmchild *v); /* it was stopped: its guest has missed some time */
	void (*disk_failed)(struct vmmchild *v, const struct vmm_trouble *t);
	void (*ended)(struct vmmchild *v); /* it is no more, and its descriptors with it */
};

#define VMMCHILD_NONE \
	((struct vmmchild){ .exited = { .fd = -1 }, .spoke = { .fd = -1 }, .words = -1 })

/* The machine of `spec`; its descriptor numbers and vsock_path are filled in here. 0 or negative
 * with *e filled. */
int vmmchild_start(struct vmmchild *v, struct loop *l, struct spec *spec, const struct vmref *vm,
		   const struct vmm_files *files, struct err *e);

/* One of no VM's: what it says of itself is kept nowhere. */
int vmmchild_start_bare(struct vmmchild *v, struct loop *l, struct spec *spec,
			const struct vmm_files *files, struct err *e);

/* The VM's machine, whoever started it. -ESRCH when it is no more; 0 or negative with *e filled. */
int vmmchild_adopt(struct vmmchild *v, struct loop *l, const struct vmref *vm, struct err *e);

/* SIGTERM asks it to end the machine in order, SIGKILL does not ask; VMM_SIG_... (proto/spec.h). */
void vmmchild_signal(struct vmmchild *v, int sig);

/* Kills what is still there... */
void vmmchild_close(struct vmmchild *v);

/* ...or leaves it alone. */
void vmmchild_release(struct vmmchild *v);

#endif
