/*
 * vmtool cp - files and folders into a guest and out of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "applets/applet.h"
#include "host/copy.h"
#include "host/guestpath.h"
#include "proto/copy.h"

enum { SRCS_MAX = 4096, OPT_NO_XATTRS = OPT_LONG, OPT_SYNC };

static const struct opt cp_opts[] = {
	{ 'a', "archive", NULL, "keep owners, setuid and setgid, devices, all xattrs too" },
	{ 'L', "follow-link", NULL, "copy what symbolic links lead to" },
	{ 'u', "user", "USER", "the guest's user whose rights apply (default root)" },
	{ 'q', "quiet", NULL, "no progress line" },
	{ 'r', "recursive", NULL, "nothing: folders always come with what is in them" },
	{ OPT_NO_XATTRS, "no-xattrs", NULL, "leave extended attributes out" },
	{ OPT_SYNC, "sync", NULL, "be done only when it is on the disk" },
	{ 0 },
};

struct cp {
	struct copy copy;
	const char *srcs[SRCS_MAX]; /* paths, without the guest's name */
	size_t count;
	struct guestpath from, to; /* from: of all srcs */
};

static int add_src(struct cp *c, const char *arg, struct err *e)
{
	struct guestpath w;

	if (c->count == SRCS_MAX)
		return err_usage(e, "more than %d files: copy the folder, or a tar archive",
				 SRCS_MAX);
	if (guestpath_parse(&w, arg, e) < 0)
		return e->code;
	if (c->count > 0 && strcmp(w.guest, c->from.guest))
		return err_usage(e, "all of what is copied must be on the host or in one guest");
	c->from = w;
	c->srcs[c->count++] = w.path;
	return 0;
}

/* The last operand is the destination. */
static int take_operands(struct cp *c, struct cmdline *cl, struct err *e)
{
	const char *arg = operand(cl, "SRC", e), *next;

	if (!arg)
		return e->code;
	next = operand(cl, "DST", e);
	if (!next)
		return e->code;
	for (; next; arg = next, next = operand_or_none(cl))
		if (add_src(c, arg, e) < 0)
			return e->code;
	return guestpath_parse(&c->to, arg, e);
}

static int has_dash(const struct cp *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->srcs[i], "-"))
			return 1;
	return 0;
}

static int check(struct cp *c, struct err *e)
{
	int is_in = c->to.guest[0], is_out = c->from.guest[0];

	if (is_in && is_out)
		return err_usage(e, "from guest to guest: vmtool cp %s:%s - | vmtool cp - %s:%s",
				 c->from.guest, c->srcs[0], c->to.guest, c->to.path);
	if (!is_in && !is_out)
		return err_usage(e, "neither side is a guest: one of them is NAME:PATH");
	if (is_in && has_dash(c) && c->count > 1)
		return err_usage(e,
				 "'-' (an archive on standard input) must be all that is copied");
	if (is_out && !strcmp(c->to.path, "-") && isatty(STDOUT_FILENO))
		return err_usage(e, "an archive is not for a terminal: write | tar t, or > FILE");
	if (c->count > 1 || (is_in && has_dash(c)))
		c->copy.flags |= COPY_INTO;
	return 0;
}

static int copy_it(struct cp *c, struct err *e)
{
	struct target t = TARGET_NONE;
	int is_in = c->to.guest[0];
	int rc = target_find(&t, is_in ? c->to.guest : c->from.guest, e);

	c->copy.target = &t;
	if (rc == 0)
		rc = (is_in ? copy_put : copy_get)(&c->copy, c->srcs, c->count, c->to.path, e);
	target_close(&t);
	return rc;
}

static int cp_run(struct cmdline *cl, struct err *e)
{
	static struct cp c;
	int o;

	c.copy.user = "";
	while ((o = opt_next(cl, e)) > 0) {
		switch (o) {
		case 'a':
			c.copy.flags |= COPY_ARCHIVE;
			break;
		case 'L':
			c.copy.flags |= COPY_FOLLOW;
			break;
		case 'u':
			c.copy.user = cl->value;
			break;
		case 'q':
			c.copy.is_quiet = 1;
			break;
		case OPT_NO_XATTRS:
			c.copy.flags |= COPY_NO_XATTRS;
			break;
		case OPT_SYNC:
			c.copy.flags |= COPY_SYNC;
			break;
		}
	}
	if (o < 0 || take_operands(&c, cl, e) < 0 || check(&c, e) < 0)
		return e->code;
	return copy_it(&c, e);
}

const struct applet applet_cp = {
	.name = "cp",
	.args = "SRC... DST",
	.help = "Copy files and folders into a guest, or out of it",
	.more = "One side is a guest's, NAME:PATH; a path there without a slash at its start\n"
		"begins in that user's home. unix:SOCKET:PATH is a guest agent without a VM. A\n"
		"host's file with a colon in its name is ./a:b.\n\n"
		"  vmtool cp site web:/srv          vmtool cp web:/var/log/app.log .\n"
		"  tar c . | vmtool cp - web:/srv   vmtool cp web:/etc - | tar x\n\n"
		"  SRC        DST is a folder   DST is a file    DST is not there\n"
		"  file       DST/SRC           it is replaced   made; DST/ is refused\n"
		"  folder     DST/SRC           refused          made, and gets what is in SRC\n"
		"  folder/.   in it, what is    refused          made, and gets what is in SRC\n"
		"             in SRC\n"
		"  several, - as above          refused          refused\n\n"
		"Modes, times, links, holes and user.* xattrs are kept. A file is replaced as a\n"
		"whole or not at all. What cannot be copied is told, the rest is: exit code 1.\n",
	.opts = cp_opts,
	.command_after = -1,
	.run = cp_run,
};
