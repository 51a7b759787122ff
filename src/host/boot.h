/*
 * boot - when a guest's boot is over: boot_done.
 *
 * Our own init says it behind its last stage. A systemd says READY=1 to the notify port, where it
 * can (host/notify); else it is asked, through the agent, and answers when it is so. After that
 * come the scripts of [provision], and only then is the boot over.
 */
#ifndef HOST_BOOT_H
#define HOST_BOOT_H

#include "host/backoff.h"
#include "host/notify.h"
#include "host/provision.h"

enum boot_way {
	BOOT_OURS,  /* process 1 is vmtool, and says it */
	BOOT_OTHER, /* an init beside our agent: asked */
	BOOT_PLAIN, /* nobody of ours is there: only heard */
};

struct boot {
	struct loop *loop;   /* borrowed; NULL before the start */
	struct timeline *tl; /* borrowed */
	int sockets_dir;     /* borrowed */
	enum boot_way way;
	struct condition *c; /* borrowed: BOOT_DONE */
	struct notify notify;
	struct errand question; /* to systemctl */
	struct timer again;
	struct backoff wait;
	struct provision provision;
	char how[CONDITION_TEXT_MAX]; /* what the guest said of its boot; "" before */
	unsigned units;		      /* that systemd said are active */
	int is_over;
	int is_degraded;		 /* some of it failed */
	void (*changed)(struct boot *b); /* a script has begun or ended */
	void (*over)(struct boot *b, const char *reason);
};

#define BOOT_NONE \
	((struct boot){ \
		.notify = NOTIFY_NONE, .question = ERRAND_NONE, .provision = PROVISION_NONE })

/* `way`, `c`, `changed`, `over` are set; provision is loaded. Takes over the listening socket of
 * host port 4094; -1: none. 0 or a negative errno. */
int boot_start(struct boot *b, struct loop *l, struct timeline *tl, int notify_fd, int sockets_dir);

/* The guest's vmtool is there, and behind its last stage: failed of them failed. */
void boot_agent_up(struct boot *b, int failed_stages);

/* Which does not help in saying how far another init is. */
void boot_agent_lost(struct boot *b);

void boot_stop(struct boot *b);

#endif
