/*
 * table - rows for people: columns as wide as their widest text, two blanks between them.
 */
#include "host/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

void table_add(struct table *t, const char *text)
{
	if (t->cells == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		void *more = realloc(t->cell, room * sizeof(*t->cell));

		if (!more) {
			t->failed = 1;
			return;
		}
		t->cell = more;
		t->room = room;
	}
	t->cell[t->cells] = strdup(text);
	if (!t->cell[t->cells])
		t->failed = 1;
	else
		t->cells++;
}

int table_print(const struct table *t, unsigned right, FILE *out)
{
	int width[TABLE_COLUMNS] = { 0 };

	if (t->failed)
		return -ENOMEM;
	for (size_t i = 0; i < t->cells; i++)
		width[i % t->columns] = MAX(width[i % t->columns],
					    (int)strnlen(t->cell[i], 1u << 16));
	for (size_t i = 0; i < t->cells; i++) {
		unsigned column = (unsigned)(i % t->columns);

		if (right >> column & 1)
			fprintf(out, "%*s", width[column], t->cell[i]);
		else if (column + 1 == t->columns)
			fputs(t->cell[i], out);
		else
			fprintf(out, "%-*s", width[column], t->cell[i]);
		fputs(column + 1 == t->columns ? "\n" : "  ", out);
	}
	return 0;
}

void table_free(struct table *t)
{
	while (t->cells > 0)
		free(t->cell[--t->cells]);
	free(t->cell);
	*t = TABLE_NONE;
}
