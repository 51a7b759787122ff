/*
 * report - what went wrong with single files, a line each; the rest is copied all the same.
 */
#ifndef TREE_REPORT_H
#define TREE_REPORT_H

struct report {
	void (*line)(struct report *r, const char *text);
	unsigned long count;
};

/* A line that came from elsewhere. */
void report_line(struct report *r, const char *text);

/* "path: why", the end of a long path being kept. */
void report_problem(struct report *r, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A system call said no, now: takes errno. */
void report_sys(struct report *r, const char *path, const char *what);

#endif
