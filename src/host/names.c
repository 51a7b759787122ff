/*
 * names - the VMs a word is about, in the order in which they were typed, each of them once.
 */
#include "host/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/state.h"

static int add(struct names *n, const char name[VM_NAME_ROOM], struct err *e)
{
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
	memcpy(n->name[n->count++], name, VM_NAME_ROOM);
	return 0;
}

int names_add(struct names *n, const struct home *h, const char *typed, struct err *e)
{
	char name[VM_NAME_ROOM];
	int rc = store_name(name, h, typed, e);

	return rc < 0 ? rc : add(n, name, e);
}

/* One that cannot be read may live. */
static int lives(const struct home *h, const char *name)
{
	struct err ignored = ERR_NONE;
	struct vmref v = VMREF_NONE;
	struct state s;
	int rc = store_find(&v, h, name, &ignored), does;

	does = rc == 0 && (state_read(&s, &v, &ignored) < 0 ? store_is_locked(&v)
							     : state_is_live(s.state));
	store_close(&v);
	return does;
}

int names_add_all(struct names *n, const struct home *h, int living, struct err *e)
{
	char(*all)[VM_NAME_ROOM];
	int count = store_names(h, &all, e), rc = count < 0 ? count : 0;

	for (int i = 0; i < count && rc == 0; i++)
		if (!living || lives(h, all[i]))
			rc = add(n, all[i], e);
	free(all);
	return rc;
}

void names_free(struct names *n)
{
	free(n->name);
	*n = NAMES_NONE;
}
