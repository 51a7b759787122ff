/*
 * vmtool ls - the VMs there are, and what is true about them.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applets/several.h"
#include "base/clock.h"
#include "base/util.h"
#include "host/config.h"
#include "host/mend.h"
#include "host/orphan.h"
#include "host/state.h"
#include "host/table.h"
#include "host/text.h"
#include "host/vmid.h"

enum { OPT_JSON = OPT_LONG, OPT_STATE, OPT_COLUMNS, OPT_NO_HEADER };

static const struct opt ls_opts[] = {
	{ 'q', "quiet", NULL, "names only" },
	{ OPT_JSON, "json", NULL, "one JSON array" },
	{ OPT_STATE, "state", "STATE", "those alone, as running or stopped; again for more" },
	{ OPT_COLUMNS, "columns", "A,B...", "these columns, in this order" },
	{ OPT_NO_HEADER, "no-header", NULL, "without the line of their names" },
	{ 0 },
};

struct row {
	const char *name;
	char id[VMID_LEN + 1];
	struct state s;
	int64_t uptime_ms; /* -1 when it does not run */
};

enum { CELL_ROOM = 512 };

static void put_name(char *out, const struct row *r)
{
	snprintf(out, CELL_ROOM, "%s", r->name);
}

static void put_id(char *out, const struct row *r)
{
	snprintf(out, CELL_ROOM, "%s", r->id[0] ? r->id : "-");
}

static void put_state(char *out, const struct row *r)
{
	snprintf(out, CELL_ROOM, "%s", state_name(r->s.state));
}

static void put_ready(char *out, const struct row *r)
{
	snprintf(out, CELL_ROOM, "%s", r->s.ready ? "yes" : "no");
}

static void put_cpus(char *out, const struct row *r)
{
	if (r->s.memory_bytes)
		snprintf(out, CELL_ROOM, "%u", r->s.cpus);
}

static void put_memory(char *out, const struct row *r)
{
	if (r->s.memory_bytes)
		text_size(out, r->s.memory_bytes);
}

static void put_uptime(char *out, const struct row *r)
{
	if (r->uptime_ms >= 0)
		text_duration(out, r->uptime_ms);
}

static void put_reason(char *out, const struct row *r)
{
	if (r->s.reason[0])
		snprintf(out, CELL_ROOM, "%s", r->s.reason);
}

static const struct column {
	const char *name;
	void (*put)(char *out, const struct row *r); /* nothing: out stays "-" */
	int right;
} columns[] = {
	{ "name", put_name, 0 },     { "state", put_state, 0 },	  { "ready", put_ready, 0 },
	{ "cpus", put_cpus, 1 },     { "memory", put_memory, 1 }, { "uptime", put_uptime, 0 },
	{ "reason", put_reason, 0 }, { "id", put_id, 0 },
};

enum { COLUMNS_SHOWN = 6 }; /* the first ones, unless somebody says otherwise */

/* What was asked for, and what has been found. */
struct list {
	enum { AS_TABLE, AS_NAMES, AS_JSON } as;
	unsigned states; /* a bit for each; 0: all */
	int no_header, wants_id;
	unsigned ncolumns;
	const struct column *column[TABLE_COLUMNS];
	struct table table;
	json_t *json;
};

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *row_json(const struct row *r)
{
	const struct state *s = &r->s;

	return json_pack("{s:s, s:o, s:s, s:b, s:o, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "name", r->name, "id", text_or_null(r->id), "state", state_name(s->state),
			 "ready", s->ready, "conditions", conditions_values(&s->conditions), "cpus",
			 (int)s->cpus, "memory_bytes", (json_int_t)s->memory_bytes, "uptime_ms",
			 r->uptime_ms < 0 ? json_null() : json_integer(r->uptime_ms), "started",
			 text_or_null(s->started), "boot", text_or_null(s->boot), "reason",
			 text_or_null(s->reason), "detail", text_or_null(s->detail), "status",
			 s->has_status ? json_integer(s->status) : json_null());
}

