/*
 * cmdline - options and operands, read by each applet's own table.
 *
 * --word VALUE, --word=VALUE, -l VALUE, -lVALUE, bundles -ab, and -- as the end
 * of options. Long options are never abbreviated.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "applets/applet.h"
#include "base/column.h"
#include "base/nearest.h"
#include "base/util.h"

static int usage(const struct cmdline *cl, struct err *e, const char *what, const char *word)
{
	return err_usage(e, "%s%s\n  usage: vmtool %s%s%s%s", what, word, cl->applet->name,
			 cl->applet->opts ? " [OPTION]..." : "", cl->applet->args[0] ? " " : "",
			 cl->applet->args);
}

static const struct opt *by_letter(const struct applet *a, int letter)
{
	for (const struct opt *o = a->opts; o && o->letter; o++)
		if (o->letter == letter && letter < OPT_LONG)
			return o;
	return NULL;
}

static const struct opt *by_word(const struct applet *a, const char *word, size_t len)
{
	for (const struct opt *o = a->opts; o && o->letter; o++)
		if (strlen(o->word) == len && !memcmp(o->word, word, len))
			return o;
	return NULL;
}

/* With the option it was probably meant to be. */
static int no_option(const struct cmdline *cl, struct err *e, const char *word, size_t len)
{
	char meant[40], what[100] = "no such option: --";
	struct nearest n = NEAREST(meant);

	snprintf(meant, sizeof(meant), "%.*s", (int)MIN(len, sizeof(meant) - 1), word);
	for (const struct opt *o = cl->applet->opts; o && o->letter; o++)
		nearest_try(&n, o->word);
	if (n.best)
		snprintf(what, sizeof(what), "no such option: --%s: did you mean --%s?", meant,
			 n.best);
	return usage(cl, e, what, n.best ? "" : word);
}

static int take_help(struct cmdline *cl, struct err *e)
{
	cl->wants_help = 1;
	return err_set(e, -ECANCELED, "help");
}

static int long_option(struct cmdline *cl, const char *word, struct err *e)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct opt *o = by_word(cl->applet, word, len);

	if (!o && !strcmp(word, "help"))
		return take_help(cl, e);
	if (!o)
		return no_option(cl, e, word, len);
	if (!o->value && equals)
		return usage(cl, e, "this option takes no value: --", word);
	if (o->value && !equals && !*cl->argv)
		return usage(cl, e, "a value is missing after --", word);
	cl->value = !o->value ? NULL : equals ? equals + 1 : *cl->argv++;
	return o->letter;
}

static int short_option(struct cmdline *cl, struct err *e)
{
	char text[2] = { *cl->bundle++ };
	const struct opt *o = by_letter(cl->applet, text[0]);

	if (!o && text[0] == 'h')
		return take_help(cl, e);
	if (!o)
		return usage(cl, e, "no such option: -", text);
	cl->value = NULL;
	if (!o->value)
		return o->letter;
	if (!*cl->bundle && !*cl->argv)
		return usage(cl, e, "a value is missing after -", text);
	cl->value = *cl->bundle ? cl->bundle : *cl->argv++;
	cl->bundle = NULL;
	return o->letter;
}

int opt_next(struct cmdline *cl, struct err *e)
{
	const char *arg;

	if (!cl->operands)
		cl->operands = cl->argv;
	for (;;) {
		if (cl->bundle && *cl->bundle)
			return short_option(cl, e);
		arg = *cl->argv;
		if (!arg)
			return 0;
		if (!strcmp(arg, "--")) {
			cl->argv++;
			return 0;
		}
		if (arg[0] == '-' && arg[1]) {
			cl->argv++;
			if (arg[1] == '-')
				return long_option(cl, arg + 2, e);
			cl->bundle = arg + 1;
			continue;
		}
		if (cl->noperands == cl->applet->command_after)
			return 0; /* the command begins here */
		cl->operands[cl->noperands++] = *cl->argv++;
	}
}

