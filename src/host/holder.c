/*
 * holder - who has a VM's lock, as a few words for a sentence.
 */
#include "host/holder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "host/lock.h"
#include "host/text.h"

enum { ARGS_ROOM = 512, WORD_ROOM = 32 };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The word that vmtool was called with, or the link it was called by. */
static int word_of(pid_t pid, char word[WORD_ROOM])
{
	char path[32], args[ARGS_ROOM + 1];
	const char *at = args;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : fd_read(fd, args, ARGS_ROOM);
	fd_close(&fd);
	if (n <= 0)
		return 0;
	args[n] = '\0';
	if (strcmp(base_name(at), "vmtool") == 0)
		at += strlen(at) + 1;
	if (at >= args + n)
		return 0;
	text_clean(word, WORD_ROOM, base_name(at), strlen(base_name(at)));
	return 1;
}

char *holder_text(char *out, size_t cap, int dir, const char *lock_name)
{
	char word[WORD_ROOM];
	struct procid who;

	if (lock_holder(dir, lock_name, &who) < 0 || !word_of(who.pid, word))
		snprintf(out, cap, "another process");
	else if (strcmp(word, "agent") == 0)
		snprintf(out, cap, "its agent (pid %d)", (int)who.pid);
	else
		snprintf(out, cap, "vmtool %s (pid %d)", word, (int)who.pid);
	return out;
}
