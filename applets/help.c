/*
 * vmtool help - every word with its sentence, or one word in full.
 */
#include <stdio.h>
#include <string.h>

#include "applets/applet.h"
#include "host/keys.h"

static void print_words(void)
{
	printf("vmtool starts a microVM, proves it ready, and runs commands in it.\n\n"
	       "usage: vmtool WORD [OPTION]... [ARGUMENT]...\n\n");
	for (const struct applet *const *a = applets; *a; a++)
		if ((*a)->help)
			printf("  %-12s %s\n", (*a)->name, (*a)->help);
	printf("\n  vmtool help WORD, or vmtool WORD --help, says more; vmtool help config has\n"
	       "  the keys of vm.ini.\n");
}

static int help_run(struct cmdline *cl, struct err *e)
{
	const struct applet *a;
	const char *word;
	int rc;

	rc = opt_next(cl, e);
	if (rc < 0)
		return rc;
	word = operand_or_none(cl);
	rc = operands_end(cl, e);
	if (rc < 0)
		return rc;
	if (!word) {
		print_words();
		return 0;
	}
	if (!strcmp(word, "config")) {
		keys_print_help();
		return 0;
	}
	a = applet_find(word);
	if (!a)
		return err_usage(e, "'%s' is not one of vmtool's words\n  try: vmtool help", word);
	applet_print_help(a);
	return 0;
}

const struct applet applet_help = {
	.name = "help",
	.args = "[WORD | config]",
	.help = "Say what vmtool's words do",
	.command_after = -1,
	.run = help_run,
};
