/*
 * vmtool report - a VM's latest start as a waterfall: what took how long, and what never ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/fd.h"
#include "base/path.h"
#include "host/waterfall.h"

enum { OPT_JSON = OPT_LONG, OPT_SVG };

static const struct opt report_opts[] = {
	{ OPT_SVG, "svg", "FILE", "write a picture for a browser instead; - is standard output" },
	{ OPT_JSON, "json", NULL, "one JSON object" },
	{ 0 },
};

static int speaks_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *value = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && (!value || !*value); i++)
		value = getenv(names[i]);
	return value && (strcasestr(value, "utf-8") || strcasestr(value, "utf8"));
}

static int is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static struct paper terminal(void)
{
	const char *term = getenv("TERM");
	struct winsize ws = { 0 };
	struct paper p = { 0 };

	if (!isatty(STDOUT_FILENO))
		return p;
	p.columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col ? ws.ws_col : 80;
	p.is_utf8 = speaks_utf8();
	p.has_colours = term && strcmp(term, "dumb") != 0 && !is_set("NO_COLOR");
	return p;
}

/* Beside the file, then in its place: nobody sees half a picture. */
static int replace_file(const char *path, const char *text, size_t len, struct err *e)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char dir[PATH_ROOM];
	int fd, rc = path_fmt(dir, e, "%.*s", slash ? (int)(slash - path) + 1 : 2,
			      slash ? path : "./");

	if (rc < 0)
		return rc;
	if (!*name)
		return err_usage(e, "--svg: '%s' names a folder, not a file", path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "--svg: %s", dir);
	rc = path_replace(fd, name, text, len, 0644, e);
	fd_close(&fd);
	return rc < 0 ? err_in(e, "--svg: %s", dir) : 0;
}

static int write_svg(const struct waterfall *w, const char *path, struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int rc;

	if (!strcmp(path, "-")) {
		waterfall_svg(w, stdout);
		return 0;
	}
	out = open_memstream(&text, &len);
	if (!out)
		return err_set(e, -ENOMEM, "--svg: no memory for the picture");
	waterfall_svg(w, out);
	rc = fclose(out) == 0 ? replace_file(path, text, len, e)
			      : err_set(e, -ENOMEM, "--svg: no memory for the picture");
	free(text);
	return rc;
}

static int print_json(const struct waterfall *w)
{
	json_t *j = waterfall_json(w);

	json_dumpf(j, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(j);
	return 0;
}

static int find(struct waterfall *w, const char *name, struct err *e)
{
	struct home home = HOME_NONE;
	struct vmref vm = VMREF_NONE;
	int rc = home_open(&home, 0, e);

	if (rc == 0)
		rc = store_find(&vm, &home, name, e);
	if (rc == 0)
		rc = waterfall_read(w, &vm, e);
	store_close(&vm);
	home_close(&home);
	return rc;
}

static int report_run(struct cmdline *cl, struct err *e)
{
	const char *name, *svg = NULL;
	static struct waterfall w;
	int c, as_json = 0, rc;
	struct paper p;

	while ((c = opt_next(cl, e)) > 0) {
		if (c == OPT_SVG)
			svg = cl->value;
		else
			as_json = 1;
	}
	if (c < 0)
		return c;
	name = operand_alone(cl, "NAME", e);
	if (!name)
		return e->code;
	if (svg && as_json)
		return err_usage(e, "--svg and --json: one of them");
	rc = find(&w, name, e);
	if (rc < 0)
		return rc;
	if (svg)
		return write_svg(&w, svg, e);
	if (as_json)
		return print_json(&w);
	p = terminal();
	waterfall_print(&w, &p, stdout);
	return 0;
}

const struct applet applet_report = {
	.name = "report",
	.args = "NAME",
	.help = "Show where the time of a VM's latest start went",
	.more = "  vmtool report web\n"
		"  vmtool report web --svg web.svg\n\n"
		"The stages of the host and of the guest as bars on one scale, the conditions\n"
		"from the moment they held. The guest's stages carry its own clock; they are\n"
		"laid where the message that reached the host fastest says they belong. A start\n"
		"that failed, or that still goes on, is shown as far as it came: a bar that\n"
		"never ended says so.\n",
	.opts = report_opts,
	.command_after = -1,
	.run = report_run,
};
