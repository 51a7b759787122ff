/*
 * pax - the records of a pax header: "length key=value\n", the length counting itself.
 */
#ifndef TREE_PAX_H
#define TREE_PAX_H

#include <stddef.h>
#include <stdint.h>

struct pax {
	char *text; /* owned */
	size_t len, cap;
	int bad; /* out of memory: sticks */
};

void pax_free(struct pax *p);

/* Key is "prefix" and "name" put together. */
void pax_add(struct pax *p, const char *prefix, const char *name, const void *value, size_t len);
void pax_add_text(struct pax *p, const char *key, const char *value);
void pax_add_number(struct pax *p, const char *key, uint64_t value);
void pax_add_time(struct pax *p, const char *key, int64_t seconds, uint32_t ns);

struct pax_record {
	const char *key; /* not terminated */
	size_t key_len;
	const char *value; /* not terminated */
	size_t len;
};

/* Walks text[len] from *at = 0. 1: *r is the next; 0: no more; -EPROTO. */
int pax_next(struct pax_record *r, const char *text, size_t len, size_t *at);

/* Each 0 or -EPROTO. */
int pax_number(uint64_t *value, const struct pax_record *r);
int pax_time(int64_t *seconds, uint32_t *ns, const struct pax_record *r);

#endif
