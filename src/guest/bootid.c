/*
 * bootid - which boot of this machine it is, as its kernel counts them.
 */
#include "guest/bootid.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"

void boot_id_of_kernel(char out[BOOT_ID_LEN + 1])
{
	char text[64] = "";

	if (fd_slurp(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text)) < 0)
		text[0] = '\0';
	snprintf(out, BOOT_ID_LEN + 1, "%.*s", BOOT_ID_LEN, text);
}
