/* What a network may answer to a guest that asks for its address. */
#include <stdlib.h>
#include <string.h>

#include "proto/dhcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct dhcp_answer *a)
{
	if (a->nroutes > DHCP_ROUTES_MAX || a->ndns > DESC_DNS_MAX || a->nsearch > DESC_SEARCH_MAX)
		abort();
	for (uint32_t i = 0; i < a->nsearch; i++) /* each becomes a word of resolv.conf */
		if (strlen(a->search[i]) > DHCP_DOMAIN_MAX || strpbrk(a->search[i], " \t\r\n#;"))
			abort();
	if (a->type != DHCP_NAK &&
	    (!a->addr[0] || a->addr[0] >= 224 || !a->prefix || a->prefix > 32 ||
	     a->renew_s > a->rebind_s || a->rebind_s > a->lease_s || !a->lease_s))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dhcp_answer a;
	const uint8_t *message;
	long n = dhcp_unwrap(data, size, 1, &message);

	if (n >= 0 && (message < data || message + n > data + size))
		abort();
	if (n >= 0 && dhcp_decode(&a, message, (size_t)n) == 0)
		check(&a);
	if (dhcp_decode(&a, data, size) == 0)
		check(&a);
	return 0;
}
