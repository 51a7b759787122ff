/*
 * settings - what was said of a VM, value by value, and where.
 */
#include "host/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/util.h"
#include "host/inifile.h"
#include "host/quote.h"

/* A file that includes one that includes one... */
enum { DEPTH_MAX = 8 };

/* --- the command line --- */

/* The one key whose option has another name: --include would not say what of. */
static const char *option_of(enum config_key key)
{
	return key == KEY_INCLUDE ? "config" : config_keys[key].word;
}

int wish_add(struct wish *w, enum config_key key, const char *value, struct err *e)
{
	if (w->nlines == SETTINGS_MAX)
		return err_usage(e, "--%s: more than %d values", option_of(key), SETTINGS_MAX);
	w->lines[w->nlines++] = (struct line){ key, value };
	return 0;
}

int wish_is_empty(const struct wish *w)
{
	return w->nlines == 0;
}

int wish_has(const struct wish *w, enum config_key key)
{
	for (uint32_t i = 0; i < w->nlines; i++)
		if (w->lines[i].key == key)
			return 1;
	return 0;
}

/* --- adding --- */

void settings_init(struct settings *s)
{
	s->count = 0;
	s->bag.used = 0;
}

static int same_name(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

int setting_is(const struct setting *x, enum config_key key, const char *name)
{
	return x->key == key && same_name(x->name, name);
}

static int same_key(const struct setting *a, const struct setting *b)
{
	return setting_is(a, b->key, b->name);
}

/* A relative path means the folder where it was said, which no other process shares. */
static int place(char out[PATH_ROOM], const struct key *k, const char *dir, const char *text,
		 struct err *e)
{
	struct err ignored = ERR_NONE;

	if (k->place == PLACE_TEXT || text[0] == '/' || text[0] == '\0' || text[0] == ',')
		return path_fmt(out, e, "%s", text);
	if (k->place == PLACE_NAME_OR_PATH && parse_name(text, &ignored) == 0)
		return path_fmt(out, e, "%s", text);
	while (!strncmp(text, "./", 2))
		text += 2;
	return path_fmt(out, e, "%s/%s", dir, text);
}

/* vm.ini must be able to hold it in one line. */
static int check_length(const char *text, struct err *e)
{
	char quoted[INI_VALUE_MAX + 1];

	return quote_put(quoted, sizeof(quoted), text) < 0
		       ? err_usage(e, "longer than %d bytes", INI_VALUE_MAX)
		       : 0;
}

/* A copy of x, its text placed in dir and kept. 0 or negative with *e filled. */
static int add(struct settings *s, const struct setting *x, const char *dir, struct err *e)
{
	const struct key *k = &config_keys[x->key];
	struct setting *to = &s->at[s->count];
	char placed[PATH_ROOM];
	int rc;

	for (uint32_t i = s->count; k->count == KEY_ONE && i-- > 0;)
		if (s->at[i].file == x->file && same_key(&s->at[i], x))
			return err_usage(e, "stands here for the second time");
	if (s->count == SETTINGS_MAX)
		return err_usage(e, "more values than vm.ini holds");
	*to = *x;
	if (x->text) {
		rc = place(placed, k, dir, x->text, e);
		if (rc == 0)
			rc = check_length(placed, e);
		if (rc < 0)
			return rc;
		to->text = strings_keep(&s->bag, placed, strlen(placed));
		if (!to->text)
			return err_usage(e, "more values than vm.ini holds");
	}
	s->count++;
	return 0;
}

/* --- files --- */

struct reading {
	struct ini_taker taker;
	struct settings *s;
	const struct home *home;
	const struct reading *by; /* the file that includes this one */
	unsigned skip;
	struct stat which;
	const char *file; /* kept */
	char dir[PATH_ROOM];
	int section;
	const char *name; /* kept, or NULL */
};

static int take_section(struct ini_taker *t, const char *text, struct err *e)
{
	struct reading *r = CONTAINER(t, struct reading, taker);

	r->section = section_find(text, &r->name, e);
	if (r->section < 0 || !r->name)
		return MIN(r->section, 0);
	if (parse_name(r->name, e) < 0)
		return err_in(e, "[%s]", text);
	r->name = strings_keep(&r->s->bag, r->name, strlen(r->name));
	return r->name ? 0 : err_usage(e, "more values than vm.ini holds");
}

static int include(struct settings *s, const struct home *h, const char *what, const char *where,
		   const struct reading *by, struct err *e);

static int take_include(struct reading *r, struct setting *x, struct err *e)
{
	int rc;

	if (r->skip & SKIP_INCLUDES)
		return 0;
	rc = x->text ? add(r->s, x, r->dir, e) : err_usage(e, "names no file");
	if (rc < 0)
		return err_in(e, "include");
	return include(r->s, r->home, "include", r->s->at[r->s->count - 1].text, r, e);
}

static int take_line(struct ini_taker *t, const char *word, char *value, unsigned line,
		     struct err *e)
{
	struct reading *r = CONTAINER(t, struct reading, taker);
	int key = key_find((enum config_section)r->section, word, e);
	struct setting x = {
		.text = *value ? value : NULL,
		.name = r->name,
		.file = r->file,
		.line = line,
		.key = (uint16_t)key,
		.is_own = !r->by,
	};

	if (key < 0)
		return key;
	if (quote_take(value) < 0)
		return err_usage(e,
				 "%s: after the first \" comes text, \\\" \\\\ \\n \\t \\r \\xNN, "
				 "and \" as the last",
				 word);
	if (!*value && config_keys[key].count != KEY_LIST)
		x.text = NULL;
	if (key == KEY_INCLUDE)
		return take_include(r, &x, e);
	return add(r->s, &x, r->dir, e) < 0 ? err_in(e, "%s", word) : 0;
}

/* The chain of files, outermost first. */
static size_t put_chain(char *out, size_t cap, const struct reading *r)
{
	size_t used = r->by ? put_chain(out, cap, r->by) : 0;

	if (used < cap)
		used += (size_t)snprintf(out + used, cap - used, "%s%s", used ? " > " : "",
					 r->file);
	return MIN(used, cap - 1);
}

static int check_chain(const struct reading *r, struct err *e)
{
	unsigned depth = 0;
	char chain[600];

	put_chain(chain, sizeof(chain), r);
	for (const struct reading *x = r->by; x; x = x->by, depth++)
		if (x->which.st_dev == r->which.st_dev && x->which.st_ino == r->which.st_ino)
			return err_usage(e, "this file includes itself: %s", chain);
	return depth > DEPTH_MAX ? err_usage(e, "more than %d files deep: %s", DEPTH_MAX, chain)
				 : 0;
}

static int begin(struct reading *r, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');

	r->taker = (struct ini_taker){ take_section, take_line };
	r->section = SECTION_TOP;
	r->file = strings_keep(&r->s->bag, path, strlen(path));
	if (!r->file)
		return err_usage(e, "more files than can be held");
	return path_fmt(r->dir, e, "%.*s", slash ? (int)(slash - path) : 0, path);
}

/* A file that some other one, or the command line, names: it has to be there. */
static int include(struct settings *s, const struct home *h, const char *what, const char *where,
		   const struct reading *by, struct err *e)
{
	struct reading r = { .s = s, .home = h, .by = by };
	char text[INI_BYTES_MAX], path[PATH_ROOM];
	int is_name = where[0] != '/';
	int rc;

	rc = is_name ? path_fmt(path, e, "%s/templates/%s.ini", h->path, where)
		     : path_fmt(path, e, "%s", where);
	if (rc == 0)
		rc = begin(&r, path, e);
	if (rc < 0)
		return err_in(e, "%s", what);
	rc = ini_slurp(text, &r.which, AT_FDCWD, path, e);
	if (rc < 0)
		return err_in(e, "%s: %s", what, path);
	if (rc == 0 && is_name)
		return err_usage(e, "%s: there is no template '%s' (%s)\n  try: %s./%s for a file",
				 what, where, path, by ? "include = " : "--config ", where);
	if (rc == 0)
		return err_usage(e, "%s: %s: there is no such file", what, path);
	rc = check_chain(&r, e);
	return rc < 0 ? err_in(e, "%s", what) : ini_read(&r.taker, r.file, text, e);
}

int settings_read(struct settings *s, const struct home *h, int dirfd, const char *path,
		  const char *name, unsigned skip, struct err *e)
{
	struct reading r = { .s = s, .home = h, .skip = skip };
	char text[INI_BYTES_MAX], whole[PATH_ROOM];
	int rc = path_fmt(whole, e, "%s/%s", path, name);

	if (rc == 0)
		rc = begin(&r, whole, e);
	if (rc < 0)
		return rc;
	rc = ini_slurp(text, &r.which, dirfd, name, e);
	if (rc <= 0)
		return rc < 0 ? err_in(e, "%s", whole) : 0;
	return ini_read(&r.taker, r.file, text, e);
}

/* --- the command line, laid over them --- */

static int add_wish(struct settings *s, enum config_key key, const char *text, const char *dir,
		    struct err *e)
{
	struct setting x = { .text = text, .key = (uint16_t)key, .is_own = 1 };

	return add(s, &x, dir, e) < 0 ? err_in(e, "--%s", option_of(key)) : 0;
}

static int current_folder(char out[PATH_ROOM], struct err *e)
{
	return getcwd(out, PATH_ROOM) ? 0 : err_sys(e, "find the current folder");
}

int settings_include(struct settings *s, const struct home *h, const struct wish *w, struct err *e)
{
	char dir[PATH_ROOM];
	int rc = current_folder(dir, e);

	for (uint32_t i = 0; rc == 0 && i < w->nlines; i++) {
		if (w->lines[i].key != KEY_INCLUDE || !w->lines[i].value[0])
			continue;
		rc = add_wish(s, KEY_INCLUDE, w->lines[i].value, dir, e);
		if (rc == 0) {
			/* What it includes comes with its name: as a file's of its own. */
			struct reading top = { .file = "the command line" };

			rc = include(s, h, "--config", s->at[s->count - 1].text, &top, e);
		}
	}
	return rc;
}

/* vm.ini's own lines of the key go; 1 when some of what it includes are left. */
static int drop_own(struct settings *s, enum config_key key)
{
	int others = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		struct setting *x = &s->at[i];

		if (x->key != key)
			continue;
		others |= !x->is_own;
		if (x->is_own)
			x->key = KEY_COUNT; /* nobody's */
	}
	return others;
}

