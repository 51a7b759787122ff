/*
 * known - one VM as it is now: its folder, and what is true of it.
 */
#include "host/known.h"

#include "host/mend.h"
#include "host/orphan.h"

int known_find(struct known *k, const char *name, struct err *e)
{
	int rc = home_open(&k->home, 0, e);

	if (rc == 0)
		rc = store_find(&k->ref, &k->home, name, e);
	if (rc == 0)
		rc = mend_read(&k->state, &k->ref, e);
	return rc < 0 ? rc : orphan_care(&k->ref, &k->state, e);
}

void known_close(struct known *k)
{
	store_close(&k->ref);
	home_close(&k->home);
}
