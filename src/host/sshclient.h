/*
 * sshclient - how OpenSSH's client reaches the guests of ours, as options of ssh_config(5).
 *
 * Through ssh-proxy, with no network; and with the keys that the guest itself handed over a moment
 * before (host/guestkeys), so every connection is checked, also the first, and also that to a VM
 * which was made anew under an old name.
 */
#ifndef HOST_SSHCLIENT_H
#define HOST_SSHCLIENT_H

#include "base/err.h"

enum { SSHCLIENT_OPTIONS = 10, SSHCLIENT_ROOM = 9000 };

struct sshclient {
	unsigned count;
	char *option[SSHCLIENT_OPTIONS]; /* "Key value"; owned */
};

/* tell: where it is to be written when a server shows another key than it should; or NULL. 0 or
 * negative with *e filled. */
int sshclient_init(struct sshclient *c, const char *tell, struct err *e);

/* And the private key to log in with, and no other. */
int sshclient_identify(struct sshclient *c, const char *path, struct err *e);
void sshclient_close(struct sshclient *c);

#endif
