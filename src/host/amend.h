/*
 * amend - one value more or one less in a VM's vm.ini; the rest stays as a person wrote it.
 *
 * Only for whoever owns the VM: the file is read, and then replaced as a whole.
 */
#ifndef HOST_AMEND_H
#define HOST_AMEND_H

#include "host/keys.h"
#include "host/store.h"

/* Of a key that may be given again. 1; 0: the value is there already; or negative with *e filled, the
 * file being as it was. */
int amend_add(const struct vmref *v, enum config_key key, const char *value, struct err *e);

/* The line whose value is meant goes. 1; 0: none is, in vm.ini itself or what it includes; or negative
 * with *e filled: what is included stands in a file that may be others' as well. */
int amend_remove(const struct vmref *v, enum config_key key,
		 int (*is_meant)(const char *value, const void *arg), const void *arg,
		 struct err *e);

#endif