static void show(struct list *l, const struct row *r)
{
	if (l->as == AS_NAMES) {
		puts(r->name);
	} else if (l->as == AS_JSON) {
		json_array_append_new(l->json, row_json(r));
	} else {
		for (unsigned i = 0; i < l->ncolumns; i++) {
			char cell[CELL_ROOM] = "-";

			l->column[i]->put(cell, r);
			table_add(&l->table, cell);
		}
	}
}

/* Of one that never ran, what was asked for is all there is to show. */
static void take_wish(struct row *r, const struct vmref *vm)
{
	static struct config c; /* on the stack it would be cleared for each VM: 519 KiB */
	struct err ignored = ERR_NONE;

	if (config_load(&c, vm, NULL, &ignored) < 0)
		return;
	r->s.cpus = c.cpus;
	r->s.memory_bytes = c.memory_bytes;
}

/* What a glance does not tell: its agent may have died, its state be damaged. 1 when it is there, 0 when it
 * was removed meanwhile, negative with *e filled. */
static int look_closely(struct row *r, const struct home *home, const char *name, struct err *e)
{
	struct err ignored = ERR_NONE;
	struct vmref vm = VMREF_NONE;
	int rc;

	if (store_find(&vm, home, name, &ignored) < 0)
		return 0;
	rc = mend_read(&r->s, &vm, e);
	if (rc == 0)
		rc = orphan_care(&vm, &r->s, e);
	if (rc == -EPROTO) { /* one that is damaged must not hide the others */
		fprintf(stderr, "vmtool ls: %s\n", e->text);
		*e = ERR_NONE;
		r->s = (struct state){ .state = VM_FAILED, .reason = "damaged" };
		rc = 0;
	}
	if (rc == 0 && r->s.memory_bytes == 0)
		take_wish(r, &vm);
	store_close(&vm);
	return rc < 0 ? rc : 1;
}

/* The same. JSON has all there is. */
static int read_row(struct row *r, const struct list *l, const struct home *home, const char *name,
		    struct err *e)
{
	int rc = 1;

	r->name = name;
	r->id[0] = '\0';
	if (l->as == AS_JSON || !state_glance(&r->s, home, name) || r->s.memory_bytes == 0)
		rc = look_closely(r, home, name, e);
	r->uptime_ms = state_is_live(r->s.state) ? clock_ms() - r->s.started_ms : -1;
	return rc;
}

/* Names alone need no look into the folders. */
static int show_one(struct list *l, const struct home *home, const char *name, struct err *e)
{
	struct row r;
	int rc;

	if (l->as == AS_NAMES && !l->states) {
		puts(name);
		return 0;
	}
	rc = read_row(&r, l, home, name, e);
	if (rc > 0 && l->wants_id)
		(void)vmid_read(home->vms, name, r.id);
	if (rc > 0 && (!l->states || l->states >> r.s.state & 1))
		show(l, &r);
	return rc < 0 ? rc : 0;
}

static int show_all(struct list *l, const struct home *home, struct err *e)
{
	char(*names)[VM_NAME_ROOM];
	int count = store_names(home, &names, e), rc = count < 0 ? count : 0;

	for (int i = 0; i < count && rc == 0; i++)
		rc = show_one(l, home, names[i], e);
	free(names);
	return rc;
}

/* One that is not there does not hide the others; it is told, and is a no. */
static int show_named(struct list *l, const struct home *home, struct cmdline *cl, struct err *e)
{
	struct names n = NAMES_NONE;
	int missing = 0, rc = names_of_operands(&n, cl, e);

	for (size_t i = 0; i < n.count && rc == 0; i++) {
		struct vmref vm = VMREF_NONE;
		struct err absent = ERR_NONE;

		if (store_find(&vm, home, n.name[i], &absent) == 0) {
			rc = show_one(l, home, n.name[i], e);
		} else {
			applet_complain(cl->applet, &absent);
			missing = 1;
		}
		store_close(&vm);
	}
	names_free(&n);
	return rc < 0 ? rc : missing;
}

