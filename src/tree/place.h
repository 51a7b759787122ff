/*
 * place - where the root of a copy goes: cp's table.
 */
#ifndef TREE_PLACE_H
#define TREE_PLACE_H

#include "base/err.h"
#include "proto/copy.h"

struct place {
	int dir;		      /* owned by the caller: the folder it goes into */
	char name[COPY_NAME_MAX + 1]; /* in that folder; "." when the folder itself is meant */
	int is_inside;		      /* that folder is dst; else dst's own */
};

/*
 * dst as a person typed it, flags COPY_INTO or 0, what comes as its ROOT said:
 *
 *	what comes       dst is a folder   dst is a file    dst is not there
 *	file             dst/name          it is replaced   it is made; with a slash at its end: no
 *	folder           dst/name          no               it is made, as the folder
 *	folder/.         dst itself        no               it is made, as the folder
 *	with COPY_INTO   as above          no               no
 *
 * What is neither file nor folder is never replaced or written to. 0 or negative with *e filled.
 */
int place_find(struct place *p, const char *dst, unsigned flags, const struct copy_root *root,
	       int is_folder, struct err *e);

#endif
