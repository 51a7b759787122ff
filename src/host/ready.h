/*
 * ready - the conditions of a VM, found out as they change; and the moment when all that gate
 * Ready hold.
 *
 * agent_up: the guest said hello with the boot id that only it was given, said that its servers
 * answer, and its exec server did answer us. ssh_banner: whoever connects to the public port of the
 * forward called ssh is greeted by an SSH server (ssh/prober, the same as `vmtool ssh-probe`), which has
 * the host key that is known of the VM, if one is (host/keycheck).
 * boot_done: host/boot. probe:NAME: host/probe.
 */
#ifndef HOST_READY_H
#define HOST_READY_H

#include "host/boot.h"
#include "host/conditions.h"
#include "host/heartbeat.h"
#include "host/keycheck.h"
#include "host/lookout.h"
#include "host/probe.h"
#include "host/timeline.h"
#include "ssh/prober.h"

/* What has to hold before a VM is ready. Borrowed from the configuration. */
struct ready_ask {
	enum boot_way way;
	unsigned required; /* bits, 1 << enum condition_id: beyond what follows from the rest */
	const struct probe_wishes *probes;
	const struct script_wishes *scripts;
};

struct ready {
	struct loop *loop;   /* borrowed */
	struct timeline *tl; /* borrowed */
	const struct vmref *vm; /* borrowed; NULL: no host key of its server is known */
	int sockets_dir;     /* borrowed */
	const struct ready_ask *ask;
	struct conditions conditions;
	struct lookout lookout;
	struct heartbeat heartbeat;
	struct boot boot;
	struct probe probes[PROBES_MAX];
	struct endpoint ssh; /* where strangers come in; port 0: nowhere */
	struct prober prober;
	struct keycheck keycheck;
	struct timer greet_again; /* its key was to be checked, and the server was gone */
	int hello, said_ready; /* the way to agent_up */
	int failed_stages;     /* of the guest's boot */
	int proven;		/* that way was gone once: what comes again is not told again */
	uint64_t guest_ms;	/* its clock shortly after its latest stage */
	uint64_t told_ms;	/* what is older was told over an earlier connection */
	struct timer expected;	/* a beacon that another agent heard is to come back until then... */
	int is_expected;	/* ...or when its machine, which stands still, goes on */
	int main_exited;
	struct exec_status main; /* valid when main_exited */
	int main_kept;		 /* and it is written down */
	/* Ready will not come any more: the exit code for it, and a sentence. */
	int hopeless;
	char why[1000];
	/* c: what has turned; NULL: something else has, of those above. */
	void (*changed)(struct ready *r, const struct condition *c);
};

/* Before anything else, for what is said of the conditions meanwhile. */
void ready_init(struct ready *r);

/* Which conditions there are, and what gates. */
void ready_expect(struct ready *r, const struct ready_ask *ask);

/* Takes over the listening sockets of the beacon and of systemd's notify messages; -1: none.
 * 0 or a negative errno. */
int ready_start(struct ready *r, struct loop *l, struct timeline *tl, int beacon_fd, int notify_fd,
		int sockets_dir, void (*changed)(struct ready *r, const struct condition *c));
void ready_stop(struct ready *r);

/* Behind ready_start(), of a guest that another agent has heard: what that one knew. A guest that does
 * not say hello in time is not up. */
void ready_recall(struct ready *r, const struct conditions *known, const struct timeline_past *past);

/* The public address of the guest's sshd: from now on ssh_banner gates. */
void ready_expect_ssh(struct ready *r, const struct endpoint *where);

void ready_vm_alive(struct ready *r, int alive, const char *reason);

/* Its machine is paused, or goes on: a guest that cannot answer is not asked. */
void ready_stand_still(struct ready *r, int still);

/* Ready cannot come any more; `code` is what a start that waits for it ends with: 1, or 3 for a
 * host key that is not the one that is known. The first stands. */
void ready_give_up(struct ready *r, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

int ready_holds(const struct ready *r, enum condition_id id);
int ready_is(const struct ready *r);

/* With the attempts counted up to now. */
const struct conditions *ready_conditions(struct ready *r);

/* Why what is ready is degraded, for a person; "" when it is not. Returns out. */
char *ready_degraded(const struct ready *r, char *out, size_t cap);

#endif
