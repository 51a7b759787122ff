/*
 * portowner - who on this host has the port that somebody else wants.
 *
 * /proc/net has the socket and its user, /proc/PID/fd the process, as far as we may look into it.
 */
#include "host/portowner.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/lines.h"
#include "host/state.h"
#include "host/text.h"

enum { LISTENS = 0x0a, UNCONNECTED = 0x07 }; /* of tcp, of udp: include/net/tcp_states.h */

struct socket_row {
	unsigned uid;
	unsigned long inode;
};

/* As /proc/net has it: 32 bits at a time, each in the host's order. */
static void address_hex(char out[33], const struct hostaddr *a)
{
	const uint8_t *at = a->any.sa_family == AF_INET ? (const void *)&a->v4.sin_addr
							: (const void *)&a->v6.sin6_addr;
	size_t words = a->any.sa_family == AF_INET ? 1 : 4;

	for (size_t i = 0; i < words; i++) {
		uint32_t word;

		memcpy(&word, at + 4 * i, sizeof(word));
		snprintf(out + 8 * i, 9, "%08" PRIX32, word);
	}
}

static int is_wildcard(const char *hex)
{
	return strspn(hex, "0") == strlen(hex);
}

static const char *table_of(int is_udp, int is_v6)
{
	static const char *const tables[2][2] = { { "/proc/net/tcp", "/proc/net/tcp6" },
						  { "/proc/net/udp", "/proc/net/udp6" } };

	return tables[is_udp][is_v6];
}

/* The first socket that stands in the way of a bind there. Of the other family that is one that
 * listens everywhere: on [::], and for IPv4 as well. 1 when there is one. */
static int find_row(struct socket_row *out, const struct hostaddr *a, int is_udp, int is_other)
{
	int state = is_udp ? UNCONNECTED : LISTENS;
	struct lines l = LINES_INIT;
	char want[33], *line;
	int found = 0;

	if (lines_open(&l, table_of(is_udp, (a->any.sa_family == AF_INET6) != is_other)) < 0)
		return 0;
	address_hex(want, a);
	while (!found && (line = lines_next(&l))) {
		char have[33];
		unsigned port, st;

		if (sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %u %*u %lu",
			   have, &port, &st, &out->uid, &out->inode) != 5)
			continue;
		found = port == hostaddr_port(a) && (int)st == state &&
			(is_wildcard(have) ||
			 (!is_other && (!strcmp(have, want) || is_wildcard(want))));
	}
	lines_close(&l);
	return found;
}

static int has_descriptor(const char *pid, const char *target)
{
	char path[64], link[64];
	struct dirent *entry;
	int found = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	d = opendir(path);
	while (d && !found && (entry = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), entry->d_name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = '\0';
		found = !strcmp(link, target);
	}
	if (d)
		closedir(d);
	return found;
}

/* 0 when none that we may look into has it. */
static pid_t process_with(unsigned long inode)
{
	char target[40];
	struct dirent *entry;
	pid_t pid = 0;
	DIR *d = opendir("/proc");

	snprintf(target, sizeof(target), "socket:[%lu]", inode);
	while (d && !pid && (entry = readdir(d)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    has_descriptor(entry->d_name, target))
			pid = (pid_t)atoi(entry->d_name);
	if (d)
		closedir(d);
	return pid;
}

/* The VM whose agent that is. 1 when there is one. */
static int vm_of(char out[PORTOWNER_TEXT], pid_t pid, const struct home *home)
{
	char(*names)[VM_NAME_ROOM] = NULL;
	struct err ignored = ERR_NONE;
	int count = store_names(home, &names, &ignored), found = 0;

	for (int i = 0; i < count && !found; i++) {
		struct vmref v = VMREF_NONE;
		struct state s;

		if (store_find(&v, home, names[i], &ignored) == 0 &&
		    state_read(&s, &v, &ignored) == 0 && s.agent.pid == pid)
			found = snprintf(out, PORTOWNER_TEXT, "VM %s", v.name) > 0;
		store_close(&v);
	}
	free(names);
	return found;
}

static void name_process(char out[PORTOWNER_TEXT], pid_t pid)
{
	char path[64], comm[32] = "?", clean[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	n = fd_slurp(AT_FDCWD, path, comm, sizeof(comm));
	if (n > 0 && comm[n - 1] == '\n')
		n--;
	text_clean(clean, sizeof(clean), comm, n > 0 ? (size_t)n : 1);
	snprintf(out, PORTOWNER_TEXT, "%s (pid %d)", clean, (int)pid);
}

char *portowner_find(char out[PORTOWNER_TEXT], const struct hostaddr *a, int is_udp,
		     const struct home *home)
{
	struct socket_row row;
	pid_t pid;

	out[0] = '\0';
	if (hostaddr_is_unix(a) || (!find_row(&row, a, is_udp, 0) && !find_row(&row, a, is_udp, 1)))
		return out;
	pid = process_with(row.inode);
	if (!pid)
		snprintf(out, PORTOWNER_TEXT, "a process of user %u", row.uid);
	else if (!home || !vm_of(out, pid, home))
		name_process(out, pid);
	return out;
}
