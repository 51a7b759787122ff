/*
 * vmtool fs - a guest's files looked at, made, moved and removed, without a shell there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/util.h"
#include "host/fs.h"
#include "host/fsentry.h"
#include "host/guestpath.h"

enum { OPT_JSON = OPT_LONG, PATHS_MAX = 4096 };

static const struct opt fs_opts[] = {
	{ 'l', "long", NULL, "ls: type, mode, owner, size and time as well" },
	{ '0', "null", NULL, "ls: a NUL behind each name, not a newline" },
	{ 'r', "recursive", NULL,
	  "ls: the folders below too; rm: folders, and all that is in them" },
	{ 'L', "follow-link", NULL, "stat: what a symbolic link leads to" },
	{ 'p', "parents", NULL, "mkdir: what is missing above; one that is there is fine" },
	{ 'm', "mode", "MODE", "mkdir: its permissions (0755)" },
	{ 'n', "no-replace", NULL, "mv: never instead of something that is there" },
	{ 'T', "exact", NULL, "mv: DST is the new name, not a folder to move into" },
	{ 'f', "force", NULL, "rm: what is not there is fine" },
	{ 'u', "user", "USER", "the guest's user whose rights apply (default root)" },
	{ OPT_JSON, "json", NULL, "stat: an object, of several an array; ls: an array" },
	{ 0 },
};

#define OF(op) (1u << (op))

/* Which of them is whose, and what it asks the guest for. */
static const struct {
	int letter;
	unsigned ops;
	uint16_t flag;
} options[] = {
	{ 'l', OF(FS_LIST), 0 },
	{ '0', OF(FS_LIST), 0 },
	{ 'r', OF(FS_LIST) | OF(FS_REMOVE), FS_RECURSIVE },
	{ 'L', OF(FS_STAT), FS_FOLLOW },
	{ 'p', OF(FS_MKDIR), FS_PARENTS },
	{ 'm', OF(FS_MKDIR), 0 },
	{ 'n', OF(FS_MOVE), FS_KEEP },
	{ 'T', OF(FS_MOVE), FS_EXACT },
	{ 'f', OF(FS_REMOVE), FS_ABSENT_OK },
	{ OPT_JSON, OF(FS_STAT) | OF(FS_LIST), 0 },
};

struct ask {
	struct cmdline *cl;
	struct fs_req req;
	unsigned given;	  /* a bit for each row of `options` that was met */
	const char *mode; /* as typed; or NULL */
	int as_json, is_long, with_nul, to_terminal;

	const char *paths[PATHS_MAX]; /* as typed */
	size_t count;
	const char *path;    /* the one at hand, without its guest */
	int is_array;	     /* of JSON, which has begun */
	unsigned long shown; /* entries */
};

/* --- what is shown --- */

/* "path/folder/name", as the person would have to type it. */
static char *whole_path(const char *path, const char *folder, const char *name)
{
	const char *joint = path[0] && path[strlen(path) - 1] != '/' ? "/" : "";
	size_t room = strlen(path) + strlen(folder) + strlen(name) + 3;
	char *all = malloc(room);

	if (all)
		snprintf(all, room, "%s%s%s%s%s", path, joint, folder, folder[0] ? "/" : "", name);
	return all;
}

static int show_json(struct ask *a, const char *path, const struct fs_entry *n, struct err *e)
{
	json_t *j = fsentry_json(path, n);

	if (!j)
		return err_set(e, -ENOMEM, "no memory to show it");
	if (a->is_array)
		fputs(a->shown ? ",\n " : "\n ", stdout);
	json_dumpf(j, stdout, a->is_array ? 0 : JSON_INDENT(1));
	if (!a->is_array)
		putchar('\n');
	json_decref(j);
	return 0;
}

/* With several operands each name says which it is of. */
static void show_line(const struct ask *a, const char *path, const char *folder,
		      const struct fs_entry *n)
{
	const char *end = a->count > 1 ? path
				       : path + strlen(path) - strlen(n->name) -
						 (folder[0] ? strlen(folder) + 1 : 0);
	int has_target = a->is_long && n->target[0];

	if (a->is_long)
		fsentry_print_long(n);
	fsentry_print_name(end, a->to_terminal, has_target ? ' ' : a->with_nul ? '\0' : '\n');
	if (has_target) {
		fputs("-> ", stdout);
		fsentry_print_name(n->target, a->to_terminal, a->with_nul ? '\0' : '\n');
	}
}

