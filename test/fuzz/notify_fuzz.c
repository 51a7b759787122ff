/* A message of a guest's systemd, or of whoever pretends to be it. */
#include <stdlib.h>
#include <string.h>

#include "host/notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	if (strlen(text) >= NOTIFY_TEXT_MAX)
		abort();
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notify_words w;

	notify_parse(&w, data, size);
	check_text(w.unit);
	check_text(w.status);
	/* It is only said by a line of its own. */
	if (w.is_ready && !memmem(data, size, "READY=1", 7))
		abort();
	return 0;
}
