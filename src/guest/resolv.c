/*
 * resolv - /etc/resolv.conf, as the host wants it.
 */
#include "guest/resolv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"

enum { TEXT_MAX = 2048 }; /* search lists of resolv.conf(5) end at 256 characters */

static const char file_name[] = "resolv.conf";

void resolv_add_dns(struct resolv *r, const struct desc_addr *a)
{
	for (uint32_t i = 0; i < r->ndns; i++)
		if (r->dns[i].family == a->family &&
		    !memcmp(r->dns[i].bytes, a->bytes, sizeof(a->bytes)))
			return;
	if (r->ndns < DESC_DNS_MAX)
		r->dns[r->ndns++] = *a;
}

void resolv_add_search(struct resolv *r, const char *domain)
{
	size_t len = strlen(domain);

	for (uint32_t i = 0; i < r->nsearch; i++)
		if (!strcmp(r->search[i], domain))
			return;
	if (r->nsearch < DESC_SEARCH_MAX && len <= RESOLV_DOMAIN_MAX)
		memcpy(r->search[r->nsearch++], domain, len + 1);
}

/* Its length, or -EMSGSIZE. */
static int compose(char text[TEXT_MAX], const struct resolv *r)
{
	char ip[INET6_ADDRSTRLEN];
	int n = 0;

	for (uint32_t i = 0; i < r->ndns; i++) {
		inet_ntop(r->dns[i].family == 6 ? AF_INET6 : AF_INET, r->dns[i].bytes, ip,
			  sizeof(ip));
		n += snprintf(text + n, TEXT_MAX - (size_t)n, "nameserver %s\n", ip);
	}
	for (uint32_t i = 0; i < r->nsearch && n < TEXT_MAX; i++)
		n += snprintf(text + n, TEXT_MAX - (size_t)n, "%s%s", i ? " " : "search ",
			      r->search[i]);
	if (r->nsearch && n < TEXT_MAX)
		n += snprintf(text + n, TEXT_MAX - (size_t)n, "\n");
	return n < TEXT_MAX ? n : -EMSGSIZE;
}

static int write_in(const char *folder, const char *text, size_t len, struct err *e)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (dir < 0)
		return err_sys(e, "%s", folder);
	rc = path_replace(dir, file_name, text, len, 0644, e);
	fd_close(&dir);
	return rc < 0 ? err_in(e, "%s", folder) : 0;
}

int resolv_write(const struct resolv *r, struct err *e)
{
	char text[TEXT_MAX];
	struct err tried = ERR_NONE;
	int n = compose(text, r), rc;

	if (n < 0)
		return err_set(e, n, "the search list is too long");
	mkdir("/etc", 0755);
	rc = write_in("/etc", text, (size_t)n, &tried);
	if (rc == 0)
		return 0;
	if (rc == -EROFS)
		rc = write_in("/run", text, (size_t)n, e);
	else
		return err_set(e, rc, "%s", tried.text);
	if (rc == 0)
		umount2("/etc/resolv.conf", MNT_DETACH); /* ours of before, if there is one */
	if (rc == 0 && mount("/run/resolv.conf", "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0)
		rc = err_sys(e,
			     "/etc is read-only, and nothing can be mounted over its resolv.conf");
	return rc;
}
