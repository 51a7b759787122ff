/*
 * machine_opts - the options that describe a machine, for every word that takes them.
 *
 * They are the rows of host/keys.h: MACHINE_OPTS those every such word has, MACHINE_AND_MAIN_OPTS
 * with those of the main process, for a word whose own command does not have them, BARE_OPTS without
 * those that want an agent.
 */
#ifndef APPLETS_MACHINE_OPTS_H
#define APPLETS_MACHINE_OPTS_H

#include "applets/applet.h"
#include "base/util.h"
#include "host/config.h"

/* What opt_next() returns for a key: its letter, or a number of its own. */
#define KEY_OPT(NAME, letter) ((letter) ? (letter) : OPT_LONG + 100 + KEY_##NAME)

enum { OPT_CONFIG = KEY_OPT(INCLUDE, 0) };

#define OPT_INITIAL_IS(text) " (default: " text ")"
#define OPT_INITIAL_NONE     ""
#define OPT_COUNT_ONE	     ""
#define OPT_COUNT_MANY	     " *"
#define OPT_COUNT_LIST	     " *"

#define KEY_OPT_ROW(NAME, word, count, letter, syntax, initial, help) \
	{ KEY_OPT(NAME, letter), word, syntax, help OPT_INITIAL_##initial OPT_COUNT_##count },

#define IF_MACHINE_MACHINE(...) __VA_ARGS__
#define IF_MACHINE_MAIN(...)
#define IF_MACHINE_FILE(...)
#define IF_MAIN_MACHINE(...)
#define IF_MAIN_MAIN(...) __VA_ARGS__
#define IF_MAIN_FILE(...)

#define MACHINE_OPT(SECTION, NAME, word, count, option, letter, syntax, initial, help, ...) \
	IF_MACHINE_##option(KEY_OPT_ROW(NAME, word, count, letter, syntax, initial, help))
#define MAIN_OPT(SECTION, NAME, word, count, option, letter, syntax, initial, help, ...) \
	IF_MAIN_##option(KEY_OPT_ROW(NAME, word, count, letter, syntax, initial, help))

/* Those of the machine and its guest alone: for a machine that nobody looks after. */
#define IF_BARE_VM(...) __VA_ARGS__
#define IF_BARE_GUEST(...) __VA_ARGS__
#define IF_BARE_TOP(...)
#define IF_BARE_MAIN(...)
#define IF_BARE_SERVICE(...)
#define IF_BARE_READY(...)
#define IF_BARE_PROBE(...)
#define IF_BARE_PROVISION(...)
#define IF_BARE_FORWARD(...)
#define BARE_OPT(SECTION, NAME, word, count, option, letter, syntax, initial, help, ...) \
	IF_BARE_##SECTION(IF_MACHINE_##option(KEY_OPT_ROW(NAME, word, count, letter, syntax, initial, help)))

#define OPT_CONFIG_ROW \
	{ \
		OPT_CONFIG, "config", "FILE|NAME", \
			"take what stands in an INI file, or in a template *" \
	}

#define MACHINE_OPTS	      CONFIG_KEYS(MACHINE_OPT) OPT_CONFIG_ROW
#define BARE_OPTS	      CONFIG_KEYS(BARE_OPT) OPT_CONFIG_ROW
#define MACHINE_AND_MAIN_OPTS CONFIG_KEYS(MACHINE_OPT) CONFIG_KEYS(MAIN_OPT) OPT_CONFIG_ROW

struct key_opt {
	int letter;
	enum config_key key;
};

#define MACHINE_KEY_OPT(SECTION, NAME, word, count, option, letter, ...) \
	IF_MACHINE_##option({ KEY_OPT(NAME, letter), KEY_##NAME }, )
#define MAIN_KEY_OPT(SECTION, NAME, word, count, option, letter, ...) \
	IF_MAIN_##option({ KEY_OPT(NAME, letter), KEY_##NAME }, )

static inline int key_opt(const struct key_opt *table, size_t n, struct wish *w, int letter,
			  const char *value, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].letter == letter)
			return wish_add(w, table[i].key, value ? value : "yes", e) < 0 ? e->code
										       : 1;
	return 0;
}

/* 1 when the letter was one of MACHINE_OPTS, 0 when not; negative with *e filled. */
static inline int machine_opt(struct wish *w, int letter, const char *value, struct err *e)
{
	static const struct key_opt table[] = { CONFIG_KEYS(MACHINE_KEY_OPT){ OPT_CONFIG,
									      KEY_INCLUDE } };

	return key_opt(table, COUNT(table), w, letter, value, e);
}

/* The same of MACHINE_AND_MAIN_OPTS. */
static inline int machine_or_main_opt(struct wish *w, int letter, const char *value, struct err *e)
{
	static const struct key_opt table[] = { CONFIG_KEYS(MAIN_KEY_OPT){ OPT_CONFIG,
									   KEY_INCLUDE } };
	int rc = key_opt(table, COUNT(table), w, letter, value, e);

	return rc ? rc : machine_opt(w, letter, value, e);
}

#endif
