/*
 * origins - the values that count for a VM, and where each was said.
 */
#include "host/origins.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "host/inifile.h"
#include "host/quote.h"
#include "host/text.h"

enum { ORIGIN_COLUMN = 40 };

/* Calls `each` for the values that count, section by section; x is NULL for a default. */
struct visitor {
	void (*each)(struct visitor *v, const struct key *k, const struct setting *x);
	/* The printer's: what the last line stood in. */
	const struct section *section;
	const char *name;
	json_t *all;
};

static void visit(struct visitor *v, const struct config *c, enum config_section section,
		  const char *name)
{
	for (unsigned k = 0; k < KEY_COUNT; k++) {
		const struct key *key = &config_keys[k];
		int said = 0;

		if (key->section != section)
			continue;
		for (uint32_t i = 0; i < c->settings.count; i++) {
			const struct setting *x = &c->settings.at[i];

			if (!x->is_live || !setting_is(x, k, name))
				continue;
			v->each(v, key, x);
			said = 1;
		}
		if (!said && key->initial && !name)
			v->each(v, key, NULL);
	}
}

static void visit_all(struct visitor *v, const struct config *c)
{
	for (unsigned s = 0; s < SECTION_COUNT; s++) {
		if (!config_sections[s].names)
			visit(v, c, s, NULL);
		for (uint32_t i = 0; config_sections[s].names && i < c->settings.count; i++)
			if (settings_begins(&c->settings, i, s))
				visit(v, c, s, c->settings.at[i].name);
	}
}

static void begin_section(struct visitor *v, const struct key *k, const char *name)
{
	const struct section *s = &config_sections[k->section];
	int same_name = v->name == name || (v->name && name && !strcmp(v->name, name));

	if (s->word[0] && (s != v->section || !same_name))
		printf("[%s%s%s]\n", s->word, name ? " " : "", name ? name : "");
	v->section = s;
	v->name = name;
}

static void print_one(struct visitor *v, const struct key *k, const struct setting *x)
{
	char quoted[INI_VALUE_MAX + 1];
	int n;

	begin_section(v, k, x ? x->name : NULL);
	if (!x) {
		printf("; %s is the default: %s\n", k->word, k->initial);
		return;
	}
	quote_put(quoted, sizeof(quoted), x->text); /* it fits: host/settings tried */
	n = printf("%s = %s", k->word, quoted);
	n = n < ORIGIN_COLUMN ? ORIGIN_COLUMN - n : 0;
	if (x->file)
		printf("%*s ; %s:%u\n", n, "", x->file, x->line);
	else
		printf("%*s ; the command line\n", n, "");
}

void origins_print(const struct config *c)
{
	struct visitor v = { .each = print_one };

	visit_all(&v, c);
}

/* What a person wrote need not be UTF-8, and JSON has nothing else. */
static json_t *text_json(const char *text)
{
	char clean[INI_VALUE_MAX + 1];

	return text ? json_string(text_clean(clean, sizeof(clean), text, strlen(text)))
		    : json_null();
}

static void add_one(struct visitor *v, const struct key *k, const struct setting *x)
{
	json_array_append_new(v->all, json_pack("{s:s, s:o, s:s, s:o, s:s, s:o, s:o}", "section",
						config_sections[k->section].word, "name",
						text_json(x ? x->name : NULL), "key", k->word,
						"value", text_json(x ? x->text : k->initial),
						"origin", x ? "file" : "default", "file",
						text_json(x ? x->file : NULL), "line",
						x ? json_integer(x->line) : json_null()));
}

void origins_print_json(const struct config *c)
{
	struct visitor v = { .each = add_one, .all = json_array() };

	visit_all(&v, c);
	json_dumpf(v.all, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(v.all);
}
