/*
 * chance - names nobody thought of: a boot id, a VM's name.
 */
#ifndef HOST_CHANCE_H
#define HOST_CHANCE_H

#include "base/err.h"
#include "host/store.h"
#include "proto/ready.h"

/* A random UUID (RFC 4122, version 4). 0 or negative with *e filled. */
int chance_boot_id(char out[BOOT_ID_LEN + 1], struct err *e);

/* Two words, such as "quiet-otter". 0 or negative with *e filled. */
int chance_name(char out[VM_NAME_ROOM], struct err *e);

#endif
