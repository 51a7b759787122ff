/*
 * table - rows for people: columns as wide as their widest text, two blanks between them.
 *
 * Nothing is ever cut: a pipe gets the same.
 */
#ifndef HOST_TABLE_H
#define HOST_TABLE_H

#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS = 16 };

struct table {
	unsigned columns;
	size_t cells, room;
	char **cell; /* owned, row by row */
	int failed;  /* out of memory: said by table_print() */
};

#define TABLE_NONE ((struct table){ 0 })

/* The next cell of the row at hand. */
void table_add(struct table *t, const char *text);

/* 0 or -ENOMEM. Numbers stand on the right: a bit for each column, the first one's the lowest. */
int table_print(const struct table *t, unsigned right, FILE *out);

void table_free(struct table *t);

#endif
