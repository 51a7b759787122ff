/*
 * column - help for people: a name, and behind it a text in a column of its own.
 */
#include "base/column.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 79 };

void column_print(unsigned column, const char *left, const char *text)
{
	size_t at = column;

	if (strlen(left) >= column)
		printf("%s\n%*s", left, (int)column, "");
	else
		printf("%-*s", (int)column, left);
	while (*text) {
		size_t len = strcspn(text, " ");

		if (at > column && at + 1 + len > WIDTH) {
			printf("\n%*s", (int)column, "");
			at = column;
		}
		at += (size_t)printf("%s%.*s", at > column ? " " : "", (int)len, text);
		text += len + strspn(text + len, " ");
	}
	putchar('\n');
}