static int take_state(struct list *l, const char *word, struct err *e)
{
	int state = state_of_name(word);

	if (state < 0)
		return err_usage(e,
				 "--state: '%s' is none of created, starting, running, stopping, "
				 "stopped, failed",
				 word);
	l->states |= 1u << state;
	return 0;
}

static int take_columns(struct list *l, const char *list, struct err *e)
{
	l->ncolumns = 0;
	for (size_t len; *list; list += len + (list[len] == ',')) {
		size_t i = 0;

		len = strcspn(list, ",");
		while (i < COUNT(columns) &&
		       (strlen(columns[i].name) != len || memcmp(columns[i].name, list, len) != 0))
			i++;
		if (i == COUNT(columns) || l->ncolumns == TABLE_COLUMNS)
			return err_usage(e,
					 "--columns: '%.*s' is none of name, state, ready, cpus, "
					 "memory, uptime, reason, id",
					 (int)len, list);
		l->wants_id |= columns[i].put == put_id;
		l->column[l->ncolumns++] = &columns[i];
	}
	return l->ncolumns ? 0 : err_usage(e, "--columns: names none");
}

static int take_options(struct list *l, struct cmdline *cl, struct err *e)
{
	int c, rc = 0;

	while (rc == 0 && (c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		if (c == 'q')
			l->as = AS_NAMES;
		else if (c == OPT_JSON)
			l->as = AS_JSON, l->wants_id = 1;
		else if (c == OPT_NO_HEADER)
			l->no_header = 1;
		else if (c == OPT_STATE)
			rc = take_state(l, cl->value, e);
		else
			rc = take_columns(l, cl->value, e);
	}
	return rc;
}

static void begin_table(struct list *l)
{
	l->table.columns = l->ncolumns;
	for (unsigned i = 0; i < l->ncolumns && !l->no_header; i++) {
		char head[CELL_ROOM];

		table_add(&l->table, text_upper(head, sizeof(head), l->column[i]->name));
	}
}

static int print_table(const struct list *l, struct err *e)
{
	unsigned right = 0;
	int rc;

	for (unsigned i = 0; i < l->ncolumns; i++)
		right |= (unsigned)l->column[i]->right << i;
	rc = table_print(&l->table, right, stdout);
	return rc < 0 ? err_set(e, rc, "out of memory") : 0;
}

static int ls_run(struct cmdline *cl, struct err *e)
{
	struct list l = { .table = TABLE_NONE, .ncolumns = COLUMNS_SHOWN };
	struct home home = HOME_NONE;
	int rc, bad = 0;

	for (unsigned i = 0; i < COLUMNS_SHOWN; i++)
		l.column[i] = &columns[i];
	l.json = json_array();
	rc = take_options(&l, cl, e);
	if (rc == 0)
		rc = home_open(&home, 0, e);
	if (rc < 0)
		goto out;
	begin_table(&l);
	rc = bad = cl->noperands || *cl->argv ? show_named(&l, &home, cl, e)
					      : show_all(&l, &home, e);
	if (rc >= 0 && l.as == AS_TABLE)
		rc = print_table(&l, e);
	if (rc >= 0 && l.as == AS_JSON) {
		json_dumpf(l.json, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	if (rc == 0)
		rc = bad;
out:
	table_free(&l.table);
	json_decref(l.json);
	home_close(&home);
	return rc;
}

const struct applet applet_ls = {
	.name = "ls",
	.args = "[NAME]...",
	.help = "List the VMs with their state",
	.more = "Columns: name, state, ready, cpus, memory, uptime, and if asked for reason, id.\n"
		"\n"
		"  vmtool ls --state running -q\n"
		"  vmtool ls --columns name,id,reason --state failed\n",
	.opts = ls_opts,
	.command_after = -1,
	.run = ls_run,
};
