/*
 * vmtool ssh-probe - whether SSH servers answer; called vmready-probe, too.
 *
 * All targets are probed at once, in one loop.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applets/applet.h"
#include "base/parse.h"
#include "base/util.h"
#include "ssh/prober.h"

enum { OPT_WAIT = OPT_LONG, OPT_TIMEOUT, OPT_CONNECT, OPT_READ, OPT_INTERVAL, OPT_ANY, OPT_JSON };
enum { WAIT_MS = 60000 };

static const struct opt ssh_probe_opts[] = {
	{ OPT_WAIT, "wait", NULL, "again and again, until the time is up" },
	{ OPT_TIMEOUT, "timeout", "TIME", "for all of it (with --wait 60s)" },
	{ OPT_CONNECT, "connect-timeout", "TIME", "for each connection to come about (5s)" },
	{ OPT_READ, "read-timeout", "TIME", "for each identification to come (5s)" },
	{ OPT_INTERVAL, "interval", "TIME", "between attempts, at most (200ms; of this machine 4ms to 200ms)" },
	{ OPT_ANY, "any", NULL, "one of several targets is enough" },
	{ OPT_JSON, "json", NULL, "print what was found as JSON" },
	{ 'q', "quiet", NULL, "print nothing but wrong usage" },
	{ 0 },
};

struct target {
	const char *text;
	struct endpoint where;
	struct prober prober;
	struct probes *all;
	int is_done;
};

struct probes {
	struct loop loop;
	struct probe_limits limits;
	int any, json, quiet;
	struct target *targets;
	unsigned count, done;
	int is_decided;
};

static int exit_of(enum probe_class c)
{
	static const int codes[] = {
		[PROBE_OK] = 0,
		[PROBE_REFUSED] = 1,
		[PROBE_CLOSED] = 1,
		[PROBE_RESET] = 1,
		[PROBE_EPIPE] = 1,
		[PROBE_NOT_SSH] = 3,
		[PROBE_UNSUPPORTED_VERSION] = 4,
		[PROBE_TIMEOUT] = 124,
	};

	return codes[c];
}

/* All targets have been decided, or one has decided for all; connections may be left to end. */
static void leave_when_quiet(struct probes *all)
{
	for (unsigned i = 0; i < all->count; i++)
		if (!prober_is_quiet(&all->targets[i].prober))
			return;
	if (all->is_decided)
		loop_stop(&all->loop, 0);
}

static void decide(struct probes *all)
{
	all->is_decided = 1;
	for (unsigned i = 0; i < all->count; i++)
		if (!all->targets[i].is_done)
			prober_stop(&all->targets[i].prober);
}

/* With --any a success decides, without it a failure does; but one attempt of each comes soon to
 * its end anyway, and is told. */
static void probe_done(struct prober *p)
{
	struct target *t = CONTAINER(p, struct target, prober);
	struct probes *all = t->all;
	int ok = p->result.verdict == PROBE_OK;

	t->is_done = 1;
	all->done++;
	if (all->done == all->count || (all->limits.wait && ok == all->any))
		decide(all);
}

static void probe_left(struct prober *p)
{
	leave_when_quiet(CONTAINER(p, struct target, prober)->all);
}

static void signalled(struct loop *l, const struct signalfd_siginfo *si)
{
	static const unsigned ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < COUNT(ends); i++)
		if (si->ssi_signo == ends[i])
			loop_stop(l, 128 + (int)si->ssi_signo);
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *as_json(const struct target *t)
{
	const struct probe_result *r = &t->prober.result;

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:i, s:I}", "target", t->text, "class",
			 t->is_done ? json_string(probe_class_name(r->verdict)) : json_null(),
			 "banner", text_or_null(r->banner), "reason", text_or_null(r->why),
			 "address", text_or_null(r->address), "attempts", (int)r->attempts,
			 "elapsed_ms", (json_int_t)r->elapsed_ms);
}

static void print_json(const struct probes *all)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < all->count; i++)
		json_array_append_new(list, as_json(&all->targets[i]));
	json_dumpf(all->count == 1 ? json_array_get(list, 0) : list, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(list);
}

static void print_lines(const struct probes *all)
{
	for (unsigned i = 0; i < all->count; i++) {
		const struct probe_result *r = &all->targets[i].prober.result;

		if (all->targets[i].is_done && r->verdict == PROBE_OK)
			printf("%s: %s (%lld ms)\n", all->targets[i].text, r->banner,
			       (long long)r->elapsed_ms);
	}
}

static int say_failure(const struct probes *all, const struct target *t, struct err *e)
{
	const struct probe_result *r = &t->prober.result;

	err_set(e, -EREMOTEIO, "%s: %s: %s", t->text, probe_class_name(r->verdict), r->why);
	if (all->limits.wait)
		err_set(e, -EREMOTEIO, "%s: %s: %s (%u attempts in %lld ms)", t->text,
			probe_class_name(r->verdict), r->why, r->attempts,
			(long long)r->elapsed_ms);
	e->exit = exit_of(r->verdict);
	return e->code;
}

