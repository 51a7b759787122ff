/*
 * command_opts - the options of a command in the guest, for every word that takes one.
 */
#ifndef APPLETS_COMMAND_OPTS_H
#define APPLETS_COMMAND_OPTS_H

#include "applets/applet.h"
#include "base/parse.h"
#include "host/command.h"
#include "host/privilege.h"

enum {
	OPT_GROUP = OPT_LONG + 200,
	OPT_ULIMIT,
	OPT_CAP_DROP,
	OPT_NO_NEW_PRIVS,
	OPT_READ_ONLY_PATH,
	OPT_MASK_PATH,
	OPT_DETACH_KEYS,
	OPT_ID,
	OPT_ON_DISCONNECT,
	OPT_COMMAND_TIMEOUT,
	OPT_NOTES,
};

/* What it is and what it may do. */
#define COMMAND_OPTS \
	{ 'e', "env", "KEY[=VALUE]", "set it for the command; without =VALUE: as it is here" }, \
		{ 'w', "workdir", "DIR", "the command's folder (default: the user's home)" }, \
		{ 'u', "user", "USER", "NAME or UID[:GID] (default root)" }, \
		{ OPT_GROUP, "group", "GROUP", \
		  "of these groups instead of the user's; repeatable" }, \
		{ OPT_ULIMIT, "ulimit", "NAME=SOFT[:HARD]", "a resource limit, as nofile=1024" }, \
		{ OPT_CAP_DROP, "cap-drop", "NAME|all", "without this capability; repeatable" }, \
		{ OPT_NO_NEW_PRIVS, "no-new-privs", NULL, "setuid programs give it nothing" }, \
		{ OPT_READ_ONLY_PATH, "read-only-path", "PATH", \
		  "it may only read what is there, as / or /etc; repeatable" }, \
		{ OPT_MASK_PATH, "mask-path", "PATH", "it finds nothing there; repeatable" }, \
		{ 't', "tty", NULL, "a terminal (default: when all of ours are terminals)" }, \
		{ 'T', "no-tty", NULL, "pipes, even here" }, \
	{ \
		'i', "interactive", NULL, "accepted: stdin always is the command's" \
	}

/* How long it lives, and what of it outlives us. */
#define SESSION_OPTS \
	{ OPT_ID, "id", "ID", "the session's name; a start may be repeated by it" }, \
		{ OPT_ON_DISCONNECT, "on-disconnect", "WHAT", \
		  "kill (default), detach, or hold[:TIME] and come back (60s)" }, \
		{ OPT_COMMAND_TIMEOUT, "timeout", "TIME", \
		  "then TERM, then KILL, and exit with 124" }, \
		{ OPT_DETACH_KEYS, "detach-keys", "KEYS", \
		  "leave a terminal by them (default " DETACHKEYS_DEFAULT "); none" }, \
	{ \
		OPT_NOTES, "verbose", NULL, "say when processes left behind hold the output" \
	}

static inline int command_value(struct command *c, int letter, const char *value, struct err *e)
{
	struct exec_req *q = &c->request;

	switch (letter) {
	case 'e':
		return command_env(c, value, e);
	case OPT_GROUP:
		return privilege_group(q, value, e);
	case OPT_ULIMIT:
		return privilege_ulimit(q, value, e);
	case OPT_CAP_DROP:
		return privilege_cap_drop(q, value, e);
	case OPT_READ_ONLY_PATH:
		return privilege_read_only_path(q, value, e);
	case OPT_MASK_PATH:
		return privilege_mask_path(q, value, e);
	case OPT_DETACH_KEYS:
		return detachkeys_parse(&c->keys, value, e);
	case OPT_ID:
		return command_id(c, value, e);
	case OPT_ON_DISCONNECT:
		return command_on_disconnect(c, value, e);
	case OPT_COMMAND_TIMEOUT:
		return parse_time(&c->timeout_ms, "--timeout", value, e);
	}
	return 1;
}

/* 1 when the letter was one of them, 0 when not; negative with *e filled. */
static inline int command_opt(struct command *c, int letter, const char *value, struct err *e)
{
	int rc;

	switch (letter) {
	case 'w':
		c->request.cwd = value;
		break;
	case 'u':
		c->request.user = value;
		break;
	case OPT_NO_NEW_PRIVS:
		c->request.flags |= EXEC_NO_NEW_PRIVS;
		break;
	case 't':
		c->tty = COMMAND_TTY;
		break;
	case 'T':
		c->tty = COMMAND_NO_TTY;
		break;
	case 'd': /* not every word has it */
		c->is_detached = 1;
		break;
	case 'i':
		c->is_interactive = 1;
		break;
	case OPT_NOTES:
		c->is_verbose = 1;
		break;
	default:
		rc = command_value(c, letter, value, e);
		return rc == 0 ? 1 : rc < 0 ? rc : 0;
	}
	return 1;
}

/* All the options of a word that has no others. 0 or negative with *e filled. */
static inline int command_opts(struct cmdline *cl, struct command *c, struct err *e)
{
	int letter, rc = 0;

	while (rc >= 0 && (letter = opt_next(cl, e)) != 0)
		rc = letter < 0 ? letter : command_opt(c, letter, cl->value, e);
	return rc < 0 ? rc : 0;
}

#endif
