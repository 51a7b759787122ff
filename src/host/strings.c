/*
 * strings - a bag of strings that live as long as it does, in memory of fixed size.
 */
#include "host/strings.h"

#include <string.h>

const char *strings_keep(struct strings *s, const char *text, size_t len)
{
	char *out = s->mem + s->used;

	if (len >= sizeof(s->mem) - s->used)
		return NULL;
	memcpy(out, text, len);
	out[len] = '\0';
	s->used += len + 1;
	return out;
}
