/*
 * scripts - what is run in a guest as a part of its boot, and what became of each.
 */
#include "host/scripts.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

static const char *const names[] = {
	[SCRIPT_WAITING] = "waiting", [SCRIPT_RUNNING] = "running", [SCRIPT_DONE] = "done",
	[SCRIPT_FAILED] = "failed",   [SCRIPT_SKIPPED] = "skipped",
};

const char *script_state_name(enum script_state s)
{
	return names[s];
}

int scripts_add(struct script_wishes *w, struct strings *bag, const char *what, const char *text,
		struct err *e)
{
	struct script_wish s = { .is_once = strncmp(text, "once ", 5) == 0 };
	const char **to = &s.text;

	text += s.is_once ? 5 : 0;
	if (text[0] == '/')
		to = &s.path;
	else if (strncmp(text, "sh ", 3) == 0)
		text += 3;
	else if (strncmp(text, "#!", 2) != 0)
		return err_usage(
			e,
			"%s: '%.60s' is no script: write /PATH of one, 'sh COMMAND', or one "
			"that begins with #!",
			what, text);
	if (w->count == SCRIPTS_MAX)
		return err_usage(e, "%s: more than %d scripts", what, SCRIPTS_MAX);
	*to = strings_keep(bag, text, strlen(text));
	if (!*to)
		return err_usage(e, "%s: the scripts take more than %d KiB", what,
				 STRINGS_BYTES >> 10);
	w->script[w->count++] = s;
	return 0;
}

json_t *scripts_json(const struct script_reports *r)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < r->count; i++) {
		const struct script_report *s = &r->list[i];
		int is_over = s->state == SCRIPT_DONE || s->state == SCRIPT_FAILED;

		json_array_append_new(all,
				      json_pack("{s:s, s:s, s:o, s:o, s:s}", "script", s->name,
						"state", names[s->state], "code",
						is_over ? json_integer(s->code) : json_null(), "ms",
						is_over ? json_integer(s->ms) : json_null(), "said",
						s->said));
	}
	return all;
}

static void read_text(char *out, size_t cap, const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	snprintf(out, cap, "%s", text ? text : "");
}

void scripts_read(struct script_reports *r, const json_t *list)
{
	*r = (struct script_reports){ .count = 0 };
	for (size_t i = 0; i < json_array_size(list) && r->count < SCRIPTS_MAX; i++) {
		const json_t *j = json_array_get(list, i);
		struct script_report *s = &r->list[r->count++];
		const char *state = json_string_value(json_object_get(j, "state"));

		for (size_t k = 0; state && k < COUNT(names); k++)
			if (strcmp(state, names[k]) == 0)
				s->state = (enum script_state)k;
		s->code = (int)json_integer_value(json_object_get(j, "code"));
		s->ms = json_integer_value(json_object_get(j, "ms"));
		read_text(s->name, sizeof(s->name), j, "script");
		read_text(s->said, sizeof(s->said), j, "said");
	}
}
