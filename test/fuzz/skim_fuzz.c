/* A state.json, as a crash may have left it: what skim finds in it must be what the JSON reader finds. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "host/skim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_plain(const json_t *v)
{
	return !json_is_object(v) && !json_is_array(v);
}

/* The value of one key, both ways. */
static void compare(const struct skim *s, const json_t *v)
{
	if (!s->at != !v)
		abort();
	if (v && json_is_string(v) &&
	    (json_string_length(v) != s->len || memcmp(json_string_value(v), s->at, s->len) != 0))
		abort();
	if (v && json_is_integer(v) && strtoll(s->at, NULL, 10) != json_integer_value(v))
		abort();
	if (v && json_is_true(v) != (s->len == 4 && memcmp(s->at, "true", 4) == 0) && !json_is_string(v))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct skim v[] = { { .key = "state" }, { .key = "ready" }, { .key = "cpus" } };
	char *text = calloc(1, size + 1); /* a number at its very end needs something to end it */
	int rc, all_plain = 1;
	json_t *j;

	memcpy(text, data, size);
	rc = skim(text, size, v, COUNT(v));
	for (size_t i = 0; i < COUNT(v); i++)
		if (v[i].at && (v[i].at < text || v[i].at + v[i].len > text + size))
			abort();
	j = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	/* An escaped key is another's text, and an escaped value is refused: we write neither there. */
	if (json_is_object(j) && !memchr(text, '\\', size)) {
		for (size_t i = 0; i < COUNT(v); i++)
			all_plain &= !json_object_get(j, v[i].key) || is_plain(json_object_get(j, v[i].key));
		if ((rc == 0) != all_plain)
			abort();
		for (size_t i = 0; i < COUNT(v) && rc == 0; i++)
			compare(&v[i], json_object_get(j, v[i].key));
	}
	json_decref(j);
	free(text);
	return 0;
}
