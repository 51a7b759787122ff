/* The table of what holds of a VM: what it says, and what it says wrongly. */
#include <stdlib.h>

#include "check.h"
#include "host/conditions.h"

static struct conditions table;

static struct condition *named(const char *name)
{
	struct condition *c = conditions_find(&table, name);

	CHECK(c != NULL);
	return c;
}

static void something_that_gates_and_does_not_hold_is_ready(void)
{
	conditions_init(&table);
	CHECK(conditions_hold(&table)); /* nothing was asked for */
	named("ssh_banner")->gates = 1;
	CHECK(!conditions_hold(&table));
	CHECK(condition_turn(named("ssh_banner"), 1, "greeted"));
	CHECK(conditions_hold(&table));
	CHECK(condition_turn(named("ssh_banner"), 0, "gone"));
	CHECK(!conditions_hold(&table));
}

static void what_is_waited_for_is_not_waited_for(void)
{
	struct condition *c;

	conditions_init(&table);
	c = conditions_add(&table, "probe:cache");
	c->pending = c->warns = 1;
	CHECK(!conditions_hold(&table));
	c->pending = 0; /* it failed, and does without */
	CHECK(conditions_hold(&table) && conditions_warned(&table));
	condition_turn(c, 1, "answered");
	CHECK(conditions_hold(&table) && !conditions_warned(&table));
}

static void a_value_that_stays_is_news(void)
{
	conditions_init(&table);
	CHECK(!condition_turn(named("boot_done"), 0, "not yet"));
	CHECK(condition_turn(named("boot_done"), 1, "done"));
	CHECK(!condition_turn(named("boot_done"), 1, "done, as we said"));
	CHECK(!strcmp(named("boot_done")->reason, "done, as we said"));
}

static void an_unmet_condition_is_not_told(void)
{
	char text[600];

	conditions_init(&table);
	named("vm_alive")->gates = named("agent_up")->gates = 1;
	named("ssh_banner")->gates = 1;
	condition_turn(named("vm_alive"), 1, "it runs");
	condition_because(named("agent_up"), "the guest has not said hello");
	for (int i = 0; i < 3; i++) {
		condition_attempt(named("ssh_banner"));
		condition_missed(named("ssh_banner"), i == 2 ? "closed" : "refused");
	}
	conditions_unmet(&table, text, sizeof(text));
	CHECK(!strcmp(text, "agent_up does not hold: the guest has not said hello; "
			    "ssh_banner does not hold (3 attempts, the last: closed)"));
	/* An attempt that nobody answers has no error to show. */
	named("agent_up")->gates = 0;
	condition_turn(named("ssh_banner"), 1, "greeted");
	condition_turn(named("ssh_banner"), 0, "lost");
	condition_attempt(named("ssh_banner"));
	conditions_unmet(&table, text, sizeof(text));
	CHECK(!strcmp(text, "ssh_banner does not hold: lost (1 attempt, no answer so far)"));
	conditions_unmet(&table, text, 12);
	CHECK(!strcmp(text, "ssh_banner "));
}

static void a_table_is_not_the_same_when_read_again(void)
{
	struct conditions out;
	json_t *list, *values;

	conditions_init(&table);
	conditions_add(&table, "probe:web")->gates = 1;
	condition_attempt(named("probe:web"));
	condition_missed(named("probe:web"), "closed");
	condition_turn(named("agent_up"), 1, "it answered");
	list = conditions_list(&table);
	values = conditions_values(&table);
	conditions_read(&out, values, list);
	CHECK(out.count == table.count &&
	      memcmp(out.list, table.list, table.count * sizeof(*out.list)) == 0);
	/* The values are enough to know them. */
	conditions_read(&out, values, NULL);
	CHECK(out.count == table.count && out.list[AGENT_UP].value && !out.list[VM_ALIVE].value);
	json_decref(values);
	json_decref(list);
}

/* state.json may be an older one's, or anybody's. */
static void a_strange_list_does_harm(void)
{
	static const char *const lists[] = {
		"null",
		"[]",
		"{}",
		"[1,null,\"x\"]",
		"[{\"name\":7}]",
		"[{\"name\":\"vm_alive\",\"value\":\"yes\",\"since\":5,\"attempts\":-1}]",
		"[{\"name\":\"a-name-that-is-longer-than-any-name-of-a-condition-can-be\"}]",
	};
	json_t *many = json_array();

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		json_t *j = json_loads(lists[i], JSON_DECODE_ANY, NULL);

		conditions_read(&table, j, j);
		CHECK(table.count >= CONDITIONS_FIXED && !table.list[VM_ALIVE].value);
		json_decref(j);
	}
	for (int i = 0; i < 100; i++) {
		char name[24];

		snprintf(name, sizeof(name), "probe:%d", i);
		json_array_append_new(many, json_pack("{s:s}", "name", name));
	}
	conditions_read(&table, NULL, many);
	CHECK(table.count == CONDITIONS_MAX);
	json_decref(many);
}

int main(void)
{
	TEST(something_that_gates_and_does_not_hold_is_ready);
	TEST(what_is_waited_for_is_not_waited_for);
	TEST(a_value_that_stays_is_news);
	TEST(an_unmet_condition_is_not_told);
	TEST(a_table_is_not_the_same_when_read_again);
	TEST(a_strange_list_does_harm);
	return check_done();
}
