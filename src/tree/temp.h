/*
 * temp - the name that something has beside the one it is to get, for as long as it must:
 * ".vmtool-" and sixteen digits.
 *
 * The digits come from the name it is to get. So whoever writes the same name next finds what a
 * writer who was killed has left, and removes it. A file's writer is alive while he holds its lock
 * (flock(2)); links and devices, which are made and renamed at once, are left over when they are
 * older than a minute. Beside a writer who is alive the digits are random.
 */
#ifndef TREE_TEMP_H
#define TREE_TEMP_H

enum { TEMP_ROOM = 32 };

/* For what is about to be made in that folder; it may still turn out to be taken. */
void temp_name(char out[TEMP_ROOM], int dir, const char *name);

/* Another that nobody has, should it be. */
void temp_random(char out[TEMP_ROOM]);

/* Its writer lives, as everybody can see now; before the file gets such a name, or right behind
 * that: then -ESTALE says that it was taken for a left one meanwhile. 0 or a negative errno. */
int temp_hold(int fd);

/* For what is made at once and is no file: make() does it, under the name in temp and as system calls
 * return; then it takes the place of whatever has that name. Whoever looks sees the old or the new. 0
 * or a negative errno; temp is "" again. */
int temp_replace(char temp[TEMP_ROOM], int dir, const char *name, int (*make)(void *arg), void *arg);

#endif
