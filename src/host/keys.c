/*
 * keys - every key of vm.ini: one row is one key, and nothing else has to be said of it.
 */
#include "host/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/column.h"
#include "base/nearest.h"
#include "base/util.h"

/* --- the rows as tables --- */

#define MACHINE_SETTER(f) config_setter f;
#define GUEST_SETTER(f)
#define DECLARE_SETTER(SECTION, NAME, word, count, option, letter, syntax, initial, help, place, \
		       setter) \
	setter
CONFIG_KEYS(DECLARE_SETTER)
#undef MACHINE_SETTER
#undef GUEST_SETTER

#define MACHINE_SETTER(f) .set = (f)
#define GUEST_SETTER(f)	  .add = (f)
#define INITIAL_IS(text)  text
#define INITIAL_NONE	  NULL
#define OPTION_MACHINE	  1
#define OPTION_MAIN	  1
#define OPTION_FILE	  0
#define KEY_ROW(SECTION, NAME, w, n, option, l, s, initial_, h, p, setter) \
	[KEY_##NAME] = { \
		.section = SECTION_##SECTION, \
		.word = w, \
		.syntax = s, \
		.initial = INITIAL_##initial_, \
		.help = h, \
		.count = KEY_##n, \
		.place = PLACE_##p, \
		.letter = l, \
		.has_option = OPTION_##option, \
		setter, \
	},

const struct key config_keys[KEY_COUNT] = { CONFIG_KEYS(KEY_ROW) };

#define SECTION_ROW(NAME, word, names, help) [SECTION_##NAME] = { word, names, help },

const struct section config_sections[SECTION_COUNT] = { CONFIG_SECTIONS(SECTION_ROW) };

/* --- finding --- */

/* "[vm], [guest] and [main]", without the one that has no word. */
static void list_sections(char *out, size_t cap)
{
	size_t used = 0;

	for (unsigned s = 0; s < SECTION_COUNT && used < cap; s++) {
		const struct section *x = &config_sections[s];

		if (!x->word[0])
			continue;
		used += (size_t)snprintf(out + used, cap - used, "%s[%s%s%s]",
					 used == 0		 ? ""
					 : s + 1 < SECTION_COUNT ? ", "
								 : " and ",
					 x->word, x->names ? " " : "", x->names ? x->names : "");
	}
}

static int no_section(const char *text, size_t len, struct err *e)
{
	char word[40], all[256];
	struct nearest n = NEAREST(word);

	snprintf(word, sizeof(word), "%.*s", (int)len, text);
	for (unsigned s = 0; s < SECTION_COUNT; s++)
		nearest_try(&n, config_sections[s].word);
	list_sections(all, sizeof(all));
	return err_usage(e, "[%s] is no section: %s%s%s%s", text, n.best ? "did you mean [" : "",
			 n.best ? n.best : "", n.best ? "]? There are " : "there are ", all);
}

int section_find(const char *text, const char **name, struct err *e)
{
	size_t len = strcspn(text, " \t");
	const char *rest = text + len + strspn(text + len, " \t");
	unsigned s = 0;

	*name = NULL;
	while (s < SECTION_COUNT && (strlen(config_sections[s].word) != len ||
				     memcmp(config_sections[s].word, text, len) != 0))
		s++;
	if (s == SECTION_COUNT || len == 0)
		return no_section(text, len, e);
	if (!config_sections[s].names && *rest)
		return err_usage(e, "[%s]: this section has no names: write [%s]", text,
				 config_sections[s].word);
	if (config_sections[s].names && !*rest)
		return err_usage(e, "[%s]: whose? write [%s %s]", text, config_sections[s].word,
				 config_sections[s].names);
	if (*rest)
		*name = rest;
	return (int)s;
}

/* The section a key of this word belongs to, or NULL. */
static const struct section *home_of(const char *word)
{
	for (unsigned k = 0; k < KEY_COUNT; k++)
		if (!strcmp(config_keys[k].word, word))
			return &config_sections[config_keys[k].section];
	return NULL;
}

static void name_section(char out[40], const struct section *s)
{
	if (s->word[0])
		snprintf(out, 40, "[%s%s%s]", s->word, s->names ? " " : "",
			 s->names ? s->names : "");
	else
		snprintf(out, 40, "the part %s", s->help);
}

static int no_key(enum config_section s, const char *word, struct err *e)
{
	const struct section *other = home_of(word);
	struct nearest n = NEAREST(word);
	char here[40], there[40];

	name_section(here, &config_sections[s]);
	if (other) {
		name_section(there, other);
		return err_usage(e, "'%s' is no key of %s: it belongs to %s", word, here, there);
	}
	for (unsigned k = 0; k < KEY_COUNT; k++)
		if (config_keys[k].section == s)
			nearest_try(&n, config_keys[k].word);
	return err_usage(e, "'%s' is no key of %s%s%s%s\n  see: vmtool help config", word, here,
			 n.best ? ": did you mean '" : "", n.best ? n.best : "",
			 n.best ? "'?" : "");
}

int key_find(enum config_section s, const char *word, struct err *e)
{
	for (unsigned k = 0; k < KEY_COUNT; k++)
		if (config_keys[k].section == s && !strcmp(config_keys[k].word, word))
			return (int)k;
	return no_key(s, word, e);
}

/* --- for people --- */

static void print_key(const struct key *k)
{
	char left[64], text[256], initial[64] = "", letter[8] = "";
	int n;

	snprintf(left, sizeof(left), "  %s = %s%s", k->word, k->syntax ? k->syntax : "yes|no",
		 k->count == KEY_ONE ? "" : " *");
	if (k->initial)
		snprintf(initial, sizeof(initial), " (default: %s)", k->initial);
	if (k->letter)
		snprintf(letter, sizeof(letter), ", -%c", k->letter);
	n = snprintf(text, sizeof(text), "%s%s", k->help, initial);
	if (k->has_option)
		snprintf(text + n, sizeof(text) - (size_t)n, " [--%s%s]", k->word, letter);
	column_print(26, left, text);
}

void keys_print_help(void)
{
	printf("The keys of vm.ini, of the files it includes, and of those --config names\n\n"
	       "A line is [SECTION] or KEY = VALUE. # or ; begins a comment, and behind a value\n"
	       "so does ; with a blank before it. A value in double quotes is taken byte for\n"
	       "byte, with \\\" \\\\ \\n \\t \\r \\xNN in it: \"a \\x3b b\" is how a command has a ;.\n"
	       "* may be given again: such values add up, and an empty one takes back what came\n"
	       "before. A later line wins, a file's own lines over what it includes, and the\n"
	       "command line over both. A relative path is relative to the file it stands in.\n");
	for (unsigned s = 0; s < SECTION_COUNT; s++) {
		const struct section *x = &config_sections[s];

		if (x->word[0])
			printf("\n[%s%s%s]  %s\n", x->word, x->names ? " " : "",
			       x->names ? x->names : "", x->help);
		else
			printf("\n%s:\n", x->help);
		for (unsigned k = 0; k < KEY_COUNT; k++)
			if (config_keys[k].section == s)
				print_key(&config_keys[k]);
	}
}
