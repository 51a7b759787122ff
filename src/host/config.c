/*
 * config - the machine a person asked for: vm.ini and options, checked, then never changed.
 */
#include "host/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "host/inifile.h"
#include "host/quote.h"

static const char file_name[] = "vm.ini";

/* Its lines are read in its place: host/settings. */
int config_include(struct config *c, const struct said *s, struct err *e)
{
	(void)c, (void)s, (void)e;
	return 0;
}

/* Of [service NAME]: the key is called as what it says. */
int config_service(struct config *c, const struct said *s, struct err *e)
{
	return guest_service(&c->guest, s->name, s->what, s->text, e) < 0
		       ? err_in(e, "[service %s]", s->name)
		       : 0;
}

/* --- all values --- */

static void set_defaults(struct config *c)
{
	machine_init(c);
	guest_init(&c->guest);
	c->proof = (struct proof){ .is_plain = 0 };
	settings_init(&c->settings);
}

static int set(struct config *c, const struct setting *x, struct err *e)
{
	const struct key *k = &config_keys[x->key];
	char what[32];
	struct said s = { what, x->name, x->text };
	int rc;

	snprintf(what, sizeof(what), "%s%s", x->file ? "" : "--", k->word);
	rc = k->set ? k->set(c, &s, e) : k->add(&c->guest, what, x->text, e);
	return rc < 0 && x->file ? err_in(e, "%s:%u", x->file, x->line) : rc;
}

/* Only what counts is checked: the command line can put right what vm.ini has wrong. */
static int set_all(struct config *c, struct err *e)
{
	settings_resolve(&c->settings);
	for (uint32_t i = 0; i < c->settings.count; i++)
		if (c->settings.at[i].is_live && set(c, &c->settings.at[i], e) < 0)
			return e->code;
	if (machine_check(c, e) < 0 || machine_complete(c, e) < 0 || guest_check(&c->guest, e) < 0)
		return e->code;
	return proof_check(c, e);
}

static int read_all(struct config *c, const struct vmref *v, const struct wish *w, struct err *e)
{
	unsigned skip = w && wish_has(w, KEY_INCLUDE) ? SKIP_INCLUDES : 0;
	char path[PATH_ROOM];
	int rc = path_fmt(path, e, "%s/vms/%s", v->home->path, v->name);

	return rc < 0 ? rc : settings_read(&c->settings, v->home, v->dir, path, file_name, skip, e);
}

static int take(struct config *c, const struct home *h, const struct vmref *v, const struct wish *w,
		struct err *e)
{
	int rc = 0;

	set_defaults(c);
	if (w)
		rc = settings_include(&c->settings, h, w, e);
	if (rc == 0 && v)
		rc = read_all(c, v, w, e);
	if (rc == 0 && w)
		rc = settings_wish(&c->settings, w, e);
	return rc < 0 ? rc : set_all(c, e);
}

int config_new(struct config *c, const struct home *h, const struct wish *w, struct err *e)
{
	return take(c, h, NULL, w, e);
}

int config_load(struct config *c, const struct vmref *v, const struct wish *w, struct err *e)
{
	return take(c, v->home, v, w, e);
}

/* --- two of them --- */

/* The next live value of the key, at i or behind. */
static const struct setting *next_value(const struct config *c, enum config_key key, uint32_t *i)
{
	while (*i < c->settings.count) {
		const struct setting *x = &c->settings.at[(*i)++];

		if (x->is_live && x->key == key)
			return x;
	}
	return NULL;
}

static int same_values(const struct config *a, const struct config *b, enum config_key key)
{
	uint32_t i = 0, j = 0;

	for (;;) {
		const struct setting *x = next_value(a, key, &i), *y = next_value(b, key, &j);

		if (!x || !y)
			return x == y;
		if (strcmp(x->text, y->text) != 0 ||
		    strcmp(x->name ? x->name : "", y->name ? y->name : "") != 0)
			return 0;
	}
}

/* The machine's single values are compared by what they mean, the rest by what was said. */
int config_same(const struct config *a, const struct config *b)
{
	if (a->cpus != b->cpus || a->memory_bytes != b->memory_bytes ||
	    a->balloon_bytes != b->balloon_bytes || a->memory != b->memory ||
	    a->any_kvm != b->any_kvm || a->has_hvc != b->has_hvc ||
	    a->reboot_ends != b->reboot_ends ||
	    strcmp(a->kernel, b->kernel) != 0 || strcmp(a->initrd, b->initrd) != 0 ||
	    strcmp(a->append, b->append) != 0)
		return 0;
	for (unsigned k = 0; k < KEY_COUNT; k++) {
		int has_meaning = config_keys[k].section == SECTION_VM &&
				  config_keys[k].count == KEY_ONE;

		if (k != KEY_INCLUDE && !has_meaning && !same_values(a, b, k))
			return 0;
	}
	return 1;
}

/* --- vm.ini --- */

struct writing {
	char text[INI_BYTES_MAX];
	size_t used;
};

static void put(struct writing *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writing *w, const char *fmt, ...)
{
	size_t room = sizeof(w->text) - w->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->text + w->used, room, fmt, ap);
	va_end(ap);
	w->used += MIN((size_t)n, room);
}

/* Nothing is taken back from nobody. */
static int is_written(const struct settings *s, const struct setting *x)
{
	for (uint32_t i = 0; !x->text && i < s->count; i++)
		if ((!s->at[i].is_own || &s->at[i] < x) && setting_is(&s->at[i], x->key, x->name))
			return 1;
	return x->text != NULL;
}

/* One section's own lines of this name, in the order of the table. */
static void put_section(struct writing *w, const struct settings *s, enum config_section section,
			const char *name)
{
	const char *word = config_sections[section].word;
	char quoted[INI_VALUE_MAX + 1];
	int begun = !word[0];

	for (unsigned k = 0; k < KEY_COUNT; k++) {
		for (uint32_t i = 0; config_keys[k].section == section && i < s->count; i++) {
			const struct setting *x = &s->at[i];

			if (!x->is_own || !setting_is(x, k, name) || !is_written(s, x))
				continue;
			if (!begun)
				put(w, "[%s%s%s]\n", word, name ? " " : "", name ? name : "");
			begun = 1;
			if (x->text) /* it fits: that was tried when it was added */
				quote_put(quoted, sizeof(quoted), x->text);
			put(w, "%s =%s%s\n", config_keys[k].word, x->text ? " " : "",
			    x->text ? quoted : "");
		}
	}
}

static void put_names(struct writing *w, const struct settings *s, enum config_section section)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (settings_begins(s, i, section))
			put_section(w, s, section, s->at[i].name);
}

int config_save(const struct config *c, const struct vmref *v, struct err *e)
{
	struct writing w = { .used = 0 };

	put(&w,
	    "# what was asked for; `vmtool start` reads it, `vmtool help config` explains it\n");
	for (unsigned s = 0; s < SECTION_COUNT; s++)
		put_names(&w, &c->settings, s);
	if (w.used == sizeof(w.text))
		return err_usage(e, "%s: what was asked for does not fit into vm.ini (%d KiB)",
				 v->name, INI_BYTES_MAX >> 10);
	return path_replace(v->dir, file_name, w.text, w.used, 0600, e) < 0
		       ? err_in(e, "%s", v->name)
		       : 0;
}
