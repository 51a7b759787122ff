/*
 * syscon - the system console: process 1's stdin, stdout and stderr, and what it says there.
 */
#include "guest/syscon.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "proto/ready.h"

void syscon_occupy_fds(void)
{
	int fd;

	do
		fd = open("/", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		fd_close(&fd);
}

int syscon_open(struct err *e)
{
	struct stat st;
	int fd;

	if (fstat(STDERR_FILENO, &st) == 0 && !S_ISDIR(st.st_mode))
		return 0; /* not what syscon_occupy_fds() put there */
	fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open /dev/console");
	for (int std = 0; std <= STDERR_FILENO; std++)
		dup2(fd, std);
	fd_close(&fd);
	return 0;
}

void syscon_say(const char *fmt, ...)
{
	char line[STAGE_DETAIL_MAX + 64] = "vmtool: ";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + 8, sizeof(line) - 9, fmt, ap);
	va_end(ap);
	strcat(line, "\n");
	(void)fd_write_all(STDERR_FILENO, line, strlen(line));
}
