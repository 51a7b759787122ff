/*
 * vmtool forward - what of a VM can be reached on this host: shown, added, taken back.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applets/applet.h"
#include "base/util.h"
#include "host/forwardops.h"
#include "host/known.h"

enum { OPT_JSON = OPT_LONG, OPT_SAVE };

static const struct opt forward_opts[] = {
	{ 'q', "quiet", NULL, "say nothing of what was done" },
	{ OPT_JSON, "json", NULL, "one JSON array" },
	{ OPT_SAVE, "save", NULL, "add, rm: also in vm.ini, for the next start" },
	{ 0 },
};

struct wanted {
	int quiet, as_json, save;
};

/* --- showing --- */

static const char *text_of(const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	return text ? text : "-";
}

static void print_row(const json_t *j)
{
	char host[HOSTADDR_TEXT + 8];

	snprintf(host, sizeof(host), "%s%s", text_of(j, "host"),
		 strcmp(text_of(j, "proto"), "udp") ? "" : "/udp");
	printf("%-16s  %-8s  %-22s  %-22s  %-9s  %lld\n", text_of(j, "vm"), text_of(j, "name"),
	       host, text_of(j, "guest"), text_of(j, "state"),
	       (long long)json_integer_value(json_object_get(j, "connections")));
}

/* Takes over the array. */
static int show(const struct wanted *w, json_t *all)
{
	const json_t *j;
	size_t i;

	if (w->as_json) {
		json_dumpf(all, stdout, JSON_INDENT(1));
		putchar('\n');
	} else {
		printf("%-16s  %-8s  %-22s  %-22s  %-9s  %s\n", "VM", "NAME", "HOST", "GUEST",
		       "STATE", "CONNECTIONS");
		json_array_foreach(all, i, j)
		{
			print_row(j);
		}
	}
	json_decref(all);
	return 0;
}

/* --- ls --- */

/* Of one that does not run there is nothing. 0 or negative with *e filled. */
static int list_one(json_t *all, const char *name, struct err *e)
{
	struct known vm = KNOWN_NONE;
	json_t *some = NULL, *j;
	size_t i;
	int rc = known_find(&vm, name, e);

	if (rc == 0 && state_is_live(vm.state.state)) {
		rc = forwards_ask(&some, &vm.state, 0, e);
		if (rc < 0)
			err_in(e, "%s", name);
	}
	json_array_foreach(some, i, j)
	{
		json_t *named = json_pack("{s:s}", "vm", name);

		json_object_update(named, j);
		json_array_append_new(all, named);
	}
	json_decref(some);
	known_close(&vm);
	return rc;
}

/* One that was removed meanwhile, or hangs, must not hide the others. */
static int list_all(json_t *all, struct err *e)
{
	char(*names)[VM_NAME_ROOM] = NULL;
	struct home home = HOME_NONE;
	int count = home_open(&home, 0, e);

	if (count == 0)
		count = store_names(&home, &names, e);
	for (int i = 0; i < count; i++) {
		struct err one = ERR_NONE;

		if (list_one(all, names[i], &one) < 0 && one.code != -ENOENT)
			fprintf(stderr, "vmtool forward: %s\n", one.text);
	}
	free(names);
	home_close(&home);
	return count < 0 ? count : 0;
}

static int forward_ls(void *ask, struct cmdline *cl, struct err *e)
{
	const struct wanted *w = ask;
	const char *name = operand_or_none(cl);
	json_t *all = json_array();
	int rc = name ? 0 : list_all(all, e);

	while (rc == 0 && name) {
		rc = list_one(all, name, e);
		name = operand_or_none(cl);
	}
	if (rc == 0)
		return show(w, all);
	json_decref(all);
	return rc;
}

/* --- add, rm --- */

static int find_running(struct known *vm, const char *name, struct err *e)
{
	int rc = known_find(vm, name, e);

	if (rc == 0 && !state_is_live(vm->state.state))
		rc = err_set(
			e, -ESRCH,
			"%s: is not running (%s)\n  try: vmtool start %s -p RULE, which is kept",
			name, state_name(vm->state.state), name);
	return rc;
}

static void print_hosts(const json_t *added)
{
	const json_t *j;
	size_t i;

	json_array_foreach(added, i, j)
	{
		puts(text_of(j, "host"));
	}
}