/* All that is said of one key. Of what is included nothing can be dropped: it is taken back. */
static int wish_key(struct settings *s, const struct wish *w, enum config_key key, const char *dir,
		    struct err *e)
{
	const struct key *k = &config_keys[key];
	int rc = 0;

	if (drop_own(s, key) && k->count != KEY_ONE)
		rc = add_wish(s, key, NULL, dir, e);
	for (uint32_t i = 0; rc == 0 && i < w->nlines; i++) {
		const char *text = w->lines[i].value;

		if (w->lines[i].key == key && (text[0] || k->count != KEY_MANY))
			rc = add_wish(s, key, text[0] || k->count == KEY_LIST ? text : NULL, dir,
				      e);
	}
	return rc;
}

int settings_wish(struct settings *s, const struct wish *w, struct err *e)
{
	char dir[PATH_ROOM];
	int rc = current_folder(dir, e);

	for (unsigned k = 0; rc == 0 && k < KEY_COUNT; k++)
		if (k != KEY_INCLUDE && wish_has(w, k))
			rc = wish_key(s, w, k, dir, e);
	return rc;
}

/* --- what counts --- */

static int is_replaced(const struct settings *s, uint32_t i)
{
	for (uint32_t j = i + 1; j < s->count; j++)
		if (same_key(&s->at[j], &s->at[i]) &&
		    (!s->at[j].text || config_keys[s->at[i].key].count == KEY_ONE))
			return 1;
	return 0;
}

/* From the last to the first, so that the keys without a name, of which there may be thousands of
 * values, need one look each. */
void settings_resolve(struct settings *s)
{
	uint8_t closed[KEY_COUNT] = { 0 };

	for (uint32_t i = s->count; i-- > 0;) {
		struct setting *x = &s->at[i];

		x->is_live = 0;
		if (x->key == KEY_COUNT)
			continue;
		x->is_live = x->text && !closed[x->key] && (!x->name || !is_replaced(s, i));
		if (!x->name && (!x->text || config_keys[x->key].count == KEY_ONE))
			closed[x->key] = 1;
	}
}

static int is_of(const struct setting *x, enum config_section section)
{
	return x->key < KEY_COUNT && config_keys[x->key].section == section;
}

int settings_begins(const struct settings *s, uint32_t i, enum config_section section)
{
	if (!is_of(&s->at[i], section))
		return 0;
	for (uint32_t j = 0; j < i; j++)
		if (is_of(&s->at[j], section) && same_name(s->at[j].name, s->at[i].name))
			return 0;
	return 1;
}
