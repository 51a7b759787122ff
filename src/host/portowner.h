/*
 * portowner - who on this host has the port that somebody else wants.
 */
#ifndef HOST_PORTOWNER_H
#define HOST_PORTOWNER_H

#include "host/home.h"
#include "host/hostaddr.h"

enum { PORTOWNER_TEXT = 128 };

/* "VM web", "nginx (pid 812)", "a process of user 33"; or "" when nobody is to be found. NULL for
 * home: no VM is looked for. Returns out. */
char *portowner_find(char out[PORTOWNER_TEXT], const struct hostaddr *a, int is_udp,
		     const struct home *home);

#endif