static int forward_add(void *ask, struct cmdline *cl, struct err *e)
{
	const struct wanted *w = ask;
	struct known vm = KNOWN_NONE;
	const char *name = operand(cl, "NAME", e), *rule;
	json_t *all = json_array(), *added;
	struct forwardrule r;
	int rc = name ? 0 : e->code;

	rule = rc == 0 ? operand(cl, "RULE", e) : NULL;
	rc = rule ? find_running(&vm, name, e) : e->code;
	while (rc == 0 && rule) {
		added = NULL;
		rc = forwardrule_parse(&r, "RULE", rule, e);
		if (rc == 0)
			rc = forwards_ask_add(&added, &vm.state, rule, w->save, e);
		json_array_extend(all, added);
		json_decref(added);
		rule = operand_or_none(cl);
	}
	if (rc < 0 && vm.ref.dir >= 0)
		err_in(e, "%s", name);
	if (w->as_json && rc == 0)
		json_dumpf(all, stdout, JSON_INDENT(1)), putchar('\n');
	else if (!w->quiet)
		print_hosts(all);
	json_decref(all);
	known_close(&vm);
	return rc;
}

static int forward_rm(void *ask, struct cmdline *cl, struct err *e)
{
	const struct wanted *w = ask;
	struct known vm = KNOWN_NONE;
	const char *name = operand(cl, "NAME", e), *which;
	int rc;

	which = name ? operand(cl, "WHICH", e) : NULL;
	rc = which ? find_running(&vm, name, e) : e->code;
	while (rc == 0 && which) {
		rc = forwards_ask_rm(&vm.state, which, w->save, e);
		if (rc < 0)
			err_in(e, "%s", name);
		which = operand_or_none(cl);
	}
	known_close(&vm);
	return rc;
}

static int forward_run(struct cmdline *cl, struct err *e)
{
	static const struct verb verbs[] = {
		{ "add", forward_add },
		{ "ls", forward_ls },
		{ "rm", forward_rm },
	};
	const struct verb *verb;
	struct wanted w = { 0 };
	int c;

	while ((c = opt_next(cl, e)) > 0) {
		w.quiet |= c == 'q';
		w.as_json |= c == OPT_JSON;
		w.save |= c == OPT_SAVE;
	}
	verb = c < 0 ? NULL : operand_verb(cl, verbs, COUNT(verbs), e);
	return verb ? verb->run(&w, cl, e) : e->code;
}

const struct applet applet_forward = {
	.name = "forward",
	.args = "ls [NAME...] | add NAME RULE... | rm NAME WHICH...",
	.help = "Show and change what of a VM can be reached on this host",
	.more = "A RULE, here or with `start --publish` or as `publish` in vm.ini's [forward],\n"
		"is one of\n\n"
		"  8080:80                 127.0.0.1:8080 of this host to the guest's port 80\n"
		"  :80                     from a free port, which stays the VM's\n"
		"  0.0.0.0:8080:80         another address; IPv6 in brackets: [::]:8080:80\n"
		"  8080:10.0.0.5:80        whatever the guest can reach\n"
		"  5353:53/udp             datagrams\n"
		"  8000-8010:9000-9010     a range, on both sides of the same length\n"
		"  unix:/run/web.sock:80   a unix socket here; :unix:/run/x.sock is the guest's\n"
		"  2222:vsock:22           a vsock port of a guest that has no vmtool\n"
		"  web=8080:80             with a name\n"
		"  ssh                     short for ssh=:22\n"
		"  auto                    what listens in the guest, on 127.0.0.1, its port or,\n"
		"                          if that is taken, another; auto:3000-3999,~3306 of\n"
		"                          these but one; auto/udp\n\n"
		"`add` prints the addresses it listens on. `rm` takes a name, or an address as\n"
		"`ls` shows it: 127.0.0.1:8080, 8080, 5353/udp; what is connected goes on. Both\n"
		"last until the VM ends; with --save the rule stands in vm.ini, too, or is taken\n"
		"out there.\n\n"
		"Listeners are open from the start on, and stay. A connection waits up to 10 s\n"
		"for a guest that is not there yet, or again; then, or when the guest refuses\n"
		"it, it is reset, and counted. Each half ends for itself. A VM carries 512\n"
		"connections and 128 udp clients at a time; who comes later waits.\n",
	.opts = forward_opts,
	.command_after = -1,
	.run = forward_run,
};
