/*
 * log - a sentence and then facts, one line each.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/util.h"

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static struct {
	int fd;
	const char *role;
	enum log_level level;
	int64_t start_ms;
} sink = { 2, "vmtool", LOG_WARN, 0 };

void log_open(int fd, const char *role, enum log_level level)
{
	const char *asked = getenv("VMTOOL_LOG");

	sink.fd = fd;
	sink.role = role;
	sink.level = level;
	sink.start_ms = clock_ms();
	for (unsigned i = 0; asked && i < COUNT(level_names); i++)
		if (!strcmp(asked, level_names[i]))
			sink.level = (enum log_level)i;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	char line[1024];
	size_t used;
	va_list ap;

	if (level > sink.level)
		return;
	used = (size_t)snprintf(line, sizeof(line),
				"%8lld %s %s: ", (long long)(clock_ms() - sink.start_ms), sink.role,
				level_names[level]);
	va_start(ap, fmt);
	vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);
	va_end(ap);
	used = strlen(line);
	line[used++] = '\n';
	/* One write, so that lines of several processes do not mix. */
	(void)fd_write_all(sink.fd, line, used);
}
