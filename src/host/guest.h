/*
 * guest - what a guest is to become, from a person's words to a struct guest_desc.
 *
 * Each adds one value, checked here so that nothing malformed is booted. `what` names it in the
 * sentence: "--net", or "net" with file and line in front. 0, or wrong usage with *e filled.
 */
#ifndef HOST_GUEST_H
#define HOST_GUEST_H

#include "base/err.h"
#include "host/strings.h"
#include "proto/desc.h"

struct guest {
	struct guest_desc desc; /* its strings lie in the bag */
	int ssh_own_keys; /* its SSH server shows keys of its own */
	struct strings bag;
};

void guest_init(struct guest *g);

typedef int guest_setter(struct guest *g, const char *what, const char *text, struct err *e);

guest_setter guest_hostname; /* web.example.org */
guest_setter guest_sysctl;   /* NAME=VALUE */
guest_setter guest_net;	     /* NAME|mac=MAC [dhcp] [address=ADDR/BITS]... [gateway=ADDR]... */
guest_setter guest_dns;	     /* ADDR */
guest_setter guest_search;   /* DOMAIN */
guest_setter guest_root;     /* SOURCE [TYPE [OPTIONS]] */
guest_setter guest_overlay;  /* tmpfs [SIZE], or DEVICE [TYPE] */
guest_setter guest_mount;    /* SOURCE TARGET TYPE [OPTIONS]; a blank in one of them is \040 */
guest_setter guest_ssh_user;	 /* NAME */
guest_setter guest_ssh_host_key; /* vm, guest */
guest_setter guest_init_arg; /* the image's own init, then each of its arguments */
guest_setter guest_arg;	     /* the main process, then each of its arguments */
guest_setter guest_env;	     /* KEY=VALUE */
guest_setter guest_cwd;
guest_setter guest_user; /* NAME or UID[:GID] */

/* One thing said of the service of this name, which need not exist yet: "exec", "shell", "restart" or "user". */
int guest_service(struct guest *g, const char *name, const char *key, const char *text,
		  struct err *e);

/* What the values say of each other. 0, or wrong usage with *e filled. */
int guest_check(const struct guest *g, struct err *e);

#endif
