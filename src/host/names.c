/*
 * names - the VMs a word is about, in the order in which they were typed, each of them once.
 */
#include "host/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int names_add(struct names *n, const struct home *h, const char *typed, struct err *e)
{
	char name[VM_NAME_ROOM];
	int rc = store_name(name, h, typed, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->name[i], name) == 0)
			return 0;
	if (n->count == n->room) {
		size_t room = n->room ? 2 * n->room : 16;
		void *more = realloc(n->name, room * sizeof(*n->name));

		if (!more)
			return err_set(e, -ENOMEM, "out of memory");
		n->name = more;
		n->room = room;
	}
	memcpy(n->name[n->count++], name, sizeof(name));
	return 0;
}

void names_free(struct names *n)
{
	free(n->name);
	*n = NAMES_NONE;
}
