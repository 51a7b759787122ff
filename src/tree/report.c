/*
 * report - what went wrong with single files, a line each; the rest is copied all the same.
 */
#include "tree/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_ROOM = 4096, WHY_ROOM = 400, PATH_SHOWN = LINE_ROOM - WHY_ROOM - 8 };

void report_line(struct report *r, const char *text)
{
	r->count++;
	r->line(r, text);
}

void report_problem(struct report *r, const char *path, const char *fmt, ...)
{
	char line[LINE_ROOM], why[WHY_ROOM];
	size_t len = strlen(path), cut = len > PATH_SHOWN ? len - PATH_SHOWN : 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "%s%s: %s", cut ? "..." : "", path + cut, why);
	report_line(r, line);
}

void report_sys(struct report *r, const char *path, const char *what)
{
	report_problem(r, path, "%s%s%s", what, what[0] ? ": " : "", strerror(errno));
}
