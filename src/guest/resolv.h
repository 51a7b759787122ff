/*
 * resolv - /etc/resolv.conf, as the host wants it.
 */
#ifndef GUEST_RESOLV_H
#define GUEST_RESOLV_H

#include "base/err.h"
#include "proto/desc.h"

enum { RESOLV_DOMAIN_MAX = 253 }; /* bytes */

/* Its own copy. What is beyond the maximums or there twice is left out: the first come first. All
 * zero: empty; two of the same contents are the same bytes. */
struct resolv {
	uint32_t ndns, nsearch;
	struct desc_addr dns[DESC_DNS_MAX];
	char search[DESC_SEARCH_MAX][RESOLV_DOMAIN_MAX + 1];
};

void resolv_add_dns(struct resolv *r, const struct desc_addr *a);
void resolv_add_search(struct resolv *r, const char *domain);

/* Replaces it whole; where /etc cannot be written to, a file of /run is mounted over it. 0 or
 * negative with *e filled. */
int resolv_write(const struct resolv *r, struct err *e);

#endif
