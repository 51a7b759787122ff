/*
 * vmkeys - the SSH keys that were made for one VM: with which we log in, and which its server shows.
 *
 * They lie in its folder, `client_key` and `host_key`, as OpenSSH writes them; they stay over starts
 * and go with the VM.
 */
#ifndef HOST_VMKEYS_H
#define HOST_VMKEYS_H

#include "host/config.h"
#include "ssh/hostkey.h"

/* At a start: makes those that the guest is to have and are not there yet, and puts them into its
 * description. 0 or negative with *e filled. */
int vmkeys_give(struct guest *g, const struct vmref *v, struct err *e);

/* What a client should know of a VM. */
struct vmkeys {
	char user[64];		    /* who lets the client key in; "": there is none */
	char client_path[PATH_ROOM];
	int has_host;		    /* its server shows this key, and no other */
	struct hostkey host;
	char host_path[PATH_ROOM];
};

/* Of a VM by its name. One that does not exist, or has never been started so, has none. 0 or
 * negative with *e filled. */
int vmkeys_find(struct vmkeys *k, const struct home *h, const char *name, struct err *e);

#endif
