/*
 * bootid - which boot of this machine it is, as its kernel counts them.
 */
#ifndef GUEST_BOOTID_H
#define GUEST_BOOTID_H

#include "proto/ready.h"

/* A UUID as text; "" where there is no /proc. */
void boot_id_of_kernel(char out[BOOT_ID_LEN + 1]);

#endif
