/*
 * vmmchild - the vmm process as its parent sees it: what it is given, what it says, how it ends.
 */
#ifndef HOST_VMMCHILD_H
#define HOST_VMMCHILD_H

#include "base/err.h"
#include "base/loop.h"
#include "host/procid.h"
#include "proto/frame.h"
#include "proto/spec.h"

/* Everything it will ever open, opened by us. Owned by whoever fills it. */
struct vmm_files {
	int kvm, kernel, console;
	int vsock;	 /* listening */
	int sockets_dir; /* where the sockets of guest-to-host ports are */
	int initrd[2];	 /* the person's, then ours; -1 for none */
	int disk[SPEC_DISKS_MAX];
	unsigned ndisks;
};

#define VMM_FILES_NONE ((struct vmm_files){ -1, -1, -1, -1, -1, { -1, -1 }, { 0 }, 0 })

void vmm_files_close(struct vmm_files *f);

struct vmmchild {
	struct loop *loop;   /* borrowed */
	struct procid id;    /* pid 0 while there is none */
	struct watch exited; /* owned: its pidfd */
	struct watch status; /* owned: FRAME_VMM_... comes here */
	int killed;	     /* we sent SIGKILL */
	struct inbox in;
	uint8_t mem[FRAME_HEADER + VMM_TEXT_MAX + 64];
	/* How it ended, in contracts.md's words; valid once ended() was called. */
	const char *reason;
	int ran;
	char detail[VMM_TEXT_MAX];
	void (*running)(struct vmmchild *v);
	void (*ended)(struct vmmchild *v); /* it has been reaped */
};

#define VMMCHILD_NONE ((struct vmmchild){ .exited = { .fd = -1 }, .status = { .fd = -1 } })

/* The machine of `spec`; its descriptor numbers and vsock_path are filled in here. 0 or negative
 * with *e filled. */
int vmmchild_start(struct vmmchild *v, struct loop *l, struct spec *spec,
		   const struct vmm_files *files, struct err *e);

/* On SIGCHLD: 1 when somebody had stopped the process and it now goes on. */
int vmmchild_was_continued(const struct vmmchild *v);

/* SIGTERM asks it to end the machine in order; SIGKILL does not ask. */
void vmmchild_signal(struct vmmchild *v, int sig);

void vmmchild_close(struct vmmchild *v);

#endif
