/*
 * heard - what was logged, for tests that provoke it: kept and asked for instead of shown.
 */
#ifndef HEARD_H
#define HEARD_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

static int heard_fd = -1;

/* From now on; also in processes forked from here. */
static inline void heard_begin(void)
{
	heard_fd = memfd_create("heard", MFD_CLOEXEC);
	log_open(heard_fd, "test", LOG_WARN);
}

/* Nonzero when a line of the log has this text in it; what was heard until now is forgotten. */
static inline int heard(const char *text)
{
	static char said[65536];
	ssize_t n = pread(heard_fd, said, sizeof(said) - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	if (ftruncate(heard_fd, 0) < 0 || lseek(heard_fd, 0, SEEK_SET) < 0)
		return 0;
	return strstr(said, text) != NULL;
}

#endif
