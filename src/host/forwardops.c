/*
 * forwardops - what may be asked of an agent about its forwards.
 */
#include "host/forwardops.h"

#include <errno.h>
#include <string.h>

#include "host/amend.h"
#include "host/control.h"
#include "host/question.h"
#include "host/rulebook.h"

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

static int is_same_text(const char *value, const void *text)
{
	return strcmp(value, text) == 0;
}

/* What is to be kept is written first: a rule that cannot be is not opened either, and one that cannot
 * be opened is taken out again. */
static int add(struct forwards *fs, const char *text, int is_kept, struct err *e)
{
	struct err ignored = ERR_NONE;
	struct forwardrule r;
	int rc = forwardrule_parse(&r, "rule", text, e), is_new = 0;

	if (rc == 0 && is_kept)
		rc = is_new = amend_add(fs->vm, KEY_PUBLISH, text, e);
	if (rc >= 0)
		rc = forwards_add(fs, &r, e);
	if (rc < 0 && is_new > 0 &&
	    amend_remove(fs->vm, KEY_PUBLISH, is_same_text, text, &ignored) < 0)
		err_more(e, "; and vm.ini has the rule now: %s", ignored.text);
	return rc;
}

json_t *forwardops_add(struct forwards *fs, const json_t *request)
{
	int is_kept = json_is_true(json_object_get(request, "save"));
	json_int_t after = fs->last_id;
	struct err e = ERR_NONE;
	const char *text = text_of(request, "rule", &e);

	if (text && add(fs, text, is_kept, &e) == 0) {
		rulebook_write(fs);
		return json_pack("{s:b, s:I}", "ok", 1, "after", after);
	}
	return refusal(&e);
}

/* Whether it is this rule that brought the forward, and nothing else. */
static int is_rule_of(const char *value, const void *arg)
{
	const struct forward *f = arg;
	struct err ignored = ERR_NONE;
	struct forwardrule r;

	return forwardrule_parse(&r, "rule", value, &ignored) == 0 && !r.is_auto && r.count == 1 &&
	       r.is_udp == f->is_udp && strcmp(r.name, f->name) == 0 && r.to.kind == f->to.kind &&
	       r.to.port == f->to.port && strcmp(r.to.address, f->to.address) == 0 &&
	       ((!hostaddr_is_unix(&r.host) && hostaddr_port(&r.host) == 0) ||
		hostaddr_same(&r.host, &f->host));
}

/* 0, also of one that is not there at all, which is said by whoever removes it. */
static int forget(struct forwards *fs, const char *which, struct err *e)
{
	const struct forward *f = forwards_meant(fs, which);
	int rc = f && !f->is_auto ? amend_remove(fs->vm, KEY_PUBLISH, is_rule_of, f, e) : 1;

	if (rc == 0)
		return err_set(e, -ENOENT,
			       "vm.ini has no rule that brings '%s' alone\n  try: without --save, "
			       "which lasts until the VM ends",
			       which);
	return rc < 0 ? rc : 0;
}

json_t *forwardops_rm(struct forwards *fs, const json_t *request)
{
	struct err e = ERR_NONE;
	const char *which = text_of(request, "which", &e);
	int rc = which ? 0 : e.code;

	if (rc == 0 && json_is_true(json_object_get(request, "save")))
		rc = forget(fs, which, &e);
	if (rc == 0 && forwards_remove(fs, which, &e) == 0) {
		rulebook_write(fs);
		return json_pack("{s:b}", "ok", 1);
	}
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

int forwards_ask_add(json_t **added, const struct state *s, const char *rule, int is_kept,
		     struct err *e)
{
	json_t *answer = NULL;
	json_int_t after;
	int rc = question_ask(&answer, s,
			      json_pack("{s:s, s:s, s:b}", "op", "forward_add", "rule", rule, "save",
				        is_kept), e);

	if (rc < 0)
		return rc;
	after = json_integer_value(json_object_get(answer, "after"));
	json_decref(answer);
	if (strncmp(rule, "auto", 4) != 0)
		return forwards_ask(added, s, after, e);
	*added = json_array();
	return 0;
}

int forwards_ask_rm(const struct state *s, const char *which, int is_kept, struct err *e)
{
	json_t *answer = NULL;
	int rc = question_ask(&answer, s,
			      json_pack("{s:s, s:s, s:b}", "op", "forward_rm", "which", which, "save",
				        is_kept), e);

	json_decref(answer);
	return rc;
}
