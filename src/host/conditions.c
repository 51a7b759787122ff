/*
 * conditions - what holds of a VM, name by name, as one table.
 */
#include "host/conditions.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

static const char *const fixed[CONDITIONS_FIXED] = {
	[VM_ALIVE] = "vm_alive",
	[AGENT_UP] = "agent_up",
	[SSH_BANNER] = "ssh_banner",
	[BOOT_DONE] = "boot_done",
};

void conditions_init(struct conditions *t)
{
	t->count = 0; /* each is cleared as it is added: there is room for many */
	for (size_t i = 0; i < COUNT(fixed); i++)
		(void)conditions_add(t, fixed[i]);
}

struct condition *conditions_add(struct conditions *t, const char *name)
{
	struct condition *c;

	if (t->count == CONDITIONS_MAX)
		return NULL;
	c = &t->list[t->count++];
	*c = (struct condition){ .gates = 0 };
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

struct condition *conditions_find(struct conditions *t, const char *name)
{
	for (unsigned i = 0; i < t->count; i++)
		if (strcmp(t->list[i].name, name) == 0)
			return &t->list[i];
	return NULL;
}

int conditions_value(const struct conditions *t, const char *name)
{
	for (unsigned i = 0; i < t->count; i++)
		if (strcmp(t->list[i].name, name) == 0)
			return t->list[i].value;
	return 0;
}

int condition_turn(struct condition *c, int value, const char *reason)
{
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	if (c->value == value)
		return 0;
	c->value = value;
	if (!value)
		c->attempts = 0;
	c->last_error[0] = '\0';
	clock_rfc3339(c->since);
	return 1;
}

void condition_because(struct condition *c, const char *reason)
{
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
}

void condition_attempt(struct condition *c)
{
	c->attempts++;
}

void condition_missed(struct condition *c, const char *error)
{
	snprintf(c->last_error, sizeof(c->last_error), "%s", error);
}

static int is_unmet(const struct condition *c)
{
	return !c->value && (c->gates || c->pending);
}

int conditions_hold(const struct conditions *t)
{
	for (unsigned i = 0; i < t->count; i++)
		if (is_unmet(&t->list[i]))
			return 0;
	return 1;
}

const struct condition *conditions_warned(const struct conditions *t)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->list[i].warns && !t->list[i].value)
			return &t->list[i];
	return NULL;
}

void conditions_drop(struct conditions *t, const char *reason)
{
	for (unsigned i = 0; i < t->count; i++)
		(void)condition_turn(&t->list[i], 0, reason);
}

/* --- for people --- */

static size_t append(char *out, size_t cap, size_t used, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static size_t append(char *out, size_t cap, size_t used, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (used >= cap)
		return used;
	va_start(ap, fmt);
	n = vsnprintf(out + used, cap - used, fmt, ap);
	va_end(ap);
	return MIN(used + (size_t)MAX(n, 0), cap - 1);
}

/* "ssh_banner does not hold: REASON (12 attempts, the last: ERROR)" */
void conditions_unmet(const struct conditions *t, char *out, size_t cap)
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < t->count; i++) {
		const struct condition *c = &t->list[i];

		if (!is_unmet(c))
			continue;
		used = append(out, cap, used, "%s%s does not hold%s%s", used ? "; " : "", c->name,
			      c->reason[0] ? ": " : "", c->reason);
		if (c->attempts)
			used = append(out, cap, used, " (%u attempt%s, %s%s)", c->attempts,
				      c->attempts == 1 ? "" : "s",
				      c->last_error[0] ? "the last: " : "no answer so far",
				      c->last_error);
	}
}

/* --- for programs --- */

json_t *conditions_values(const struct conditions *t)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < t->count; i++)
		json_object_set_new(all, t->list[i].name, json_boolean(t->list[i].value));
	return all;
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

json_t *conditions_list(const struct conditions *t)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < t->count; i++) {
		const struct condition *c = &t->list[i];

		json_array_append_new(all,
				      json_pack("{s:s, s:b, s:b, s:b, s:b, s:o, s:s, s:I, s:o}",
						"name", c->name, "value", c->value, "gates",
						c->gates, "warns", c->warns, "pending", c->pending,
						"since", text_or_null(c->since), "reason",
						c->reason, "attempts", (json_int_t)c->attempts,
						"last_error", text_or_null(c->last_error)));
	}
	return all;
}

static void read_text(char *out, size_t cap, const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	snprintf(out, cap, "%s", text ? text : "");
}

/* NULL: it has no name, or there is no room. */
static struct condition *find_or_add(struct conditions *t, const char *name)
{
	struct condition *c = name ? conditions_find(t, name) : NULL;

	return name && !c ? conditions_add(t, name) : c;
}

void conditions_read(struct conditions *t, const json_t *values, const json_t *list)
{
	json_t *v = (json_t *)values; /* jansson's iterators are not const */

	conditions_init(t);
	for (void *it = json_object_iter(v); it; it = json_object_iter_next(v, it)) {
		struct condition *c = find_or_add(t, json_object_iter_key(it));

		if (c)
			c->value = json_is_true(json_object_iter_value(it));
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *j = json_array_get(list, i);
		struct condition *c =
			find_or_add(t, json_string_value(json_object_get(j, "name")));

		if (!c)
			continue;
		c->gates = json_is_true(json_object_get(j, "gates"));
		c->warns = json_is_true(json_object_get(j, "warns"));
		c->pending = json_is_true(json_object_get(j, "pending"));
		c->attempts = (uint32_t)json_integer_value(json_object_get(j, "attempts"));
		read_text(c->since, sizeof(c->since), j, "since");
		read_text(c->reason, sizeof(c->reason), j, "reason");
		read_text(c->last_error, sizeof(c->last_error), j, "last_error");
	}
}
