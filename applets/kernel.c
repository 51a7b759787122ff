/*
 * vmtool kernel - the catalogue of guest kernels.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "applets/applet.h"
#include "base/util.h"
#include "host/kernels.h"
#include "host/text.h"

enum { OPT_NAME = OPT_LONG, OPT_MODULES, OPT_MODULE, OPT_REPLACE, OPT_JSON };

enum { MORE_MAX = 64 };

static const struct opt kernel_opts[] = {
	{ OPT_NAME, "name", "NAME", "add: what it is called (default: default)" },
	{ OPT_MODULES, "modules", "DIR",
	  "add: its /lib/modules/VERSION; those that a guest needs are taken" },
	{ OPT_MODULE, "module", "NAME", "add: one more of these, with what it needs *" },
	{ OPT_REPLACE, "replace", NULL, "add: instead of one that is there" },
	{ OPT_JSON, "json", NULL, "add, ls: as JSON" },
	{ 0 },
};

struct ask {
	struct home home;
	struct kernel_wish wish;
	const char *more[MORE_MAX + 1];
	unsigned nmore;
	int json;
};

static const char *text_of(const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	return text && *text ? text : "-";
}

static void print_json(const json_t *j)
{
	json_dumpf(j, stdout, JSON_INDENT(1));
	putchar('\n');
}

static int add(void *asked, struct cmdline *cl, struct err *e)
{
	struct ask *ask = asked;
	json_t *told = NULL;
	int rc;

	ask->wish.file = operand_alone(cl, "FILE", e);
	if (!ask->wish.file)
		return e->code;
	if (ask->nmore && !ask->wish.modules)
		return err_usage(e, "--module: where from? Give the folder with --modules DIR");
	rc = kernels_add(&ask->home, &ask->wish, &told, e);
	if (rc < 0)
		return rc;
	if (ask->json)
		print_json(told);
	else
		printf("%s\n", ask->wish.name);
	json_decref(told);
	return 0;
}

static int ls(void *asked, struct cmdline *cl, struct err *e)
{
	struct ask *ask = asked;
	json_t *list, *one;
	size_t i;

	if (operands_end(cl, e) < 0)
		return e->code;
	list = kernels_list(&ask->home, e);
	if (!list)
		return e->code;
	if (ask->json)
		print_json(list);
	else if (json_array_size(list))
		printf("%-20s %-32s %8s %8s\n", "NAME", "VERSION", "SIZE", "MODULES");
	json_array_foreach(list, i, one) {
		char size[TEXT_UNIT_ROOM] = "-";

		if (ask->json)
			break;
		if (json_object_get(one, "bytes"))
			text_size(size,
				  (uint64_t)json_integer_value(json_object_get(one, "bytes")));
		printf("%-20s %-32s %8s %8zu\n", text_of(one, "name"), text_of(one, "version"),
		       size, json_array_size(json_object_get(one, "modules")));
	}
	json_decref(list);
	return 0;
}

static int rm(void *asked, struct cmdline *cl, struct err *e)
{
	struct ask *ask = asked;
	const char *name = operand(cl, "NAME", e);
	int failed = 0;

	if (!name)
		return e->code;
	for (; name; name = operand_or_none(cl)) {
		struct err one = ERR_NONE;

		if (kernels_remove(&ask->home, name, &one) < 0 && failed++ == 0)
			*e = one;
		else if (one.code == 0)
			printf("%s\n", name);
	}
	return failed ? e->code : 0;
}

static int take_options(struct ask *ask, struct cmdline *cl, struct err *e)
{
	int c;

	while ((c = opt_next(cl, e)) > 0) {
		if (c == OPT_NAME)
			ask->wish.name = cl->value;
		if (c == OPT_MODULES)
			ask->wish.modules = cl->value;
		if (c == OPT_MODULE && ask->nmore == MORE_MAX)
			return err_usage(e, "--module: at most %d", MORE_MAX);
		if (c == OPT_MODULE)
			ask->more[ask->nmore++] = cl->value;
		ask->wish.replace |= c == OPT_REPLACE;
		ask->json |= c == OPT_JSON;
	}
	ask->wish.more = ask->more;
	return c;
}

static int kernel_run(struct cmdline *cl, struct err *e)
{
	static const struct verb verbs[] = { { "add", add }, { "ls", ls }, { "rm", rm } };
	struct ask ask = { .wish.name = "default", .home = HOME_NONE };
	const struct verb *verb;
	int rc;

	if (take_options(&ask, cl, e) < 0 || !(verb = operand_verb(cl, verbs, COUNT(verbs), e)))
		return e->code;
	rc = home_open(&ask.home, 0, e);
	if (rc == 0)
		rc = verb->run(&ask, cl, e);
	home_close(&ask.home);
	return rc;
}

const struct applet applet_kernel = {
	.name = "kernel",
	.args = "add FILE | ls | rm NAME...",
	.help = "Keep the kernels that guests boot",
	.more = "  vmtool kernel add /boot/vmlinuz-6.1 --modules /lib/modules/6.1\n"
		"  vmtool kernel add out/kernel/vmlinux --name small\n\n"
		"FILE is a bzImage, as distributions call vmlinuz, or an ELF vmlinux. What is\n"
		"packed in it with gzip, lz4, xz or zstd is unpacked once. `default` is what VMs\n"
		"boot that name no kernel. With --modules the guest's init loads the drivers of\n"
		"vmtool's devices first of all, each after what it needs.\n",
	.opts = kernel_opts,
	.command_after = -1,
	.run = kernel_run,
};
