/*
 * hostkey - a public key as SSH writes it: a blob whose first string is its type, or a line of
 * type, base64 and comment.
 *
 * The bytes are a server's, a guest's, or of a file somebody may have cut.
 */
#ifndef SSH_HOSTKEY_H
#define SSH_HOSTKEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	HOSTKEY_MAX = 4096, /* of a blob; RSA of 16384 bits has half of that */
	HOSTKEY_TYPE_ROOM = 64,
	HOSTKEY_PRINT_ROOM = 52, /* "SHA256:" and 43 digits, as ssh-keygen -l writes it */
};

struct hostkey {
	char type[HOSTKEY_TYPE_ROOM];
	size_t len;
	uint8_t blob[HOSTKEY_MAX];
};

/* 0, or -EPROTO: too long, or its type is no name. What follows the type is not looked into. */
int hostkey_from_blob(struct hostkey *k, const void *blob, size_t len);

/* "TYPE BASE64[ COMMENT]", blanks in front allowed; TYPE must be the blob's. 0 or -EPROTO. */
int hostkey_from_text(struct hostkey *k, const char *text, size_t len);

/* From a type and a base64 that were told apart already. 0 or -EPROTO. */
int hostkey_from_fields(struct hostkey *k, const char *type, size_t type_len, const char *base64,
			size_t base64_len);

int hostkey_is_same(const struct hostkey *a, const struct hostkey *b);

void hostkey_print(char out[HOSTKEY_PRINT_ROOM], const struct hostkey *k);

/* "TYPE BASE64" and a NUL; HOSTKEY_TEXT_ROOM is enough for any. */
enum { HOSTKEY_TEXT_ROOM = HOSTKEY_TYPE_ROOM + (HOSTKEY_MAX + 2) / 3 * 4 + 2 };
void hostkey_text(char out[HOSTKEY_TEXT_ROOM], const struct hostkey *k);

#endif
