/*
 * vmtool show - everything that is known of one VM: what is true of it, and what its guest says.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applets/applet.h"
#include "base/clock.h"
#include "base/util.h"
#include "host/config.h"
#include "host/forwardops.h"
#include "host/inquiry.h"
#include "host/known.h"
#include "host/origins.h"
#include "host/target.h"
#include "host/text.h"
#include "host/vmid.h"
#include "proto/ready.h"

/* A guest that hangs must not make this hang. */
enum { GUEST_MS = 1000 };

enum { OPT_JSON = OPT_LONG, OPT_CONFIG };

static const struct opt show_opts[] = {
	{ OPT_JSON, "json", NULL, "one JSON object; of several VMs, an array of them" },
	{ OPT_CONFIG, "config", NULL, "its configuration instead, and where each value was said" },
	{ 0 },
};

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

/* --- the guest's words --- */

static json_t *foreign(const char *text)
{
	char clean[512];

	return json_string(text_clean(clean, sizeof(clean), text, strlen(text)));
}

static json_t *main_json(const struct agent_info *i)
{
	static const char *const names[] = { "none", "running", "ended" };
	json_t *j = json_pack("{s:s}", "state", names[i->main]);

	if (i->main == INFO_MAIN_RUNNING)
		json_object_set_new(j, "pid", json_integer(i->main_pid));
	if (i->main == INFO_MAIN_ENDED)
		json_object_set_new(j, "status", json_integer(exec_status_code(&i->main_status)));
	return j;
}

static json_t *services_json(const struct agent_info *i)
{
	static const char *const names[INFO_SERVICE_STATES] = { "ended", "running", "waiting" };
	json_t *all = json_array();

	for (uint32_t k = 0; k < i->nservices; k++) {
		const struct info_service *x = &i->services[k];
		int runs = x->state == INFO_SERVICE_RUNNING;

		json_array_append_new(
			all, json_pack("{s:o, s:s, s:o, s:o, s:I}", "name", foreign(x->name), "state",
				       names[x->state], "pid",
				       runs ? json_integer(x->pid) : json_null(), "status",
				       runs ? json_null() : json_integer(exec_status_code(&x->status)),
				       "starts", (json_int_t)x->starts));
	}
	return all;
}

static json_t *clock_json(const struct agent_info *i)
{
	if (!i->clock_is_known)
		return json_null();
	return json_pack("{s:f, s:f}", "ahead_ms", (double)i->clock_ns / 1e6, "bound_ms",
			 (double)i->clock_bound_ns / 1e6);
}

static json_t *features_json(const struct agent_info *i)
{
	json_t *all = json_array();

	for (uint32_t k = 0; k < i->nfeatures; k++)
		json_array_append_new(all, foreign(i->features[k]));
	return all;
}

static json_t *ports_json(const struct agent_ports *p)
{
	json_t *all = json_array();

	for (uint32_t k = 0; k < p->count; k++) {
		const struct port *x = &p->port[k];
		char address[INET6_ADDRSTRLEN];

		inet_ntop(x->family == 4 ? AF_INET : AF_INET6, x->addr, address, sizeof(address));
		json_array_append_new(all, json_pack("{s:s, s:s, s:i, s:I}", "proto",
						     x->proto == PORT_TCP ? "tcp" : "udp",
						     "address", address, "port", x->port, "uid",
						     (json_int_t)x->uid));
	}
	return all;
}

/* JSON's integers are signed; a guest may lie, but not confuse. */
static json_int_t number(uint64_t v)
{
	return (json_int_t)(v & INT64_MAX);
}

static json_t *guest_json(const struct inquiry *q)
{
	const struct agent_info *i = &q->info;

	return json_pack(
		"{s:o, s:i, s:o, s:o, s:o, s:s, s:I, s:o, s:o, s:o, s:o, s:[f,f,f], s:I, s:I, s:o, s:o,"
		" s:I, s:b, s:o}",
		"vmtool", foreign(i->vmtool), "protocol", i->protocol, "kernel", foreign(i->kernel),
		"boot", foreign(i->boot), "hostname", foreign(i->hostname), "pid1",
		i->pid1_is_ours ? "vmtool" : "other", "uptime_ms", number(i->uptime_ms), "stage",
		i->stage_state ? foreign(i->stage) : json_null(), "stage_state",
		i->stage_state ? json_string(stage_state_name(i->stage_state)) : json_null(),
		"main", main_json(i), "services", services_json(i), "load", i->load[0] / 100.0, i->load[1] / 100.0,
		i->load[2] / 100.0, "memory_total_bytes", number(i->memory_total),
		"memory_available_bytes", number(i->memory_available), "clock", clock_json(i),
		"features", features_json(i), "listening_epoch", number(q->ports.epoch),
		"listening_truncated", q->ports.truncated != 0, "listening", ports_json(&q->ports));
}

