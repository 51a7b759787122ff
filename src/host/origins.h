/*
 * origins - the values that count for a VM, and where each was said.
 */
#ifndef HOST_ORIGINS_H
#define HOST_ORIGINS_H

#include "host/config.h"

/* As an INI file, the origin behind each value as a comment. */
void origins_print(const struct config *c);

/* As one JSON array. */
void origins_print_json(const struct config *c);

#endif
