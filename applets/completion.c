/*
 * vmtool completion - what a shell completes: words, their options, the VMs there are now.
 *
 * Printed from the tables that options are read by, so there is nothing to keep in step.
 */
#include <stdio.h>
#include <string.h>

#include "applets/applet.h"
#include "base/nearest.h"
#include "base/util.h"

/* What the operands of a word are. */
enum operands { OF_FILES, OF_VMS, OF_WORDS };

static enum operands operands_of(const struct applet *a)
{
	if (strstr(a->args, "NAME"))
		return OF_VMS;
	return strstr(a->args, "WORD") ? OF_WORDS : OF_FILES;
}

static int has_letter(const struct opt *o)
{
	return o->letter < OPT_LONG;
}

/* Text inside single quotes of a shell; a backslash in front of what `also` has. */
static void put_quoted(const char *text, const char *quote, const char *also)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quote, stdout);
		else if (strchr(also, *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void put_words(void)
{
	for (const struct applet *const *a = applets; *a; a++)
		if ((*a)->help)
			printf(" %s", (*a)->name);
}

/* --- bash --- */

static void put_bash_options(const struct applet *a, int valued)
{
	for (const struct opt *o = a->opts; o && o->letter; o++) {
		if (valued && !o->value)
			continue;
		printf(" --%s", o->word);
		if (valued && has_letter(o))
			printf(" -%c", (char)o->letter);
	}
}

static void put_bash(void)
{
	static const char *const operands[] = { "files", "vms", "words" };

	fputs("# vmtool completion bash: source it, or keep it in\n"
	      "# ~/.local/share/bash-completion/completions/vmtool\n"
	      "_vmtool() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal words='",
	      stdout);
	put_words();
	fputs("' options= valued= operands=files\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase ${COMP_WORDS[1]} in\n",
	      stdout);
	for (const struct applet *const *a = applets; *a; a++) {
		if (!(*a)->help)
			continue;
		printf("\t%s)\n\t\toptions='", (*a)->name);
		put_bash_options(*a, 0);
		fputs("'\n\t\tvalued='", stdout);
		put_bash_options(*a, 1);
		printf("'\n\t\toperands=%s\n\t\t;;\n", operands[operands_of(*a)]);
	}
	fputs("\tesac\n"
	      "\tcase \" $valued \" in\n"
	      "\t*\" $prev \"*) return ;; # a value: the shell's own way with files\n"
	      "\tesac\n"
	      "\tcase $cur/$operands in\n"
	      "\t-*) mapfile -t COMPREPLY < <(compgen -W \"$options --help\" -- \"$cur\") ;;\n"
	      "\t*/vms) mapfile -t COMPREPLY < <(compgen -W \"$(vmtool ls -q 2>/dev/null)\" -- "
	      "\"$cur\") ;;\n"
	      "\t*/words) mapfile -t COMPREPLY < <(compgen -W \"$words config\" -- \"$cur\") ;;\n"
	      "\tesac\n"
	      "}\n"
	      "complete -o bashdefault -o default -F _vmtool vmtool\n",
	      stdout);
}

/* --- zsh --- */

static void put_zsh_option(const struct opt *o)
{
	static const char quote[] = "'\\''", special[] = "[]:\\";

	fputs(" \\\n\t\t'*'", stdout);
	if (has_letter(o))
		printf("{-%c%s,--%s%s}", (char)o->letter, o->value ? "+" : "", o->word,
		       o->value ? "=" : "");
	else
		printf("--%s%s", o->word, o->value ? "=" : "");
	fputs("'[", stdout);
	put_quoted(o->help, quote, special);
	fputs("]", stdout);
	if (o->value) {
		fputs(":", stdout);
		put_quoted(o->value, quote, special);
		fputs(":_files", stdout);
	}
	fputs("'", stdout);
}

static void put_zsh(void)
{
	static const char *const operands[] = { "file:_files", "vm:_vmtool_vms",
						"word:_vmtool_words" };

	fputs("#compdef vmtool\n"
	      "# vmtool completion zsh: keep it as _vmtool in a folder of $fpath\n"
	      "_vmtool_vms() {\n"
	      "\tlocal -a vms\n"
	      "\tvms=(${(f)\"$(vmtool ls -q 2>/dev/null)\"})\n"
	      "\tcompadd -a vms\n"
	      "}\n"
	      "_vmtool_words() {\n"
	      "\tlocal -a list\n"
	      "\tlist=(",
	      stdout);
	for (const struct applet *const *a = applets; *a; a++) {
		if (!(*a)->help)
			continue;
		printf("\n\t\t'%s:", (*a)->name);
		put_quoted((*a)->help, "'\\''", "\\");
		fputs("'", stdout);
	}
	fputs("\n\t)\n"
	      "\t_describe word list\n"
	      "}\n"
	      "_vmtool() {\n"
	      "\tif (( CURRENT == 2 )); then\n"
	      "\t\t_vmtool_words\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tshift words\n"
	      "\t(( CURRENT-- ))\n"
	      "\tcase $words[1] in\n",
	      stdout);
	for (const struct applet *const *a = applets; *a; a++) {
		if (!(*a)->help)
			continue;
		printf("\t%s) _arguments -s", (*a)->name);
		for (const struct opt *o = (*a)->opts; o && o->letter; o++)
			put_zsh_option(o);
		printf(" \\\n\t\t'*:%s' ;;\n", operands[operands_of(*a)]);
	}
	fputs("\tesac\n}\n_vmtool \"$@\"\n", stdout);
}

/* --- fish --- */

static void put_fish_word(const struct applet *a)
{
	static const char *const operands[] = { "-F", "-a '(vmtool ls -q 2>/dev/null)'",
						"-a '(vmtool --list)'" };

	printf("complete -c vmtool -n __fish_use_subcommand -a %s -d '", a->name);
	put_quoted(a->help, "\\'", "\\");
	fputs("'\n", stdout);
	for (const struct opt *o = a->opts; o && o->letter; o++) {
		printf("complete -c vmtool -n '__fish_seen_subcommand_from %s' -l %s", a->name,
		       o->word);
		if (has_letter(o))
			printf(" -s %c", (char)o->letter);
		printf("%s -d '", o->value ? " -r -F" : "");
		put_quoted(o->help, "\\'", "\\");
		fputs("'\n", stdout);
	}
	printf("complete -c vmtool -n '__fish_seen_subcommand_from %s' %s\n", a->name,
	       operands[operands_of(a)]);
}

static void put_fish(void)
{
	fputs("# vmtool completion fish: keep it as ~/.config/fish/completions/vmtool.fish\n"
	      "complete -c vmtool -f\n",
	      stdout);
	for (const struct applet *const *a = applets; *a; a++)
		if ((*a)->help)
			put_fish_word(*a);
}

/* --- the word --- */

static int completion_run(struct cmdline *cl, struct err *e)
{
	static const struct {
		const char *shell;
		void (*put)(void);
	} shells[] = { { "bash", put_bash }, { "zsh", put_zsh }, { "fish", put_fish } };
	struct nearest n = NEAREST("");
	int rc = opt_next(cl, e);

	if (rc < 0)
		return rc;
	n.meant = operand_alone(cl, "SHELL", e);
	if (!n.meant)
		return e->code;
	for (size_t i = 0; i < COUNT(shells); i++) {
		nearest_try(&n, shells[i].shell);
		if (strcmp(n.meant, shells[i].shell) != 0)
			continue;
		shells[i].put();
		return 0;
	}
	return err_usage(e, "'%s' is no shell it knows%s%s%s\n  there are bash, zsh and fish",
			 n.meant, n.best ? ": did you mean '" : "", n.best ? n.best : "",
			 n.best ? "'?" : "");
}

const struct applet applet_completion = {
	.name = "completion",
	.args = "SHELL",
	.help = "Print what bash, zsh or fish need to complete words and options",
	.more = "  . <(vmtool completion bash)\n"
		"  vmtool completion zsh >~/.zfunc/_vmtool\n"
		"  vmtool completion fish >~/.config/fish/completions/vmtool.fish\n",
	.command_after = -1,
	.run = completion_run,
};
