/*
 * main - from argv[0] and argv[1] to an applet; the one place that prints an error.
 *
 * In this order: called by an applet's name (a link; "init" is one): that one;
 * argv[1] names it; process 1 without a word: the init applet.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/nearest.h"
#include "base/sparse.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void applet_complain(const struct applet *a, const struct err *e)
{
	fflush(stdout);
	fprintf(stderr, "vmtool %s: %s\n", a->name, e->text);
}

static int run(const struct applet *a, char **argv)
{
	struct cmdline cl = { .applet = a, .argv = argv };
	struct err e = ERR_NONE;
	int rc = a->run(&cl, &e);

	if (cl.wants_help) {
		applet_print_help(a);
		rc = 0;
	} else if (rc < 0) {
		applet_complain(a, &e);
		rc = e.exit ? e.exit : a->failure ? a->failure : 1;
	}
	if (fflush(stdout) != 0 && rc == 0) {
		perror("vmtool: write to standard output");
		rc = 1;
	}
	return rc;
}

/* Words in the dress of options. */
static const char *word_of(const char *arg)
{
	static const struct {
		const char *arg, *word;
	} dressed[] = {
		{ "--list", "words" }, { "--install", "install" }, { "--help", "help" },
		{ "-h", "help" },      { "--version", "version" },
	};

	for (unsigned i = 0; i < sizeof(dressed) / sizeof(dressed[0]); i++)
		if (!strcmp(arg, dressed[i].arg))
			return dressed[i].word;
	return arg;
}

static void no_word(const char *word)
{
	struct nearest n = NEAREST(word);

	for (const struct applet *const *a = applets; *a; a++)
		if ((*a)->help)
			nearest_try(&n, (*a)->name);
	fprintf(stderr, "vmtool: '%s' is not one of its words%s%s%s\n  try: vmtool help\n", word,
		n.best ? ": did you mean '" : "", n.best ? n.best : "", n.best ? "'?" : "");
}

int main(int argc, char **argv)
{
	const struct applet *a;

	if (argc < 1)
		return 2;
	sparse_statics();
	a = applet_find(base_name(argv[0]));
	if (a)
		return run(a, argv + 1);
	a = argc < 2 ? NULL : applet_find(word_of(argv[1]));
	if (a)
		return run(a, argv + 2);
	/* A container's PID 1 was given a word; a kernel gives its init none of ours. */
	if (getpid() == 1)
		return run(applet_find("init"), argv + 1);
	if (argc < 2)
		return run(applet_find("help"), argv + 1);
	no_word(argv[1]);
	return 2;
}
