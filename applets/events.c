/*
 * vmtool events - what happened to a VM, and what happens.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/instant.h"
#include "base/parse.h"
#include "base/util.h"
#include "host/cond.h"
#include "host/known.h"
#include "host/news.h"
#include "host/text.h"

enum { OPT_JSON = OPT_LONG, OPT_SINCE, OPT_UNTIL, OPT_TYPE };

enum { TYPES_MAX = 16 };

static const struct opt events_opts[] = {
	{ OPT_JSON, "json", NULL, "one JSON object a line, as events.jsonl has them" },
	{ 'f', "follow", NULL, "and on, over ends and starts, until the VM is removed" },
	{ OPT_SINCE, "since", "SEQ|TIME", "from that number on, or from 5m ago, or an instant" },
	{ OPT_UNTIL, "until", "COND", "follow until it is so, as `vmtool wait --for` has it" },
	{ OPT_TYPE, "type", "TYPE", "these alone, as stage or exit; again for more" },
	{ 0 },
};

struct events {
	const struct applet *applet;
	int json, follow, has_until;
	uint64_t since_seq;
	int64_t since_ms;
	struct cond until;
	const char *type[TYPES_MAX];
	unsigned types;
	/* While it runs: */
	struct vmref *vm;
	struct history history;
	char boot[BOOT_ID_LEN + 1]; /* of the VM that lives, or "" */
	int counts;		    /* from here on, an event may be what is waited for */
};

static int is_in_time(const struct events *w, const struct event *x)
{
	int64_t at;

	if (x->seq < w->since_seq)
		return 0;
	return !w->since_ms ||
	       (instant_rfc3339(&at, event_text(x, "time")) == 0 && at >= w->since_ms);
}

static int is_of_type(const struct events *w, const struct event *x)
{
	for (unsigned i = 0; i < w->types; i++)
		if (strcmp(w->type[i], event_text(x, "event")) == 0)
			return 1;
	return w->types == 0;
}

/* What every event has is the head of its line. */
static int is_of_head(const char *key)
{
	static const char *const head[] = { "seq", "time", "t_ms", "vm", "boot", "event" };

	for (size_t i = 0; i < COUNT(head); i++)
		if (strcmp(key, head[i]) == 0)
			return 1;
	return 0;
}

static void print_for_people(const struct event *x)
{
	char value[EVENT_MAX], clean[EVENT_MAX];

	printf("%5llu  %s  %8lld ms  %-9s", (unsigned long long)x->seq, event_text(x, "time"),
	       (long long)json_integer_value(json_object_get(x->json, "t_ms")),
	       event_text(x, "event"));
	for (void *it = json_object_iter(x->json); it; it = json_object_iter_next(x->json, it)) {
		const json_t *v = json_object_iter_value(it);
		const char *text = json_string_value(v);
		size_t n;

		if (is_of_head(json_object_iter_key(it)) || json_is_null(v) || (text && !*text))
			continue;
		n = text ? (size_t)snprintf(value, sizeof(value), "%s", text)
			 : json_dumpb(v, value, sizeof(value) - 1, JSON_ENCODE_ANY | JSON_COMPACT);
		text_clean(clean, sizeof(clean), value, MIN(n, sizeof(value) - 1));
		printf("  %s=%s", json_object_iter_key(it), clean);
	}
	putchar('\n');
}

static void tell_broken(const struct events *w)
{
	struct err e = ERR_NONE;

	err_set(&e, -EPROTO, "%s: events.jsonl:%llu: is no event, and was left out", w->vm->name,
		(unsigned long long)w->history.line);
	applet_complain(w->applet, &e);
}

/* 1 when this is what was waited for. */
static int take(struct events *w, const struct event *x)
{
	if (!x->json) {
		tell_broken(w);
		return 0;
	}
	if (!is_in_time(w, x))
		return 0;
	/* That an earlier boot was ready says nothing of this one. */
	w->counts |= w->boot[0] && strcmp(w->boot, event_text(x, "boot")) == 0;
	/* What is not to be told may all the same be what is waited for. */
	if (is_of_type(w, x) && w->json)
		printf("%.*s\n", (int)x->len, x->text);
	else if (is_of_type(w, x))
		print_for_people(x);
	return w->has_until && w->counts && cond_is_met_by(&w->until, x);
}

/* All that is there. 1: that was it; 0: there may be more; negative with *e filled. */
static int take_all(struct events *w, struct err *e)
{
	struct event x;
	int rc, done = 0;

	while (!done && (rc = history_next(&w->history, w->vm, &x)) > 0) {
		done = take(w, &x);
		event_drop(&x);
	}
	if (fflush(stdout) != 0)
		return err_sys(e, "%s: print its events", w->vm->name);
	if (!done && rc < 0)
		return err_set(e, rc, "%s: read its events: %s", w->vm->name, strerror(-rc));
	return done;
}