static int show(void *arg, const char *folder, const struct fs_entry *n, struct err *e)
{
	struct ask *a = arg;
	int rc = 0, is_stat = a->req.op == FS_STAT;
	char *path = is_stat ? strdup(a->path) : whole_path(a->path, folder, n->name);

	if (!path)
		return err_set(e, -ENOMEM, "no memory to show it");
	if (a->as_json)
		rc = show_json(a, path, n, e);
	else if (is_stat)
		fsentry_print_facts(path, n);
	else
		show_line(a, path, folder, n);
	a->shown++;
	free(path);
	return ferror(stdout) ? err_set(e, -EIO, "write to standard output") : rc;
}

/* --- what is asked --- */

static int take_mode(struct ask *a, const char *text, struct err *e)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (strspn(text, "01234567") != strlen(text) || !text[0] || mode > 01777)
		return err_usage(e, "--mode: '%s' is not octal, as 0755, up to 1777", text);
	a->req.mode = (uint16_t)mode;
	return 0;
}

static int take_options(struct ask *a, struct cmdline *cl, struct err *e)
{
	int c;

	while ((c = opt_next(cl, e)) > 0) {
		a->as_json |= c == OPT_JSON;
		a->is_long |= c == 'l';
		a->with_nul |= c == '0';
		if (c == 'u')
			a->req.user = cl->value;
		if (c == 'm')
			a->mode = cl->value;
		if (c == 'm' && take_mode(a, cl->value, e) < 0)
			return e->code;
		for (size_t i = 0; i < COUNT(options); i++)
			if (options[i].letter == c) {
				a->given |= 1u << i;
				a->req.flags |= options[i].flag;
			}
	}
	return c;
}

/* The operands, all of them before anything is done. Of one guest, when to is wanted. */
static int take_paths(struct ask *a, struct err *e)
{
	const char *typed = operand(a->cl, "NAME:PATH", e);
	struct guestpath where;

	for (; typed; typed = operand_or_none(a->cl)) {
		if (a->count == PATHS_MAX)
			return err_usage(e, "more than %d paths at once", PATHS_MAX);
		if (guestpath_parse(&where, typed, e) < 0)
			return e->code;
		if (!where.guest[0])
			return err_usage(e, "'%s' is no guest's: write NAME:PATH", typed);
		a->paths[a->count++] = typed;
	}
	return a->count ? 0 : e->code;
}

static int ask_one(struct ask *a, const char *typed, struct err *e)
{
	const struct fs_listener to = { show, a };
	struct target t = TARGET_NONE;
	struct guestpath where;
	int rc = guestpath_parse(&where, typed, e);

	a->req.path = a->path = where.path[0] ? where.path : ".";
	if (rc == 0)
		rc = target_find(&t, where.guest, e);
	if (rc == 0)
		rc = fs_ask(&t, &a->req, &to, e);
	target_close(&t);
	return rc;
}

/* One that fails does not keep the others from being done. The first failure's exit status. */
static int ask_each(struct ask *a, size_t count)
{
	int status = 0;

	for (size_t i = 0; i < count; i++) {
		struct err one = ERR_NONE;
		int rc = ask_one(a, a->paths[i], &one);

		if (rc < 0)
			applet_complain(a->cl->applet, &one);
		if (rc != 0 && status == 0)
			status = one.exit ? one.exit : 1;
	}
	return status;
}

static const char *word_of(int letter)
{
	const struct opt *o = fs_opts;

	while (o->letter != letter)
		o++;
	return o->word;
}

/* What cannot be done is refused before anything is. */
static int begin(struct ask *a, enum fs_op op, const char *verb, struct err *e)
{
	a->req.op = (uint8_t)op;
	for (size_t i = 0; i < COUNT(options); i++)
		if (a->given >> i & 1 && !(options[i].ops & OF(op)))
			return err_usage(e, "%s has no --%s", verb, word_of(options[i].letter));
	return take_paths(a, e);
}

static int show_each(struct ask *a, int is_array)
{
	int status;

	a->is_array = is_array;
	fputs(is_array ? "[" : "", stdout);
	status = ask_each(a, a->count);
	fputs(is_array ? a->shown ? "\n]\n" : "]\n" : "", stdout);
	return status;
}

