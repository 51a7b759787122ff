/*
 * scan - the host keys an SSH server shows, each with the proof that it has the private one.
 *
 * A server signs with one key a connection, so there is one for each type of key it has, behind a
 * first that finds the address which answers, unless that is known. What was learnt is the server's own, but who the
 * server is nobody has said: whoever stands in between has keys, too.
 */
#ifndef SSH_SCAN_H
#define SSH_SCAN_H

#include "ssh/prober.h"

enum { SCAN_KEYS = SIGNATURE_COUNT };

struct scan_key {
	struct hostkey key;
	int is_verified;
};

struct scan {
	struct loop *loop;	      /* borrowed */
	const struct endpoint *where; /* borrowed */
	unsigned timeout_ms;	      /* of it all */
	unsigned only;		      /* algorithms, as in struct kex `offered`; 0: whatever it has */
	int is_found;		      /* somebody knows already which address answers: */
	const struct address *at;     /* borrowed; NULL: of a path */
	void (*done)(struct scan *s); /* once, from the loop; nothing of it is left there */
	/* The result: at least one key, or a reason. */
	unsigned count;
	struct scan_key keys[SCAN_KEYS];
	enum probe_class verdict; /* PROBE_NOT_SSH also of one that fails in the key exchange */
	char why[256];
	int has_none; /* of those that are wanted: that is the reason */
	char banner[256], address[ENDPOINT_TEXT_ROOM];
	/* From here on its own. */
	unsigned wanted;
	struct prober prober;
	struct lane lane;
	struct kex kex;
	struct timer deadline, soon;
};

/* The fields above the result are set. */
void scan_start(struct scan *s);

/* Ends it wherever it is; done() is not called. */
void scan_stop(struct scan *s);

#endif