const char *operand_or_none(struct cmdline *cl)
{
	if (cl->taken < cl->noperands)
		return cl->operands[cl->taken++];
	if (cl->applet->command_after < 0 && *cl->argv)
		return *cl->argv++; /* behind "--" */
	return NULL;
}

int operand_missing(struct cmdline *cl, const char *what, struct err *e)
{
	return usage(cl, e, what, " is missing");
}

const char *operand(struct cmdline *cl, const char *what, struct err *e)
{
	const char *o = operand_or_none(cl);

	if (!o)
		operand_missing(cl, what, e);
	return o;
}

int operands_end(struct cmdline *cl, struct err *e)
{
	const char *extra = operand_or_none(cl);

	return extra ? usage(cl, e, "one word too many: ", extra) : 0;
}

const char *operand_alone(struct cmdline *cl, const char *what, struct err *e)
{
	const char *o = operand(cl, what, e);

	return o && operands_end(cl, e) == 0 ? o : NULL;
}

int cmdline_end(struct cmdline *cl, struct err *e)
{
	int rc = opt_next(cl, e);

	return rc < 0 ? rc : operands_end(cl, e);
}

/* "add, ls or rm" */
static char *verbs_text(char *out, size_t cap, const struct verb *verbs, size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count && used < cap; i++) {
		const char *joint = i == 0 ? "" : i + 1 < count ? ", " : " or ";

		used += (size_t)snprintf(out + used, cap - used, "%s%s", joint, verbs[i].word);
	}
	return out;
}

const struct verb *operand_verb(struct cmdline *cl, const struct verb *verbs, size_t count,
				struct err *e)
{
	char all[200] = "";
	const char *word = operand(cl, verbs_text(all, sizeof(all), verbs, count), e);
	struct nearest n = NEAREST(word);

	for (size_t i = 0; word && i < count; i++) {
		if (!strcmp(word, verbs[i].word))
			return &verbs[i];
		nearest_try(&n, verbs[i].word);
	}
	if (word)
		err_usage(e, "'%s' is not %s%s%s%s", word, all, n.best ? ": did you mean '" : "",
			  n.best ? n.best : "", n.best ? "'?" : "");
	return NULL;
}

char **operands_command(struct cmdline *cl)
{
	return cl->argv;
}

const struct applet *applet_find(const char *name)
{
	static const struct {
		const char *other, *name;
	} aliases[] = {
		{ "vmready-probe", "ssh-probe" },
		/* habits from elsewhere */
		{ "list", "ls" },
		{ "ps", "ls" },
		{ "delete", "rm" },
		{ "inspect", "show" },
	};

	for (unsigned i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(name, aliases[i].other))
			name = aliases[i].name;
	if (!strncmp(name, "vm-", 3))
		name += 3;
	for (const struct applet *const *a = applets; *a; a++)
		if (!strcmp((*a)->name, name))
			return *a;
	return NULL;
}

void applet_print_help(const struct applet *a)
{
	char usage[256];

	printf("%s\n\n", a->help ? a->help : "Machinery");
	snprintf(usage, sizeof(usage), "vmtool %s%s%s%s", a->name, a->opts ? " [OPTION]..." : "",
		 a->args[0] ? " " : "", a->args);
	column_print(7, "usage:", usage);
	if (a->opts)
		printf("\noptions:\n");
	for (const struct opt *o = a->opts; o && o->letter; o++) {
		char left[64];

		snprintf(left, sizeof(left), "  %c%c%s--%s%s%s", o->letter < OPT_LONG ? '-' : ' ',
			 o->letter < OPT_LONG ? (char)o->letter : ' ',
			 o->letter < OPT_LONG ? ", " : "  ", o->word, o->value ? " " : "",
			 o->value ? o->value : "");
		column_print(29, left, o->help);
	}
	if (a->more)
		printf("\n%s", a->more);
}