/* Nobody will add to a folder that has gone. */
static int is_removed(const struct vmref *v)
{
	char link[32], at[PATH_ROOM];
	const char *name;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", v->dir);
	n = readlink(link, at, sizeof(at) - 1);
	if (n <= 0)
		return 1;
	at[n] = '\0';
	name = strrchr(at, '/');
	return strstr(at, " (deleted)") || (name && name[1] == '.');
}

static int came_to_nothing(const struct events *w, struct err *e)
{
	return err_set(e, -ECANCELED, "%s: %s, and not: %s", w->vm->name,
		       is_removed(w->vm) ? "was removed" : "has ended", w->until.text);
}

static int follow(struct events *w, struct news *n, struct err *e)
{
	int rc, live;

	for (;;) {
		live = store_is_locked(w->vm); /* before the last look at what its holder wrote */
		rc = take_all(w, e);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		w->counts = 1;
		if (is_removed(w->vm))
			return w->has_until ? came_to_nothing(w, e) : 0;
		if (w->has_until && !w->follow && !live)
			return came_to_nothing(w, e);
		rc = news_wait(n, INT64_MAX);
		if (rc < 0)
			return err_set(e, rc, "%s: wait for its events: %s", w->vm->name,
				       strerror(-rc));
	}
}

static int run(struct events *w, const char *name, struct err *e)
{
	struct known vm = KNOWN_NONE;
	struct news n = NEWS_NONE;
	int rc = known_find(&vm, name, e);

	if (rc == -EPROTO) /* its events are not its state */
		rc = 0;
	w->vm = &vm.ref;
	if (rc == 0 && state_is_live(vm.state.state))
		snprintf(w->boot, sizeof(w->boot), "%s", vm.state.boot);
	w->counts = w->since_seq || w->since_ms;
	if (rc == 0)
		rc = history_open(&w->history, &vm.ref, e);
	if (rc == 0 && (w->follow || w->has_until)) {
		rc = news_open(&n, &vm.ref);
		rc = rc < 0 ? err_set(e, rc, "%s: watch its folder: %s", name, strerror(-rc))
			    : follow(w, &n, e);
	} else if (rc == 0) {
		rc = take_all(w, e);
		if (rc == 0 && history_is_cut(&w->history) && !store_is_locked(&vm.ref)) {
			w->history.line++;
			tell_broken(w);
		}
	}
	news_close(&n);
	history_close(&w->history);
	known_close(&vm);
	return rc;
}

static int take_since(struct events *w, const char *text, struct err *e)
{
	if (parse_u64(&w->since_seq, text) == 0)
		return 0;
	return instant_parse(&w->since_ms, "--since", text, e);
}

static int take_until(struct events *w, const char *text, struct err *e)
{
	int rc = cond_parse(&w->until, "--until", text, e);

	w->has_until = 1;
	if (rc == 0 && (w->until.kind == COND_EXISTS || w->until.kind == COND_GONE))
		rc = err_usage(e, "--until: '%s' is no event; `vmtool wait` knows it", text);
	return rc;
}

static int take_type(struct events *w, const char *text, struct err *e)
{
	if (!*text || text[strspn(text, "abcdefghijklmnopqrstuvwxyz_")])
		return err_usage(e, "--type: '%s' is no event's name, as stage, condition or exit",
				 text);
	if (w->types == TYPES_MAX)
		return err_usage(e, "--type: more than %d of them", TYPES_MAX);
	w->type[w->types++] = text;
	return 0;
}

static int events_run(struct cmdline *cl, struct err *e)
{
	static struct events w = { .history = HISTORY_NONE };
	const char *name;
	int c, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == OPT_SINCE)
			rc = take_since(&w, cl->value, e);
		else if (c == OPT_UNTIL)
			rc = take_until(&w, cl->value, e);
		else if (c == OPT_TYPE)
			rc = take_type(&w, cl->value, e);
		w.json |= c == OPT_JSON;
		w.follow |= c == 'f';
	}
	if (rc < 0)
		return rc;
	w.applet = cl->applet;
	name = operand_alone(cl, "NAME", e);
	return name ? run(&w, name, e) : e->code;
}

const struct applet applet_events = {
	.name = "events",
	.args = "NAME",
	.help = "Tell what happened to a VM, and what happens",
	.more = "All that is known of it, or what --since leaves of that. A line that a crash or\n"
		"somebody else spoiled is told by its number, and left out. With --until, what\n"
		"happened since --since counts, else since the latest start; 1 when the VM does\n"
		"not run (any more) and it was not so. With --follow beside it, further starts\n"
		"are waited for.\n\n"
		"  vmtool events --json --follow web\n"
		"  vmtool events --type stage --type condition --since 5m web\n"
		"  vmtool events --until agent_up=false web\n",
	.opts = events_opts,
	.command_after = -1,
	.run = events_run,
};
