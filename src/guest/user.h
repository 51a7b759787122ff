/*
 * user - who a command runs as, from the guest's own /etc/passwd and /etc/group.
 */
#ifndef GUEST_USER_H
#define GUEST_USER_H

#include <stdint.h>
#include <sys/types.h>

enum { USER_GROUPS_MAX = 64 };

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX]; /* supplementary */
	size_t ngroups;
	int groups_asked; /* they were named: not to be had is a failure */
	char name[64], home[256], shell[256];
};

/*
 * who: NAME or UID[:GID]; "" is whoever runs this process, in a guest root. etc is the folder
 * that holds passwd and group; without a passwd there are only numbers and root. A number that
 * passwd does not know has its own number as group.
 *
 * 0; -ENOENT: no such name; -EINVAL: neither a name nor numbers.
 */
int user_find(struct user *u, const char *etc, const char *who);

/* These supplementary groups, names or numbers, instead of his own. 0; or -ENOENT with *which
 * being the one that is neither a number nor in etc's group; -EINVAL: more than USER_GROUPS_MAX. */
int user_set_groups(struct user *u, const char *etc, const char *const *groups, size_t n,
		    const char **which);

/* What etc's passwd or group calls the number, into out[room]; "" when it does not, or longer. */
void user_name_of(char *out, size_t room, const char *etc, const char *file, uint32_t id);

/* In a child, before exec. 0 or an errno. Async-signal-safe. */
int user_become(const struct user *u);

#endif
