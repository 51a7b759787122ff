/*
 * vmtool ls - the VMs there are, and what is true about them.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applets/applet.h"
#include "base/clock.h"
#include "host/config.h"
#include "host/state.h"
#include "host/text.h"

enum { OPT_JSON = OPT_LONG };

static const struct opt ls_opts[] = {
	{ 'q', "quiet", NULL, "names only" },
	{ OPT_JSON, "json", NULL, "one JSON array" },
	{ 0 },
};

struct row {
	const char *name;
	struct state s;
	int64_t uptime_ms; /* -1 when it does not run */
};

static void print_name(const struct row *r, json_t *all)
{
	(void)all;
	puts(r->name);
}

static void print_line(const struct row *r, json_t *all)
{
	char memory[TEXT_UNIT_ROOM] = "-", uptime[TEXT_UNIT_ROOM] = "-", cpus[12] = "-";

	(void)all;
	if (r->s.memory_bytes) {
		text_size(memory, r->s.memory_bytes);
		snprintf(cpus, sizeof(cpus), "%u", r->s.cpus);
	}
	if (r->uptime_ms >= 0)
		text_duration(uptime, r->uptime_ms);
	printf("%-20s  %-8s  %-5s  %4s  %9s  %s\n", r->name, state_name(r->s.state),
	       r->s.ready ? "yes" : "no", cpus, memory, uptime);
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static void add_json(const struct row *r, json_t *all)
{
	const struct state *s = &r->s;

	json_array_append_new(
		all,
		json_pack("{s:s, s:s, s:b, s:{s:b, s:b}, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
			  "name", r->name, "state", state_name(s->state), "ready", s->ready,
			  "conditions", "vm_alive", s->vm_alive, "agent_up", s->agent_up, "cpus",
			  (int)s->cpus, "memory_bytes", (json_int_t)s->memory_bytes, "uptime_ms",
			  r->uptime_ms < 0 ? json_null() : json_integer(r->uptime_ms), "started",
			  text_or_null(s->started), "boot", text_or_null(s->boot), "reason",
			  text_or_null(s->reason), "detail", text_or_null(s->detail), "status",
			  s->has_status ? json_integer(s->status) : json_null()));
}

/* 1 when it is there, 0 when it was removed meanwhile, negative with *e filled. */
static int read_row(struct row *r, const struct home *home, const char *name, struct err *e)
{
	struct err ignored = ERR_NONE;
	struct vmref vm = VMREF_NONE;
	struct config c;
	int rc;

	r->name = name;
	if (store_find(&vm, home, name, &ignored) < 0)
		return 0;
	rc = state_read(&r->s, &vm, e);
	if (rc == -EPROTO) { /* one that is damaged must not hide the others */
		r->s = (struct state){ .state = VM_FAILED, .reason = "damaged" };
		rc = 0;
	}
	/* Of one that never ran, what was asked for is all there is to show. */
	if (rc == 0 && r->s.memory_bytes == 0 && config_load(&c, &vm, NULL, &ignored) == 0) {
		r->s.cpus = c.cpus;
		r->s.memory_bytes = c.memory_bytes;
	}
	r->uptime_ms = state_is_live(r->s.state) ? clock_ms() - r->s.started_ms : -1;
	store_close(&vm);
	return rc < 0 ? rc : 1;
}

static int list(const struct home *home, void (*show)(const struct row *r, json_t *all),
		json_t *all, struct err *e)
{
	char(*names)[VM_NAME_ROOM];
	int count = store_names(home, &names, e), rc = count;

	for (int i = 0; i < count && rc >= 0; i++) {
		struct row r = { 0 };

		rc = read_row(&r, home, names[i], e);
		if (rc > 0)
			show(&r, all);
	}
	free(names);
	return rc < 0 ? rc : 0;
}

static int ls_run(struct cmdline *cl, struct err *e)
{
	void (*show)(const struct row *r, json_t *all) = print_line;
	struct home home = HOME_NONE;
	json_t *all = json_array();
	int c, rc;

	while ((c = opt_next(cl, e)) > 0)
		show = c == 'q' ? print_name : add_json;
	rc = c < 0 ? c : operands_end(cl, e);
	if (rc == 0)
		rc = home_open(&home, 0, e);
	if (rc < 0)
		goto out;
	if (show == print_line)
		printf("%-20s  %-8s  %-5s  %4s  %9s  %s\n", "NAME", "STATE", "READY", "CPUS",
		       "MEMORY", "UPTIME");
	rc = list(&home, show, all, e);
	if (rc == 0 && show == add_json) {
		json_dumpf(all, stdout, JSON_INDENT(1));
		putchar('\n');
	}
out:
	json_decref(all);
	home_close(&home);
	return rc;
}

const struct applet applet_ls = {
	.name = "ls",
	.args = "",
	.help = "List the VMs with their state",
	.opts = ls_opts,
	.command_after = -1,
	.run = ls_run,
};
