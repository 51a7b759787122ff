/*
 * fsentry - a file of a guest's as people and scripts are shown it.
 */
#include "host/fsentry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/util.h"
#include "host/text.h"
#include "ssh/base64.h"

static const struct {
	uint32_t type;
	char letter;
	const char *word;
} types[] = {
	{ S_IFREG, '-', "file" },    { S_IFDIR, 'd', "folder" }, { S_IFLNK, 'l', "symlink" },
	{ S_IFCHR, 'c', "char" },    { S_IFBLK, 'b', "block" },	 { S_IFIFO, 'p', "fifo" },
	{ S_IFSOCK, 's', "socket" },
};

/* Its row; or COUNT(types): a type Linux did not have when this was written. */
static size_t type_of(uint32_t mode)
{
	size_t i = 0;

	while (i < COUNT(types) && types[i].type != (mode & S_IFMT))
		i++;
	return i;
}

static const char *type_word(uint32_t mode)
{
	size_t i = type_of(mode);

	return i < COUNT(types) ? types[i].word : "other";
}

char *fsentry_mode(char out[FSENTRY_MODE_ROOM], uint32_t mode)
{
	static const struct {
		uint32_t bit;
		int at; /* of the x it stands on */
		char with_x, without;
	} special[] = { { S_ISUID, 3, 's', 'S' },
			{ S_ISGID, 6, 's', 'S' },
			{ S_ISVTX, 9, 't', 'T' } };
	size_t type = type_of(mode);

	out[0] = type < COUNT(types) ? types[type].letter : '?';
	for (int i = 0; i < 9; i++)
		out[1 + i] = mode >> (8 - i) & 1 ? "rwx"[i % 3] : '-';
	for (size_t i = 0; i < COUNT(special); i++)
		if (mode & special[i].bit)
			out[special[i].at] = out[special[i].at] == 'x' ? special[i].with_x
								       : special[i].without;
	out[10] = '\0';
	return out;
}

/* RFC 3339 to the nanosecond, or to the minute as people read it; "" for a year that has no four
 * digits. */
static char *time_text(char out[64], const struct fs_time *t, int is_exact)
{
	time_t s = (time_t)t->s;
	struct tm tm;
	size_t len;

	out[0] = '\0';
	if (!gmtime_r(&s, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900)
		return out;
	len = strftime(out, 64, is_exact ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M", &tm);
	if (is_exact)
		snprintf(out + len, 64 - len, ".%09uZ", t->ns);
	return out;
}

static json_t *text_or_null(const char *text)
{
	json_t *j = text[0] ? json_string(text) : NULL;

	return j ? j : json_null();
}

static json_t *time_json(const struct fs_time *t)
{
	char text[64];

	return text_or_null(time_text(text, t, 1));
}

/* The bytes of what is not UTF-8. */
static json_t *bytes_or_null(const char *text)
{
	json_t *j = json_string(text);
	size_t len = strlen(text);
	char *base64;

	if (j) {
		json_decref(j);
		return json_null();
	}
	base64 = malloc(BASE64_LEN(len) + 1);
	if (!base64)
		return json_null();
	base64_put(base64, text, len);
	j = json_string(base64);
	free(base64);
	return j;
}

static json_t *device_json(const struct fs_entry *n)
{
	char text[32];

	if (!S_ISCHR(n->mode) && !S_ISBLK(n->mode))
		return json_null();
	snprintf(text, sizeof(text), "%u:%u", n->major, n->minor);
	return json_string(text);
}

json_t *fsentry_json(const char *path, const struct fs_entry *n)
{
	char mode[16];

	snprintf(mode, sizeof(mode), "%04o", n->mode & 07777);
	return json_pack(
		"{s:o, s:o, s:s, s:s, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o,"
		" s:o}",
		"path", text_or_null(path), "path_base64", bytes_or_null(path), "type",
		type_word(n->mode), "mode", mode, "uid", (json_int_t)n->uid, "gid",
		(json_int_t)n->gid, "owner", text_or_null(n->owner), "group",
		text_or_null(n->group), "size_bytes", (json_int_t)n->size, "allocated_bytes",
		(json_int_t)(n->blocks * 512 & INT64_MAX), "inode",
		(json_int_t)(n->inode & INT64_MAX), "links", (json_int_t)n->links, "device",
		device_json(n), "accessed", time_json(&n->accessed), "modified",
		time_json(&n->modified), "changed", time_json(&n->changed), "target",
		text_or_null(n->target), "target_base64", bytes_or_null(n->target));
}

/* The guest may call its users anything. */
static const char *who(char out[FS_OWNER_MAX], const char *name, uint32_t id)
{
	if (name[0])
		return text_clean(out, FS_OWNER_MAX, name, strlen(name));
	snprintf(out, FS_OWNER_MAX, "%u", id);
	return out;
}

void fsentry_print_long(const struct fs_entry *n)
{
	char mode[FSENTRY_MODE_ROOM], owner[FS_OWNER_MAX], group[FS_OWNER_MAX], time[64];

	printf("%s %-8s %-8s %12llu %s ", fsentry_mode(mode, n->mode), who(owner, n->owner, n->uid),
	       who(group, n->group, n->gid), (unsigned long long)n->size,
	       time_text(time, &n->modified, 0));
}

void fsentry_print_facts(const char *path, const struct fs_entry *n)
{
	char mode[FSENTRY_MODE_ROOM], owner[FS_OWNER_MAX], group[FS_OWNER_MAX], time[64];

	printf("path      ");
	fsentry_print_name(path, 1, '\n');
	if (n->target[0]) {
		printf("target    ");
		fsentry_print_name(n->target, 1, '\n');
	}
	printf("type      %s\n", type_word(n->mode));
	printf("mode      %04o %s\n", n->mode & 07777, fsentry_mode(mode, n->mode));
	printf("owner     %s:%s\n", who(owner, n->owner, n->uid), who(group, n->group, n->gid));
	printf("size      %llu bytes, %llu on its disk\n", (unsigned long long)n->size,
	       (unsigned long long)n->blocks * 512);
	if (S_ISCHR(n->mode) || S_ISBLK(n->mode))
		printf("device    %u:%u\n", n->major, n->minor);
	printf("inode     %llu\n", (unsigned long long)n->inode);
	printf("links     %u\n", n->links);
	printf("accessed  %s\n", time_text(time, &n->accessed, 1));
	printf("modified  %s\n", time_text(time, &n->modified, 1));
	printf("changed   %s\n", time_text(time, &n->changed, 1));
}

void fsentry_print_name(const char *name, int for_eyes, char end)
{
	size_t len = strlen(name), room = 4 * len + 8;
	char *clean = for_eyes ? malloc(room) : NULL;

	if (clean)
		text_escape(clean, room, name, len);
	fputs(clean ? clean : name, stdout);
	putchar(end);
	free(clean);
}
