/*
 * privatekey - a key pair as OpenSSH keeps it: "openssh-key-v1", ecdsa-sha2-nistp256, no passphrase.
 *
 * That one type is what BearSSL signs with and every OpenSSH since 5.7 reads. The text is ours, but
 * from a file that may have been cut or edited.
 */
#ifndef SSH_PRIVATEKEY_H
#define SSH_PRIVATEKEY_H

#include "ssh/hostkey.h"

enum { PRIVATEKEY_ROOM = 1024 }; /* of the text, NUL included */

/* A new one, NUL-terminated. 0 or a negative errno. */
int privatekey_make(char out[PRIVATEKEY_ROOM]);

/* Its public half. 0; or -EPROTO: cut, damaged, or none of ours. */
int privatekey_public(struct hostkey *k, const char *text, size_t len);

#endif
