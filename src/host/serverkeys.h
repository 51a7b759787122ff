/*
 * serverkeys - the SSH host keys of servers that no agent of ours speaks for, learnt from themselves.
 */
#ifndef HOST_SERVERKEYS_H
#define HOST_SERVERKEYS_H

#include "host/pins.h"
#include "ssh/scan.h"

/* Runs scans, of which `where` is set, at once, until all have their verdict. 0; or negative with *e
 * filled: a signal came first, and e->exit says which. */
int serverkeys_ask(struct scan *scans, unsigned count, unsigned timeout_ms, struct err *e);

/* What to say of a scan that learnt nothing. Returns e->code. */
int serverkeys_failure(const struct scan *s, const char *name, struct err *e);

/* Those that the server has proved to have. */
void serverkeys_proved(struct hostkeys *keys, const struct scan *s);

#endif
