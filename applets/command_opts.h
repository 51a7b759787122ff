/*
 * command_opts - the options of a command in the guest, for every word that takes one.
 */
#ifndef APPLETS_COMMAND_OPTS_H
#define APPLETS_COMMAND_OPTS_H

#include "applets/applet.h"
#include "host/command.h"

#define COMMAND_OPTS \
	{ 'e', "env", "KEY[=VALUE]", "set it for the command; without =VALUE: as it is here" }, \
		{ 'w', "workdir", "DIR", "the command's folder (default: the user's home)" }, \
		{ 'u', "user", "USER", "NAME or UID[:GID] (default root)" }, \
	{ \
		'i', "interactive", NULL, "accepted: stdin always is the command's" \
	}

/* 1 when the letter was one of them, 0 when not; negative with *e filled. */
static inline int command_opt(struct command *c, int letter, const char *value, struct err *e)
{
	int rc = 0;

	switch (letter) {
	case 'e':
		rc = command_env(c, value, e);
		break;
	case 'w':
		c->request.cwd = value;
		break;
	case 'u':
		c->request.user = value;
		break;
	case 'i':
		break;
	default:
		return 0;
	}
	return rc < 0 ? rc : 1;
}

#endif
