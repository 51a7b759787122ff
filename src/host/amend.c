/*
 * amend - one value more or one less in a VM's vm.ini.
 */
#include "host/amend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "host/config.h"
#include "host/inifile.h"
#include "host/quote.h"

static const char file_name[] = "vm.ini";

/* The file as it is, and room for a line more. */
struct amendment {
	struct config config;
	char text[INI_BYTES_MAX], made[2 * INI_BYTES_MAX + INI_VALUE_MAX + 256];
};

/* NULL with *e filled. An absent file says nothing. */
static struct amendment *begin(const struct vmref *v, struct err *e)
{
	struct amendment *a = calloc(1, sizeof(*a));
	struct stat ignored;
	int rc = a ? config_load(&a->config, v, NULL, e) : err_set(e, -ENOMEM, "out of memory");

	if (rc == 0 && ini_slurp(a->text, &ignored, v->dir, file_name, e) < 0)
		rc = err_in(e, "%s", file_name);
	if (rc == 0)
		return a;
	free(a);
	return NULL;
}

static int finish(struct amendment *a, const struct vmref *v, int rc, struct err *e)
{
	size_t len = strlen(a->made);

	if (rc == 0 && len >= INI_BYTES_MAX)
		rc = err_set(e, -EFBIG, "vm.ini would be larger than %d KiB", INI_BYTES_MAX >> 10);
	if (rc == 0)
		rc = path_replace(v->dir, file_name, a->made, len, 0600, e);
	free(a);
	return rc;
}

/* Where a line of the text begins, from 1; of one behind the last, the text's end. */
static const char *line_at(const char *text, uint32_t line)
{
	for (uint32_t i = 1; i < line && *text; i++) {
		size_t len = strcspn(text, "\n");

		text += len + (text[len] == '\n');
	}
	return text;
}

/* The text up to `from`, the line, the text from `to` on. */
static void put(struct amendment *a, const char *from, const char *line, const char *to)
{
	int open = from > a->text && from[-1] != '\n'; /* a last line without an end */

	snprintf(a->made, sizeof(a->made), "%.*s%s%s%s", (int)(from - a->text), a->text,
		 open ? "\n" : "", line, to);
}

/* Behind its last line of the key, or in a section of its own at the end. */
int amend_add(const struct vmref *v, enum config_key key, const char *value, struct err *e)
{
	char quoted[INI_VALUE_MAX + 1], line[sizeof(quoted) + 128];
	const struct key *k = &config_keys[key];
	struct amendment *a = begin(v, e);
	uint32_t last = 0;
	const char *at;
	int is_there = 0;

	if (!a)
		return e->code;
	for (uint32_t i = 0; i < a->config.settings.count; i++) {
		const struct setting *x = &a->config.settings.at[i];

		if (!setting_is(x, key, NULL))
			continue;
		if (x->is_own)
			last = x->line;
		is_there |= x->is_live && strcmp(x->text, value) == 0;
	}
	if (is_there) {
		free(a);
		return 0;
	}
	if (quote_put(quoted, sizeof(quoted), value) < 0)
		return finish(a, v, err_usage(e, "%s: is too long for vm.ini", k->word), e);
	at = last ? line_at(a->text, last + 1) : a->text + strlen(a->text);
	if (last)
		snprintf(line, sizeof(line), "%s = %s\n", k->word, quoted);
	else
		snprintf(line, sizeof(line), "[%s]\n%s = %s\n", config_sections[k->section].word,
			 k->word, quoted);
	put(a, at, line, at);
	return finish(a, v, 0, e) < 0 ? e->code : 1;
}

int amend_remove(const struct vmref *v, enum config_key key,
		 int (*is_meant)(const char *value, const void *arg), const void *arg,
		 struct err *e)
{
	struct amendment *a = begin(v, e);
	const struct setting *found = NULL;

	if (!a)
		return e->code;
	for (uint32_t i = 0; !found && i < a->config.settings.count; i++) {
		const struct setting *x = &a->config.settings.at[i];

		if (x->is_live && setting_is(x, key, NULL) && is_meant(x->text, arg))
			found = x;
	}
	if (!found) {
		free(a);
		return 0;
	}
	if (!found->is_own) {
		err_set(e, -EPERM, "'%s' stands in %s, line %u, which others may include, too",
			found->text, found->file, found->line);
		free(a);
		return e->code;
	}
	put(a, line_at(a->text, found->line), "", line_at(a->text, found->line + 1));
	return finish(a, v, 0, e) < 0 ? e->code : 1;
}
