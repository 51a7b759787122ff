/*
 * What a console says of the cause: excerpts as kernels and inits write them, and what is to be
 * recognised. Those marked "lab" are from boots of this project's guest kernel.
 */
#include "host/diagnosis.h"

#include <stdlib.h>

#include "base/util.h"
#include "check.h"

static const struct patient with_disk = { .has_disks = 1, .ran = 1 };
static const struct patient bare = { .ran = 1 };

static const struct {
	const char *why, *console;
	const struct patient *patient;
	const char *id;
	const char *line; /* a piece of the one that is kept */
} cases[] = {
#include "diagnosis_cases.h"
};

static void a_known_cause_is_not_recognised(void)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct diagnosis d;

		diagnose(&d, cases[i].patient, cases[i].console, strlen(cases[i].console));
		if (strcmp(d.id, cases[i].id) != 0 || !strstr(d.line, cases[i].line))
			printf("# %s: got %s: %s\n", cases[i].why, d.id, d.line);
		CHECK(!strcmp(d.id, cases[i].id) && strstr(d.line, cases[i].line));
		CHECK(!d.id[0] || symptom_find(d.id));
	}
}

/* The cause, not what it led to; wherever in the log it stands. */
static void a_later_line_hides_the_cause(void)
{
	static const char text[] = "[    1.0] Initramfs unpacking failed: write error\n"
				   "[    1.1] Kernel panic - not syncing: No working init found.\n"
				   "[    1.2] ---[ end Kernel panic - not syncing ]---\n";
	struct diagnosis d;

	diagnose(&d, &bare, text, sizeof(text) - 1);
	CHECK(!strcmp(d.id, "initrd_too_big"));
	CHECK(!strcmp(d.line, "Initramfs unpacking failed: write error"));
}

static void a_hostile_console_reaches_the_terminal(void)
{
	static const char text[] = "\x1b]0;pwned\x07Kernel panic - not syncing: \x1b[2J\xff\xc2\x9b"
				   "31m <script>\r\r\n";
	struct diagnosis d;

	diagnose(&d, &bare, text, sizeof(text) - 1);
	CHECK(!strcmp(d.id, "panic"));
	for (const char *c = d.line; *c; c++)
		CHECK((unsigned char)*c >= ' ' && (unsigned char)*c < 0x7f);
}

static void a_line_without_an_end_is_too_long(void)
{
	enum { LONG = 1 << 20 };
	char *text = malloc(LONG);
	struct diagnosis d;

	memset(text, 'x', LONG);
	memcpy(text + LONG - 26, "Kernel panic - not syncing", 26);
	diagnose(&d, &bare, text, LONG);
	CHECK(!strcmp(d.id, "panic") && strlen(d.line) == sizeof(d.line) - 1);
	memset(text, '\0', LONG);
	diagnose(&d, &bare, text, LONG);
	CHECK(!d.id[0]);
	/* Cut in the middle of the words. */
	diagnose(&d, &bare, "Kernel panic - not sync", 23);
	CHECK(!d.id[0]);
	free(text);
}

static void silence_is_taken_for_health(void)
{
	static const struct patient waited = { .ran = 1, .timed_out = 1 };
	static const struct patient never = { .timed_out = 1 };
	struct diagnosis d;

	diagnose(&d, &waited, "", 0);
	CHECK(!strcmp(d.id, "silent") && symptom_find(d.id));
	diagnose(&d, &never, "", 0);
	CHECK(!d.id[0]);
	diagnose(&d, &bare, "", 0);
	CHECK(!d.id[0]);
	diagnose(&d, &waited, "hello\n", 6);
	CHECK(!d.id[0]);
}

static void what_is_kept_comes_back_as_another(void)
{
	struct diagnosis d = { "no_init", "a \"line\"" }, back;
	json_t *j = diagnosis_json(&d);

	diagnosis_take(&back, j);
	CHECK(!strcmp(back.id, d.id) && !strcmp(back.line, d.line));
	json_decref(j);
	diagnosis_take(&back, NULL);
	CHECK(!back.id[0] && !back.line[0] && !symptom_find(back.id));
}

int main(void)
{
	TEST(a_known_cause_is_not_recognised);
	TEST(a_later_line_hides_the_cause);
	TEST(a_hostile_console_reaches_the_terminal);
	TEST(a_line_without_an_end_is_too_long);
	TEST(silence_is_taken_for_health);
	TEST(what_is_kept_comes_back_as_another);
	return check_done();
}