/* Into j: what the guest says, or why it says nothing. 0 or negative with *e filled. */
static int add_guest(json_t *j, const char *vsock, struct err *e)
{
	struct inquiry *q = malloc(sizeof(*q));
	int rc;

	if (!q)
		return err_set(e, -ENOMEM, "no memory for the guest's answer");
	rc = inquiry_make(q, vsock, clock_ms() + GUEST_MS, e);
	json_object_set_new(j, "guest", rc == 0 ? guest_json(q) : json_null());
	json_object_set_new(j, "guest_error", rc == 0 ? json_null() : foreign(e->text));
	free(q);
	return rc;
}

/* --- the host's --- */

static json_t *state_json(const struct vmref *v, const struct state *s)
{
	char id[VMID_LEN + 1];

	(void)vmid_read(v->home->vms, v->name, id);
	return json_pack(
		"{s:s, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:I, s:o, s:o, s:o, s:o,"
		" s:o, s:o}",
		"name", v->name, "id", text_or_null(id), "state", state_name(s->state), "ready",
		s->ready, "conditions", conditions_values(&s->conditions), "condition_details",
		state_is_live(s->state) ? conditions_list(&s->conditions) : json_array(),
		"provision", scripts_json(&s->scripts), "degraded",
		text_or_null(s->degraded), "boot", text_or_null(s->boot), "pid",
		s->vmm.pid ? json_integer(s->vmm.pid) : json_null(), "agent_pid",
		s->agent.pid ? json_integer(s->agent.pid) : json_null(), "cpus", (int)s->cpus,
		"memory_bytes", (json_int_t)s->memory_bytes, "sockets", text_or_null(s->sockets),
		"started", text_or_null(s->started), "reason", text_or_null(s->reason), "detail",
		text_or_null(s->detail), "rung",
		text_or_null(strcmp(s->rung, "none") ? s->rung : ""), "status",
		s->has_status ? json_integer(s->status) : json_null());
}

/* What `start` said of the cause, when it was a failure. */
static json_t *cause_json(const struct diagnosis *d)
{
	const struct symptom *s = symptom_find(d->id);

	if (!s)
		return json_null();
	return json_pack("{s:s, s:s, s:o, s:o}", "id", s->id, "cause", s->cause, "line",
			 text_or_null(d->line), "remedy", text_or_null(s->remedy ? s->remedy : ""));
}

/* The agent has them; without it only the port that ssh had is known, which it will have again. */
static void add_forwards(json_t *j, const struct vmref *v, const struct state *s)
{
	uint16_t port = portbook_port(v, "ssh");
	struct err silent = ERR_NONE;
	json_t *all = NULL;

	if (state_is_live(s->state))
		forwards_ask(&all, s, 0, &silent);
	json_object_set_new(j, "ssh_port", port ? json_integer(port) : json_null());
	json_object_set_new(j, "forwards", all ? all : json_array());
}

/* Asked of vm.ini: the addresses are known before a guest runs. */
static json_t *nics_json(const struct vmref *v)
{
	struct config *c = malloc(sizeof(*c));
	struct err silent = ERR_NONE;
	json_t *all = json_array();
	char id[VMID_LEN + 1];

	if (c && vmid_read(v->home->vms, v->name, id) == 0 && config_load(c, v, NULL, &silent) == 0)
		for (unsigned i = 0; i < c->nics.count; i++) {
			const struct nic_wish *w = &c->nics.nic[i];
			char mac[NIC_MAC_ROOM];
			uint8_t bytes[6];

			nic_mac(w, id, i, bytes);
			nic_mac_text(bytes, mac);
			json_array_append_new(all, json_pack("{s:s, s:o, s:s}", "kind",
							     nic_kind_name(w->kind), "peer",
							     text_or_null(w->peer), "mac", mac));
		}
	free(c);
	return all;
}

/* What is true of the VM is shown whether or not its guest answers. */
static int describe_vm(json_t **j, const char *name, struct err *e)
{
	struct target t = TARGET_NONE;
	struct err silent = ERR_NONE;
	struct known vm = KNOWN_NONE;
	int rc = known_find(&vm, name, e);

	if (rc == 0) {
		*j = state_json(&vm.ref, &vm.state);
		json_object_set_new(*j, "diagnosis", cause_json(&vm.state.diagnosis));
		add_forwards(*j, &vm.ref, &vm.state);
		json_object_set_new(*j, "nics", nics_json(&vm.ref));
		if (!state_holds(&vm.state, AGENT_UP))
			json_object_set_new(*j, "guest", json_null());
		else if (target_vm(&t, &vm.ref, &vm.state, &silent) == 0)
			add_guest(*j, t.vsock, &silent);
	}
	target_close(&t);
	known_close(&vm);
	return rc;
}

static int describe(json_t **j, const char *name, struct err *e)
{
	if (strncmp(name, "unix:", 5) != 0)
		return describe_vm(j, name, e);
	*j = json_pack("{s:s}", "name", name);
	return add_guest(*j, name + 5, e);
}

/* --- for people --- */