/* --- the verbs --- */

static int do_stat(void *ask, struct cmdline *cl, struct err *e)
{
	struct ask *a = ask;

	(void)cl;
	return begin(a, FS_STAT, "stat", e) < 0 ? e->code
						: show_each(a, a->as_json && a->count > 1);
}

static int do_ls(void *ask, struct cmdline *cl, struct err *e)
{
	struct ask *a = ask;

	(void)cl;
	return begin(a, FS_LIST, "ls", e) < 0 ? e->code : show_each(a, a->as_json);
}

static int do_mkdir(void *ask, struct cmdline *cl, struct err *e)
{
	struct ask *a = ask;

	(void)cl;
	if (begin(a, FS_MKDIR, "mkdir", e) < 0)
		return e->code;
	if (!a->mode)
		a->req.mode = 0755;
	return ask_each(a, a->count);
}

/* The last operand is where the others go. */
static int do_mv(void *ask, struct cmdline *cl, struct err *e)
{
	struct guestpath from, to;
	struct ask *a = ask;

	if (begin(a, FS_MOVE, "mv", e) < 0)
		return e->code;
	if (a->count < 2)
		return operand_missing(cl, "DST", e);
	if (a->count > 2)
		a->req.flags |= FS_INTO;
	if (a->count > 2 && a->req.flags & FS_EXACT)
		return err_usage(e, "--exact: only one thing gets one name");
	guestpath_parse(&to, a->paths[--a->count], e);
	for (size_t i = 0; i < a->count; i++)
		if (guestpath_parse(&from, a->paths[i], e) == 0 && strcmp(from.guest, to.guest))
			return err_usage(e,
					 "'%s' is not in %s: vmtool cp goes from one to the other",
					 a->paths[i], to.guest);
	a->req.to = to.path[0] ? to.path : ".";
	return ask_each(a, a->count);
}

static int do_rm(void *ask, struct cmdline *cl, struct err *e)
{
	struct ask *a = ask;

	(void)cl;
	return begin(a, FS_REMOVE, "rm", e) < 0 ? e->code : ask_each(a, a->count);
}

static int fs_run(struct cmdline *cl, struct err *e)
{
	static const struct verb verbs[] = {
		{ "stat", do_stat }, { "ls", do_ls }, { "mkdir", do_mkdir },
		{ "mv", do_mv },     { "rm", do_rm },
	};
	static struct ask ask;
	const struct verb *verb;

	ask.cl = cl;
	ask.req.user = ask.req.to = "";
	ask.to_terminal = isatty(STDOUT_FILENO);
	verb = take_options(&ask, cl, e) < 0 ? NULL : operand_verb(cl, verbs, COUNT(verbs), e);
	return verb ? verb->run(&ask, cl, e) : e->code;
}

const struct applet applet_fs = {
	.name = "fs",
	.args = "stat|ls|mkdir|rm NAME:PATH... | mv NAME:SRC... NAME:DST",
	.help = "Look at a guest's files, make folders, move and remove",
	.more = "  vmtool fs ls -l web:/etc          vmtool fs stat --json web:/etc/passwd\n"
		"  vmtool fs mkdir -p web:/srv/a/b   vmtool fs mv web:/srv/a web:/srv/old\n"
		"  vmtool fs rm -r web:/srv/old\n\n"
		"Paths are as cp has them: from the user's home where no slash begins them, and\n"
		"unix:SOCKET:PATH is a guest agent without a VM. What cannot be done is told\n"
		"with the guest's errno, the rest is done: exit code 1.\n\n"
		"ls tells names as the folder has them, unsorted, one a line: of any number, and\n"
		"with -r at any depth. Names are bytes: a pipe gets them as they are, and with\n"
		"-0 even a newline in one is certain; a terminal gets \\xNN for what could drive\n"
		"it. In JSON a path or target that is not UTF-8 is null, and path_base64 or\n"
		"target_base64 has its bytes; a time is null when its year has no four digits,\n"
		"owner and group are when the guest has no name for them. rm takes an empty\n"
		"folder, with -r one with all that is in it. It follows no link, never goes\n"
		"where something is mounted, and neither it nor mv takes a root, . or ..\n",
	.opts = fs_opts,
	.command_after = -1,
	.run = fs_run,
};
