/*
 * user - who a command runs as, from the guest's own /etc/passwd and /etc/group.
 */
#include "guest/user.h"

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lines.h"

enum { FIELDS_MAX = 7 };

/* Splits at the colons, in place; missing fields are "". */
static void split(char *line, char *field[FIELDS_MAX])
{
	for (int i = 0; i < FIELDS_MAX; i++) {
		field[i] = line;
		line += strcspn(line, ":");
		if (*line)
			*line++ = '\0';
	}
}

/* The number before `stop`; (uid_t)-1 is no id: system calls take it as "leave as it is". */
static int number(uint32_t *out, const char **text)
{
	uint64_t v = 0;
	const char *at = *text;

	for (; *at >= '0' && *at <= '9' && v < UINT32_MAX; at++)
		v = v * 10 + (uint64_t)(*at - '0');
	if (at == *text || v >= UINT32_MAX)
		return -EINVAL;
	*text = at;
	*out = (uint32_t)v;
	return 0;
}

static int is_number(uint32_t *out, const char *text)
{
	return number(out, &text) == 0 && *text == '\0';
}

/* UID or UID:GID. */
static int numbers(struct user *u, const char *who, int *has_gid)
{
	const char *at = who;

	*has_gid = 0;
	if (number(&u->uid, &at) < 0)
		return -EINVAL;
	if (*at == '\0')
		return 0;
	*has_gid = 1;
	return *at++ == ':' && is_number(&u->gid, at) ? 0 : -EINVAL;
}

/* The passwd line of `name`, or with name NULL that of u->uid. 1: found; 0: not there. */
static int find_in_passwd(struct user *u, const char *etc, const char *name)
{
	struct lines l = LINES_INIT;
	char path[256], *line, *f[FIELDS_MAX];
	uint32_t uid, gid;
	int found = 0;

	snprintf(path, sizeof(path), "%s/passwd", etc);
	if (lines_open(&l, path) < 0)
		return 0;
	while (!found && (line = lines_next(&l))) {
		split(line, f);
		if (!is_number(&uid, f[2]) || !is_number(&gid, f[3]))
			continue;
		if (name ? strcmp(f[0], name) != 0 : uid != u->uid)
			continue;
		u->uid = uid;
		u->gid = gid;
		snprintf(u->name, sizeof(u->name), "%s", f[0]);
		snprintf(u->home, sizeof(u->home), "%s", f[5]);
		snprintf(u->shell, sizeof(u->shell), "%s", f[6]);
		found = 1;
	}
	lines_close(&l);
	return found;
}

void user_name_of(char *out, size_t room, const char *etc, const char *file, uint32_t id)
{
	struct lines l = LINES_INIT;
	char path[256], *line, *f[FIELDS_MAX];
	uint32_t have;

	out[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", etc, file);
	if (lines_open(&l, path) < 0)
		return;
	while (!out[0] && (line = lines_next(&l))) {
		split(line, f);
		if (is_number(&have, f[2]) && have == id && strlen(f[0]) < room)
			memcpy(out, f[0], strlen(f[0]) + 1);
	}
	lines_close(&l);
}

/* Nonzero when `name` is in the comma-separated list. */
static int is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (*list) {
		size_t part = strcspn(list, ",");

		if (part == len && !memcmp(list, name, len))
			return 1;
		list += part + (list[part] == ',');
	}
	return 0;
}

static void find_groups(struct user *u, const char *etc)
{
	struct lines l = LINES_INIT;
	char path[256], *line, *f[FIELDS_MAX];
	uint32_t gid;

	snprintf(path, sizeof(path), "%s/group", etc);
	if (lines_open(&l, path) < 0)
		return;
	while (u->ngroups < USER_GROUPS_MAX && (line = lines_next(&l))) {
		split(line, f);
		if (is_number(&gid, f[2]) && is_listed(f[3], u->name))
			u->groups[u->ngroups++] = gid;
	}
	lines_close(&l);
}

static void set_default(char *field, size_t room, const char *value)
{
	if (field[0] == '\0')
		snprintf(field, room, "%s", value);
}

int user_find(struct user *u, const char *etc, const char *who)
{
	gid_t asked_gid;
	int has_gid, known;

	*u = (struct user){ .uid = geteuid(), .gid = getegid() };
	if (who[0] >= '0' && who[0] <= '9') {
		if (numbers(u, who, &has_gid) < 0)
			return -EINVAL;
		asked_gid = has_gid ? u->gid : u->uid;
		known = find_in_passwd(u, etc, NULL);
		if (has_gid || !known)
			u->gid = asked_gid;
	} else if (who[0]) {
		known = find_in_passwd(u, etc, who);
		if (!known && strcmp(who, "root") != 0)
			return -ENOENT;
		if (!known)
			u->uid = u->gid = 0;
	} else {
		known = find_in_passwd(u, etc, NULL);
	}
	if (known)
		find_groups(u, etc);
	set_default(u->name, sizeof(u->name), u->uid == 0 ? "root" : "");
	set_default(u->home, sizeof(u->home), "/");
	set_default(u->shell, sizeof(u->shell), "/bin/sh");
	return 0;
}

static int find_gid(uint32_t *gid, const char *etc, const char *name)
{
	struct lines l = LINES_INIT;
	char path[256], *line, *f[FIELDS_MAX];
	int found = 0;

	snprintf(path, sizeof(path), "%s/group", etc);
	if (lines_open(&l, path) < 0)
		return 0;
	while (!found && (line = lines_next(&l))) {
		split(line, f);
		found = !strcmp(f[0], name) && is_number(gid, f[2]);
	}
	lines_close(&l);
	return found;
}

int user_set_groups(struct user *u, const char *etc, const char *const *groups, size_t n,
		    const char **which)
{
	if (n > USER_GROUPS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		*which = groups[i];
		if (!is_number(&u->groups[i], groups[i]) &&
		    !find_gid(&u->groups[i], etc, groups[i]))
			return -ENOENT;
	}
	u->ngroups = n;
	u->groups_asked = 1;
	return 0;
}

int user_become(const struct user *u)
{
	/* An ordinary user may only stay what he is; exec of "" must still work for him. */
	if (geteuid() != 0 && u->uid == geteuid() && u->gid == getegid() && !u->groups_asked)
		return 0;
	if (setgroups(u->ngroups, u->groups) < 0 || setgid(u->gid) < 0 || setuid(u->uid) < 0)
		return errno;
	return 0;
}