static void print_value(json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		printf(" %s", json_string_value(v));
		break;
	case JSON_INTEGER:
		printf(" %lld", (long long)json_integer_value(v));
		break;
	case JSON_REAL:
		printf(" %.2f", json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		printf(" %s", json_is_true(v) ? "yes" : "no");
		break;
	case JSON_OBJECT:
		for (void *it = json_object_iter(v); it; it = json_object_iter_next(v, it))
			print_value(json_object_iter_value(it));
		break;
	default:
		break;
	}
}

static int is_of_objects(const json_t *v)
{
	return json_is_object(json_array_get(v, 0));
}

/* A line for each value; of a list a line too, or one for each object in it. What is null is not
 * there. */
static void print_lines(const char *prefix, json_t *j)
{
	for (void *it = json_object_iter(j); it; it = json_object_iter_next(j, it)) {
		json_t *v = json_object_iter_value(it);
		char path[64];

		snprintf(path, sizeof(path), "%s%s", prefix, json_object_iter_key(it));
		if (json_is_object(v)) {
			strncat(path, ".", sizeof(path) - strlen(path) - 1);
			print_lines(path, v);
			continue;
		}
		if (json_is_null(v) || (json_is_array(v) && json_array_size(v) == 0))
			continue;
		if (!is_of_objects(v))
			printf("%-30s", path);
		if (!json_is_array(v))
			print_value(v);
		for (size_t i = 0; i < json_array_size(v); i++) {
			if (is_of_objects(v))
				printf("%s%-30s", i ? "\n" : "", path);
			print_value(json_array_get(v, i));
		}
		putchar('\n');
	}
}

/* For people a condition is one line: whether it holds, and why. */
static void fold_conditions(json_t *j)
{
	json_t *values = json_object_get(j, "conditions"), *c;
	size_t i;

	json_array_foreach(json_object_get(j, "condition_details"), i, c) {
		const char *name = json_string_value(json_object_get(c, "name"));
		const char *why = json_string_value(json_object_get(c, "reason"));

		if (name && why && *why)
			json_object_set_new(values, name,
					    json_sprintf("%-3s %s", json_is_true(json_object_get(c, "value")) ? "yes" : "no",
							 why));
	}
	json_object_del(j, "condition_details");
}

static void print_text(json_t *j)
{
	fold_conditions(j);
	print_lines("", j);
}

static int show_config(const char *name, int as_json, struct err *e)
{
	struct known vm = KNOWN_NONE;
	struct config c;
	int rc = known_find(&vm, name, e);

	if (rc == 0)
		rc = config_load(&c, &vm.ref, NULL, e);
	if (rc == 0 && as_json)
		origins_print_json(&c);
	else if (rc == 0)
		origins_print(&c);
	known_close(&vm);
	return rc;
}

static void print_json(const json_t *j)
{
	json_dumpf(j, stdout, JSON_INDENT(1));
	putchar('\n');
}

/* All that is there: one that is not is told, and is a no. */
static int show_several(struct cmdline *cl, const char *name, int as_json)
{
	json_t *all = json_array();
	int failed = 0;

	for (int n = 0; name; name = operand_or_none(cl)) {
		struct err e = ERR_NONE;
		json_t *j = NULL;

		if (describe(&j, name, &e) < 0) {
			applet_complain(cl->applet, &e);
			failed = 1;
			json_decref(j);
			continue;
		}
		if (!as_json && n++)
			putchar('\n');
		if (!as_json)
			print_text(j);
		json_array_append_new(all, j);
	}
	if (as_json)
		print_json(all);
	json_decref(all);
	return failed;
}

static int show_alone(const char *name, int as_json, struct err *e)
{
	json_t *j = NULL;
	int rc = describe(&j, name, e);

	if (rc == 0 && as_json)
		print_json(j);
	else if (rc == 0)
		print_text(j);
	json_decref(j);
	return rc;
}

static int show_run(struct cmdline *cl, struct err *e)
{
	int c, as_json = 0, config = 0;
	const char *name;

	while ((c = opt_next(cl, e)) > 0) {
		as_json |= c == OPT_JSON;
		config |= c == OPT_CONFIG;
	}
	if (c < 0)
		return c;
	name = operand(cl, "NAME", e);
	if (!name)
		return e->code;
	if (config)
		return operands_end(cl, e) < 0 ? e->code : show_config(name, as_json, e);
	return cl->noperands == 1 && !*cl->argv ? show_alone(name, as_json, e)
						: show_several(cl, name, as_json);
}

const struct applet applet_show = {
	.name = "show",
	.args = "NAME...",
	.help = "Tell everything about a VM, and what its guest says",
	.more = "NAME is a VM, or unix:PATH of a guest agent. A guest that does not answer\n"
		"within a second is said to be silent (guest_error); the rest is told all the\n"
		"same.\n\n"
		"With --config it prints the values that count, as a vm.ini that a template\n"
		"could be made of; behind each stands the file and line it comes from.\n",
	.opts = show_opts,
	.command_after = -1,
	.run = show_run,
};
