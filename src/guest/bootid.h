/*
 * bootid - which boot of this machine it is.
 */
#ifndef GUEST_BOOTID_H
#define GUEST_BOOTID_H

#include "proto/ready.h"

/* As its kernel counts them: a UUID as text; "" where there is no /proc. */
void boot_id_of_kernel(char out[BOOT_ID_LEN + 1]);

/* As its host does, where that says it on this command line; else out stays what it is. */
void boot_id_of_host(char out[BOOT_ID_LEN + 1], const char *cmdline);

/* The host's, where it gave one, or the kernel's. */
void boot_id_of_machine(char out[BOOT_ID_LEN + 1]);

#endif
