/*
 * livevm - which VM that is up has a thing that one may have at a time, when nothing else says whose it is.
 */
#include "host/livevm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/state.h"
#include "host/store.h"

static int is_it(const struct vmref *v, int (*has)(const struct config *c, const void *what),
		 const void *what)
{
	struct err ignored = ERR_NONE;
	struct config c;
	struct state s;

	return state_read(&s, v, &ignored) == 0 && state_is_live(s.state) &&
	       config_load(&c, v, NULL, &ignored) == 0 && has(&c, what);
}

int livevm_with(const struct home *h, const char *self,
		int (*has)(const struct config *c, const void *what), const void *what,
		char name[VM_NAME_ROOM])
{
	struct err ignored = ERR_NONE;
	char(*names)[VM_NAME_ROOM] = NULL;
	int count = store_names(h, &names, &ignored), found = 0;

	for (int i = 0; i < count && !found; i++) {
		struct vmref v = VMREF_NONE;

		if (self && !strcmp(self, names[i]))
			continue;
		found = store_find(&v, h, names[i], &ignored) == 0 && is_it(&v, has, what);
		if (found)
			snprintf(name, VM_NAME_ROOM, "%s", names[i]);
		store_close(&v);
	}
	free(names);
	return found;
}
