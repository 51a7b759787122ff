/* events.jsonl: whatever stands in it, every way of showing it comes to an end, and stays inside. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/waterfall.h"

static void check_bars(const struct waterfall *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (w->bar[i].begin_ms < 0 || w->bar[i].begin_ms > w->bar[i].end_ms ||
		    w->bar[i].end_ms > w->end_ms)
			abort();
}

static void check_drawing(const struct waterfall *w)
{
	static const struct paper papers[] = { { 0, 0, 0 }, { 80, 1, 1 }, { 40, 0, 0 } };
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	json_t *j = waterfall_json(w);

	for (size_t i = 0; i < 3; i++)
		waterfall_print(w, &papers[i], f);
	rewind(f);
	waterfall_svg(w, f);
	fclose(f);
	/* A control character would be no XML. */
	for (size_t i = 0; text[i]; i++)
		if ((unsigned char)text[i] < ' ' && text[i] != '\n' && text[i] != '\033')
			abort();
	if (!j)
		abort();
	json_decref(j);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct waterfall w;
	const uint8_t *end = data + size;

	waterfall_init(&w);
	while (data < end) {
		const uint8_t *nl = memchr(data, '\n', (size_t)(end - data));
		size_t len = (size_t)((nl ? nl : end) - data);

		waterfall_take(&w, (const char *)data, len);
		data += len + 1;
	}
	waterfall_settle(&w);
	check_bars(&w);
	check_drawing(&w);
	return 0;
}
