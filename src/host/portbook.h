/*
 * portbook - which ports of this host a VM's forwards were given, kept in its folder
 * (forwards.json): one that may be any is the same the next time, if it can be.
 *
 * Written by whoever holds the VM's lock, read by anybody, of a VM that runs or does not.
 */
#ifndef HOST_PORTBOOK_H
#define HOST_PORTBOOK_H

#include "host/destination.h"
#include "host/hostaddr.h"
#include "host/store.h"

enum { PORTBOOK_MAX = 512 };

struct portbook_row {
	char name[VM_NAME_ROOM]; /* or "" */
	int is_udp;
	char host[HOSTADDR_TEXT];  /* as hostaddr_text() */
	char to[DESTINATION_TEXT]; /* as destination_text() */
	uint16_t port;		   /* of the host; 0 of a unix socket */
};

struct portbook {
	unsigned count;
	struct portbook_row *row; /* owned */
};

#define PORTBOOK_NONE ((struct portbook){ 0 })

/* Of a file that is not there, or is damaged, nothing is known. 0 or negative with *e filled. */
int portbook_read(struct portbook *b, const struct vmref *v, struct err *e);
int portbook_write(const struct portbook *b, const struct vmref *v, struct err *e);
void portbook_close(struct portbook *b);

/* The port of the forward of this name, as of the VM's latest start that had one; or 0. */
uint16_t portbook_port(const struct vmref *v, const char *name);

/* Notes it, in place of what was known of the same forward. 0 or -ENOMEM; more than PORTBOOK_MAX
 * are not noted. */
int portbook_note(struct portbook *b, const struct portbook_row *r);

/* The row with this name; or without one, of the same address but for the port, and the same
 * destination. NULL when there is none. */
const struct portbook_row *portbook_find(const struct portbook *b, const struct portbook_row *like);

#endif
