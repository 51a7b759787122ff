/*
 * privilege - what a command in the guest is kept from, by the names people know: resource limits,
 * capabilities, groups.
 */
#include "host/privilege.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/parse.h"
#include "base/util.h"

struct name {
	const char *name;
	unsigned number;
};

static const struct name limits[] = {
	{ "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC },
	{ "core", RLIMIT_CORE },
	{ "stack", RLIMIT_STACK },
	{ "as", RLIMIT_AS },
	{ "cpu", RLIMIT_CPU },
	{ "fsize", RLIMIT_FSIZE },
	{ "memlock", RLIMIT_MEMLOCK },
	{ "data", RLIMIT_DATA },
	{ "rss", RLIMIT_RSS },
	{ "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },
	{ "rtprio", RLIMIT_RTPRIO },
	{ "rttime", RLIMIT_RTTIME },
	{ "sigpending", RLIMIT_SIGPENDING },
	{ "locks", RLIMIT_LOCKS },
};

static const struct name caps[] = {
	{ "chown", CAP_CHOWN },
	{ "dac_override", CAP_DAC_OVERRIDE },
	{ "dac_read_search", CAP_DAC_READ_SEARCH },
	{ "fowner", CAP_FOWNER },
	{ "fsetid", CAP_FSETID },
	{ "kill", CAP_KILL },
	{ "setgid", CAP_SETGID },
	{ "setuid", CAP_SETUID },
	{ "setpcap", CAP_SETPCAP },
	{ "linux_immutable", CAP_LINUX_IMMUTABLE },
	{ "net_bind_service", CAP_NET_BIND_SERVICE },
	{ "net_broadcast", CAP_NET_BROADCAST },
	{ "net_admin", CAP_NET_ADMIN },
	{ "net_raw", CAP_NET_RAW },
	{ "ipc_lock", CAP_IPC_LOCK },
	{ "ipc_owner", CAP_IPC_OWNER },
	{ "sys_module", CAP_SYS_MODULE },
	{ "sys_rawio", CAP_SYS_RAWIO },
	{ "sys_chroot", CAP_SYS_CHROOT },
	{ "sys_ptrace", CAP_SYS_PTRACE },
	{ "sys_pacct", CAP_SYS_PACCT },
	{ "sys_admin", CAP_SYS_ADMIN },
	{ "sys_boot", CAP_SYS_BOOT },
	{ "sys_nice", CAP_SYS_NICE },
	{ "sys_resource", CAP_SYS_RESOURCE },
	{ "sys_time", CAP_SYS_TIME },
	{ "sys_tty_config", CAP_SYS_TTY_CONFIG },
	{ "mknod", CAP_MKNOD },
	{ "lease", CAP_LEASE },
	{ "audit_write", CAP_AUDIT_WRITE },
	{ "audit_control", CAP_AUDIT_CONTROL },
	{ "setfcap", CAP_SETFCAP },
	{ "mac_override", CAP_MAC_OVERRIDE },
	{ "mac_admin", CAP_MAC_ADMIN },
	{ "syslog", CAP_SYSLOG },
	{ "wake_alarm", CAP_WAKE_ALARM },
	{ "block_suspend", CAP_BLOCK_SUSPEND },
	{ "audit_read", CAP_AUDIT_READ },
	{ "perfmon", CAP_PERFMON },
	{ "bpf", CAP_BPF },
	{ "checkpoint_restore", CAP_CHECKPOINT_RESTORE },
};

static const struct name *find(const struct name *table, size_t count, const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(table[i].name) == len && !strncasecmp(table[i].name, text, len))
			return &table[i];
	return NULL;
}

/* Wrong usage that says what there is. */
static int unknown(struct err *e, const char *what, const char *text, size_t len,
		   const struct name *table, size_t count)
{
	char list[800] = "";
	size_t used = 0;

	for (size_t i = 0; i < count && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, " %s", table[i].name);
	return err_usage(e, "%s: there is no '%.*s'; there are:%s", what, (int)MIN(len, 40), text,
			 list);
}

/* One of the two numbers, which ends at len. 0 or negative. */
static int value_of(uint64_t *out, const char *text, size_t len)
{
	char copy[24];

	if (len >= sizeof(copy))
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (!strcmp(copy, "unlimited") || !strcmp(copy, "-1")) {
		*out = EXEC_RLIM_INFINITY;
		return 0;
	}
	return parse_u64(out, copy);
}

int privilege_ulimit(struct exec_req *q, const char *text, struct err *e)
{
	size_t len = strcspn(text, "="), soft_len;
	const struct name *n = find(limits, COUNT(limits), text, len);
	const char *soft = text + len + 1, *hard;
	struct exec_rlimit r;

	if (text[len] != '=')
		return err_usage(e, "--ulimit: '%s' is not NAME=SOFT[:HARD]", text);
	if (!n)
		return unknown(e, "--ulimit", text, len, limits, COUNT(limits));
	soft_len = strcspn(soft, ":");
	hard = soft[soft_len] ? soft + soft_len + 1 : soft;
	r.resource = (uint8_t)n->number;
	if (value_of(&r.soft, soft, soft_len) < 0 ||
	    value_of(&r.hard, hard, hard == soft ? soft_len : strlen(hard)) < 0)
		return err_usage(e, "--ulimit: '%s': a limit is a whole number or unlimited", text);
	if (r.soft > r.hard)
		return err_usage(e, "--ulimit: '%s': the soft limit is above the hard one", text);
	for (uint32_t i = 0; i < q->nrlimits; i++)
		if (q->rlimits[i].resource == r.resource)
			return err_usage(e, "--ulimit: %s is set twice", n->name);
	q->rlimits[q->nrlimits++] = r; /* each name once: there is room for all */
	return 0;
}

int privilege_cap_drop(struct exec_req *q, const char *text, struct err *e)
{
	const char *bare = !strncasecmp(text, "cap_", 4) ? text + 4 : text;
	const struct name *n = find(caps, COUNT(caps), bare, strlen(bare));

	if (!strcasecmp(text, "all"))
		q->drop_caps = EXEC_CAPS_ALL;
	else if (!n)
		return unknown(e, "--cap-drop", text, strlen(text), caps, COUNT(caps));
	else
		q->drop_caps |= 1ull << n->number;
	return 0;
}

int privilege_group(struct exec_req *q, const char *text, struct err *e)
{
	if (!*text)
		return err_usage(e, "--group: a name or number of the guest's is missing");
	if (q->ngroups == EXEC_GROUPS_MAX)
		return err_usage(e, "--group: more than %d", EXEC_GROUPS_MAX);
	q->groups[q->ngroups++] = text;
	return 0;
}

static int add_path(struct exec_req *q, enum exec_how how, const char *what, const char *text,
		    struct err *e)
{
	if (text[0] != '/')
		return err_usage(e, "%s: '%s' is no absolute path of the guest's", what, text);
	if (q->npaths == EXEC_PATHS_MAX)
		return err_usage(e, "%s: more than %d paths", what, EXEC_PATHS_MAX);
	q->paths[q->npaths++] = (struct exec_path){ (uint8_t)how, text };
	return 0;
}

int privilege_read_only_path(struct exec_req *q, const char *text, struct err *e)
{
	return add_path(q, EXEC_READ_ONLY, "--read-only-path", text, e);
}

int privilege_mask_path(struct exec_req *q, const char *text, struct err *e)
{
	return add_path(q, EXEC_MASKED, "--mask-path", text, e);
}
