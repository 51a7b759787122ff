/*
 * info - what this guest says of itself.
 */
#include "guest/info.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"
#include "base/version.h"
#include "proto/ready.h"

enum { MEMINFO_MAX = 8192 };

static int always(const struct clock *c)
{
	(void)c;
	return 1;
}

static int has_ptp(const struct clock *c)
{
	int64_t ahead;
	uint64_t bound;

	return c->ops->ptp(&ahead, &bound) == 0;
}

static int has_cgroup2(const struct clock *c)
{
	(void)c;
	return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
}

static int has_ipv6(const struct clock *c)
{
	(void)c;
	return access("/proc/net/if_inet6", F_OK) == 0;
}

/* What a host may ask for here, or has to do without. */
static const struct {
	const char *word;
	int (*is_there)(const struct clock *c);
} features[] = {
	{ "exec", always },   { "pty", always },	 { "streams", always }, { "copy", always },
	{ "ports", always },  { "clock", always },	 { "fs", always },	{ "ptp", has_ptp },
	{ "ipv6", has_ipv6 }, { "cgroup", has_cgroup2 },
};

_Static_assert(COUNT(features) <= INFO_FEATURES_MAX, "more features than a guest may have");

uint64_t info_meminfo(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ':')
			return strtoull(line + len + 1, NULL, 10) * 1024;
	}
	return 0;
}

static void add_machine(struct agent_info *i)
{
	char text[MEMINFO_MAX];
	struct sysinfo s;

	if (sysinfo(&s) == 0)
		for (size_t k = 0; k < 3; k++)
			i->load[k] = (uint32_t)(s.loads[k] * 100 >> SI_LOAD_SHIFT);
	if (fd_slurp(AT_FDCWD, "/proc/meminfo", text, sizeof(text)) > 0) {
		i->memory_total = info_meminfo(text, "MemTotal");
		i->memory_available = info_meminfo(text, "MemAvailable");
	}
	i->uptime_ms = (uint64_t)clock_ms();
}

static void add_main(struct agent_info *i, struct execd *d)
{
	struct main_state m = sessions_main(execd_sessions(d));

	i->main_pid = (uint32_t)m.pid;
	i->main_status = m.status;
	i->main = m.pid ? INFO_MAIN_RUNNING : m.status.end ? INFO_MAIN_ENDED : INFO_MAIN_NONE;
}

long info_write(const struct info_sources *s, const struct clock *c, void *out, size_t room)
{
	struct utsname u = { 0 };
	struct agent_info i = {
		.protocol = PROTOCOL_VERSION,
		.vmtool = vmtool_version,
		.boot = s->boot ? s->boot : "",
		.stage = "",
		.clock_is_known = (uint8_t)c->is_known,
		.clock_ns = c->ahead_ns,
		.clock_bound_ns = c->bound_ns,
	};

	uname(&u);
	i.kernel = u.release;
	i.hostname = u.nodename;
	i.pid1_is_ours = getpid() == 1;
	if (s->stage) {
		const char *name = s->stage(s->owner, &i.stage_state);

		i.stage = name ? name : "";
	}
	if (s->execd && *s->execd)
		add_main(&i, *s->execd);
	if (s->supervisor)
		i.nservices = supervisor_info(s->supervisor, i.services);
	add_machine(&i);
	for (size_t k = 0; k < COUNT(features); k++)
		if (features[k].is_there(c))
			i.features[i.nfeatures++] = features[k].word;
	return agent_info_encode(&i, out, room);
}
