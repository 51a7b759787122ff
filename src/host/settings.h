/*
 * settings - what was said of a VM, value by value, and where: in a file at a line, or on the
 * command line.
 *
 * Three layers, each over the one before: what vm.ini includes, vm.ini itself, the command line.
 * The last two are what a person asked for of this VM, and what is kept in its vm.ini.
 */
#ifndef HOST_SETTINGS_H
#define HOST_SETTINGS_H

#include <stdint.h>

#include "base/err.h"
#include "host/home.h"
#include "host/keys.h"
#include "host/strings.h"

/* --- the command line --- */

enum { SETTINGS_MAX = EXEC_ARGS_MAX + 512 };

struct line {
	enum config_key key;
	const char *value;
};

/* Borrowed from argv. What it says of a key replaces all that vm.ini has of it. */
struct wish {
	uint32_t nlines;
	struct line lines[SETTINGS_MAX];
};

/* 0, or wrong usage with *e filled. */
int wish_add(struct wish *w, enum config_key key, const char *value, struct err *e);
int wish_is_empty(const struct wish *w);

/* Whether it says anything of the key. */
int wish_has(const struct wish *w, enum config_key key);

/* --- all that was said --- */

struct setting {
	const char
		*text; /* as it is kept: a path made absolute; NULL takes back what came before */
	const char *name; /* of [probe NAME], or NULL */
	const char *file; /* NULL: the command line */
	uint32_t line;	  /* of the file */
	uint16_t key;	  /* enum config_key */
	uint8_t is_own;	  /* kept in vm.ini: nothing included */
	uint8_t is_live;  /* no later one replaces it or takes it back */
};

struct settings {
	uint32_t count;
	struct setting at[SETTINGS_MAX];
	struct strings bag;
};

void settings_init(struct settings *s);

/* What of vm.ini the command line replaces whole. */
enum { SKIP_INCLUDES = 1 };

/* Reads the file `name` of the folder, whose path is `path`, and what it includes; an absent one
 * says nothing. 0 or negative with *e filled. */
int settings_read(struct settings *s, const struct home *h, int dirfd, const char *path,
		  const char *name, unsigned skip, struct err *e);

/* Reads the files that the command line names. 0 or negative with *e filled. */
int settings_include(struct settings *s, const struct home *h, const struct wish *w, struct err *e);

/* Lays the rest of the command line over what was read. 0 or negative with *e filled. */
int settings_wish(struct settings *s, const struct wish *w, struct err *e);

/* Says of each whether it is live. */
void settings_resolve(struct settings *s);

/* Whether one of the key and of the name (or NULL) is. */
int setting_is(const struct setting *x, enum config_key key, const char *name);

/* Whether number i is the first that was said of its [section NAME], and this is the section. */
int settings_begins(const struct settings *s, uint32_t i, enum config_section section);

#endif
