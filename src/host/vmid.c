/*
 * vmid - what a VM is called for ever: random, made with its folder, the same after a rename.
 */
#include "host/vmid.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "host/store.h"

static const char link_name[] = "id";

static int is_hex(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") == len;
}

int vmid_make(int dir, struct err *e)
{
	char id[VMID_LEN + 1];
	uint64_t r;

	/* Up to 256 bytes, getrandom(2) is never short. */
	if (getrandom(&r, sizeof(r), 0) < 0)
		return err_sys(e, "get random bytes");
	snprintf(id, sizeof(id), "%016" PRIx64, r);
	return symlinkat(id, dir, link_name) < 0 && errno != EEXIST ? err_sys(e, "make its id") : 0;
}

int vmid_read(int vms, const char *name, char out[VMID_LEN + 1])
{
	char path[VM_NAME_ROOM + sizeof(link_name)];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", name, link_name);
	n = readlinkat(vms, path, out, VMID_LEN + 1);
	if (n < 0) {
		out[0] = '\0';
		return -errno;
	}
	out[n < VMID_LEN ? n : VMID_LEN] = '\0';
	if (n == VMID_LEN && is_hex(out, VMID_LEN))
		return 0;
	out[0] = '\0';
	return -EPROTO;
}

int vmid_may_begin(const char *text)
{
	size_t len = strlen(text);

	return len >= VMID_SHORT && len <= VMID_LEN && is_hex(text, len);
}
