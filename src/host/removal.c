/*
 * removal - a VM goes, with what is kept of it outside of its folder.
 */
#include "host/removal.h"

#include "host/vmpins.h"

int removal_of(struct vmref *v, struct err *e)
{
	struct err pinned = ERR_NONE;
	int rc;

	vmpins_drop(v, &pinned);
	rc = store_remove(v, e);
	if (rc == 0 && pinned.code < 0) {
		*e = pinned;
		rc = pinned.code;
	}
	return rc;
}
