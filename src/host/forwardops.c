/*
 * forwardops - what may be asked of an agent about its forwards.
 */
#include "host/forwardops.h"

#include <errno.h>
#include <string.h>

#include "host/control.h"
#include "host/question.h"

enum { ENVELOPE = 64 }; /* of an answer, around the list */

/* --- the agent's side --- */

static json_t *refusal(const struct err *e)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", e->text);
}

/* NULL with *e filled. */
static const char *text_of(const json_t *request, const char *key, struct err *e)
{
	const char *text = json_string_value(json_object_get(request, key));

	if (!text)
		err_set(e, -EINVAL, "%s: is missing, or no string", key);
	return text;
}

json_t *forwardops_add(struct forwards *fs, const json_t *request)
{
	json_int_t after = fs->last_id;
	struct err e = ERR_NONE;
	struct forwardrule r;
	const char *text = text_of(request, "rule", &e);

	if (text && forwardrule_parse(&r, "rule", text, &e) == 0 && forwards_add(fs, &r, &e) == 0)
		return json_pack("{s:b, s:I}", "ok", 1, "after", after);
	return refusal(&e);
}

json_t *forwardops_rm(struct forwards *fs, const json_t *request)
{
	struct err e = ERR_NONE;
	const char *which = text_of(request, "which", &e);

	if (which && forwards_remove(fs, which, &e) == 0)
		return json_pack("{s:b}", "ok", 1);
	return refusal(&e);
}

json_t *forwardops_ls(const struct forwards *fs, const json_t *request)
{
	json_int_t after = json_integer_value(json_object_get(request, "after"));
	size_t room = CONTROL_ANSWER_MAX - ENVELOPE;
	json_t *all = json_array();
	int more = 0;

	for (const struct forward *f = fs->first; f && !more; f = f->next) {
		json_t *one = f->id > after ? forward_json(f) : NULL;
		size_t len = one ? json_dumpb(one, NULL, 0, JSON_COMPACT) + 1 : 0;

		more = len > room;
		if (one && !more) {
			json_array_append(all, one);
			room -= len;
		}
		json_decref(one);
	}
	return json_pack("{s:b, s:o, s:b}", "ok", 1, "forwards", all, "more", more);
}

/* --- the others --- */

int forwards_ask(json_t **all, const struct state *s, json_int_t after, struct err *e)
{
	int more = 1, rc = 0;

	*all = json_array();
	while (more && rc == 0) {
		json_t *answer = NULL, *part;
		size_t n;

		rc = question_ask(&answer, s,
				  json_pack("{s:s, s:I}", "op", "forward_ls", "after", after), e);
		part = json_object_get(answer, "forwards");
		n = json_array_size(part);
		json_array_extend(*all, part);
		after = json_integer_value(json_object_get(json_array_get(part, n - 1), "id"));
		more = n > 0 && json_is_true(json_object_get(answer, "more"));
		json_decref(answer);
	}
	if (rc < 0) {
		json_decref(*all);
		*all = NULL;
	}
	return rc;
}

int forwards_ask_add(json_t **added, const struct state *s, const char *rule, struct err *e)
{
	json_t *answer = NULL;
	json_int_t after;
	int rc = question_ask(&answer, s,
			      json_pack("{s:s, s:s}", "op", "forward_add", "rule", rule), e);

	if (rc < 0)
		return rc;
	after = json_integer_value(json_object_get(answer, "after"));
	json_decref(answer);
	if (strncmp(rule, "auto", 4) != 0)
		return forwards_ask(added, s, after, e);
	*added = json_array();
	return 0;
}

int forwards_ask_rm(const struct state *s, const char *which, struct err *e)
{
	json_t *answer = NULL;
	int rc = question_ask(&answer, s,
			      json_pack("{s:s, s:s}", "op", "forward_rm", "which", which), e);

	json_decref(answer);
	return rc;
}
