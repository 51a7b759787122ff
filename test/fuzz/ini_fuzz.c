/* A vm.ini or a template: whatever is in it, the table answers, and what is quoted comes back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "host/inifile.h"
#include "host/keys.h"
#include "host/quote.h"

struct reader {
	struct ini_taker taker;
	int section;
	unsigned line;
};

static int take_section(struct ini_taker *t, const char *section, struct err *e)
{
	struct reader *r = CONTAINER(t, struct reader, taker);
	const char *name;

	r->section = section_find(section, &name, e);
	if (r->section >= 0 && !config_sections[r->section].names != !name)
		abort();
	return MIN(r->section, 0);
}

static int take_line(struct ini_taker *t, const char *word, char *value, unsigned line,
		     struct err *e)
{
	struct reader *r = CONTAINER(t, struct reader, taker);
	char again[4 * INI_VALUE_MAX + 3];
	int key = key_find((enum config_section)r->section, word, e);

	if (line <= r->line)
		abort(); /* each has a line of its own */
	r->line = line;
	if (key < 0 || quote_take(value) < 0)
		return -1;
	if (quote_put(again, sizeof(again), value) < 0 || quote_take(again) < 0 ||
	    strcmp(again, value) != 0)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = { { take_section, take_line }, SECTION_TOP, 0 };
	struct err e = ERR_NONE;
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (ini_read(&r.taker, "vm.ini", text, &e) < 0 && !e.text[0])
		abort(); /* no sentence */
	free(text);
	return 0;
}
