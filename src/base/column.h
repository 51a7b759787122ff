/*
 * column - help for people: a name, and behind it a text in a column of its own.
 */
#ifndef BASE_COLUMN_H
#define BASE_COLUMN_H

/* A row on stdout: left, and text from that column on, wrapped between words so that it fits a terminal of 80. A
 * left that is too long has a line of its own. */
void column_print(unsigned column, const char *left, const char *text);

#endif
