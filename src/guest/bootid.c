/*
 * bootid - which boot of this machine it is.
 */
#include "guest/bootid.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

enum { CMDLINE_ROOM = 4096 }; /* no kernel keeps more */

void boot_id_of_kernel(char out[BOOT_ID_LEN + 1])
{
	char text[64] = "";

	if (fd_slurp(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text)) < 0)
		text[0] = '\0';
	snprintf(out, BOOT_ID_LEN + 1, "%.*s", BOOT_ID_LEN, text);
}

void boot_id_of_host(char out[BOOT_ID_LEN + 1], const char *cmdline)
{
	size_t len = strlen(BOOT_ID_WORD);

	for (const char *at = cmdline; *at; at += strspn(at, " \n")) {
		size_t n = strcspn(at, " \n");

		if (n == len + BOOT_ID_LEN && !strncmp(at, BOOT_ID_WORD, len))
			snprintf(out, BOOT_ID_LEN + 1, "%.*s", BOOT_ID_LEN, at + len);
		at += n;
	}
}

void boot_id_of_machine(char out[BOOT_ID_LEN + 1])
{
	char cmdline[CMDLINE_ROOM];

	boot_id_of_kernel(out);
	if (fd_slurp(AT_FDCWD, "/proc/cmdline", cmdline, sizeof(cmdline)) > 0)
		boot_id_of_host(out, cmdline);
}