/* 0, or the first target that is not as it should be: its sentence and its code. */
static int verdict(const struct probes *all, struct err *e)
{
	const struct target *bad = NULL;

	for (unsigned i = 0; i < all->count; i++) {
		const struct target *t = &all->targets[i];

		if (t->is_done && t->prober.result.verdict == PROBE_OK && all->any)
			return 0;
		if (t->is_done && t->prober.result.verdict != PROBE_OK && !bad)
			bad = t;
	}
	return bad ? say_failure(all, bad, e) : 0;
}

static int probe_all(struct probes *all, struct err *e)
{
	int rc;

	all->loop = LOOP_INIT;
	all->loop.signalled = signalled;
	rc = loop_open(&all->loop);
	if (rc < 0)
		return err_set(e, rc, "the event loop: %s", strerror(-rc));
	for (unsigned i = 0; i < all->count; i++) {
		struct target *t = &all->targets[i];

		t->all = all;
		t->prober = (struct prober){ .loop = &all->loop,
					     .where = &t->where,
					     .limits = all->limits,
					     .done = probe_done,
					     .left = probe_left };
		prober_start(&t->prober);
	}
	rc = loop_run(&all->loop);
	for (unsigned i = 0; i < all->count; i++)
		prober_stop(&all->targets[i].prober);
	loop_close(&all->loop);
	return rc;
}

static int report(const struct probes *all, struct err *e)
{
	int rc = verdict(all, e);

	if (all->json)
		print_json(all);
	else if (!all->quiet)
		print_lines(all);
	return rc < 0 && all->quiet ? e->exit : rc;
}

static int take_option(struct probes *all, int c, const char *value, struct err *e)
{
	struct probe_limits *l = &all->limits;
	const struct {
		int letter;
		const char *name;
		unsigned *ms;
	} times[] = {
		{ OPT_TIMEOUT, "--timeout", &l->timeout_ms },
		{ OPT_CONNECT, "--connect-timeout", &l->connect_ms },
		{ OPT_READ, "--read-timeout", &l->read_ms },
		{ OPT_INTERVAL, "--interval", &l->interval_ms },
	};

	l->wait |= c == OPT_WAIT;
	all->any |= c == OPT_ANY;
	all->json |= c == OPT_JSON;
	all->quiet |= c == 'q';
	for (size_t i = 0; i < COUNT(times); i++) {
		if (c != times[i].letter)
			continue;
		if (parse_time(times[i].ms, times[i].name, value, e) < 0)
			return e->code;
		if (*times[i].ms == 0)
			return err_usage(e, "%s: a time above 0 is wanted", times[i].name);
	}
	return 0;
}

static int take_targets(struct probes *all, struct cmdline *cl, struct err *e)
{
	const char *text = operand(cl, "HOST", e);

	if (!text)
		return e->code;
	for (; text; text = operand_or_none(cl)) {
		struct target *more = realloc(all->targets,
					      (all->count + 1) * sizeof(*all->targets));

		if (!more)
			return err_set(e, -ENOMEM, "no memory for %u targets", all->count + 1);
		all->targets = more;
		more[all->count] = (struct target){ .text = text };
		if (endpoint_parse(&more[all->count].where, text, e) < 0)
			return e->code;
		all->count++;
	}
	return 0;
}

static int ssh_probe_run(struct cmdline *cl, struct err *e)
{
	struct probes all = { .count = 0 };
	int c, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0)
		rc = c < 0 ? c : take_option(&all, c, cl->value, e);
	if (rc == 0)
		rc = take_targets(&all, cl, e);
	if (all.limits.wait && all.limits.timeout_ms == 0)
		all.limits.timeout_ms = WAIT_MS;
	if (rc == 0)
		rc = probe_all(&all, e);
	if (rc == 0)
		rc = report(&all, e);
	free(all.targets);
	return rc;
}

const struct applet applet_ssh_probe = {
	.name = "ssh-probe",
	.args = "HOST[:PORT]...",
	.help = "Tell whether SSH servers answer with their identification",
	.more = "  vmtool ssh-probe 127.0.0.1:2222\n"
		"  vmtool ssh-probe --wait --timeout 30s --json web.example db.example:2222\n\n"
		"Also unix:PATH, vsock:CID:PORT and vsock-mux:PATH:PORT (a socket that takes\n"
		"CONNECT). Exit codes: 0 all answered (--any: one); 1 refused, closed, reset or\n"
		"broken pipe; 3 an answer that is not SSH's; 4 a version of SSH that is not 2.0;\n"
		"124 silence. With --wait what is not SSH, or of another version, ends it at\n"
		"once; all else is asked again, and the last answer counts.\n",
	.opts = ssh_probe_opts,
	.command_after = -1,
	.run = ssh_probe_run,
};
