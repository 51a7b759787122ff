/*
 * scratchjson - JSON that is read, copied from, and thrown away, as a file of a VM's is.
 *
 * It lies in one block that is used again each time: with a thousand VMs to look at, a tree in pieces
 * of the heap costs more than reading the files. One at a time; not for what is kept or changed.
 */
#ifndef HOST_SCRATCHJSON_H
#define HOST_SCRATCHJSON_H

#include <jansson.h>
#include <stddef.h>

/* NULL: it is no JSON object or array. To be given back, NULL as well, before the next is parsed. */
json_t *scratchjson_parse(const char *text, size_t len);
void scratchjson_drop(json_t *j);

#endif
