/*
 * fsentry - a file of a guest's as people and scripts are shown it.
 *
 * A name is bytes, and JSON is Unicode: what is not UTF-8 is null there, and its bytes are in the key
 * beside it, as base64. Every key is always there.
 */
#ifndef HOST_FSENTRY_H
#define HOST_FSENTRY_H

#include <jansson.h>

#include "proto/fs.h"

/* path: all of it. The caller's. */
json_t *fsentry_json(const char *path, const struct fs_entry *n);

/* "drwxr-xr-x" */
enum { FSENTRY_MODE_ROOM = 11 };
char *fsentry_mode(char out[FSENTRY_MODE_ROOM], uint32_t mode);

/* A line as of `ls -l`, up to the name. */
void fsentry_print_long(const struct fs_entry *n);

/* Several lines, a fact each. */
void fsentry_print_facts(const char *path, const struct fs_entry *n);

/* A name or path and `end`: escaped when `for_eyes`; else its bytes. */
void fsentry_print_name(const char *name, int for_eyes, char end);

#endif
