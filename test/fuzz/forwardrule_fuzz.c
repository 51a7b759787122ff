/* A rule of forwarding: whatever is read can be shown, and stays within what a forward can have. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/forwardrule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[RULE_TEXT_MAX + 8], host[HOSTADDR_TEXT], to[DESTINATION_TEXT];
	struct err e = ERR_NONE;
	struct forwardrule r;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (forwardrule_parse(&r, "publish", text, &e) < 0) {
		if (e.code >= 0 || !e.text[0])
			abort();
		return 0;
	}
	if (r.is_auto)
		return 0;
	hostaddr_text(host, &r.host);
	destination_text(to, &r.to);
	if (r.count < 1 || r.count > RULE_PORTS_MAX || !host[0] || !to[0] ||
	    (r.to.kind != TO_VSOCK && r.to.port + r.count - 1 > 65535) ||
	    hostaddr_port(&r.host) + r.count - 1 > 65535)
		abort();
	return 0;
}
