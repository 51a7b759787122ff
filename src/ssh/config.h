/*
 * config - what OpenSSH's client is told, as lines of ssh_config(5), and a command's words as its
 * server's shell reads them.
 */
#ifndef SSH_CONFIG_H
#define SSH_CONFIG_H

#include <stdio.h>

#include "base/err.h"

/* A path that stands in a command of ssh's configuration: one word for its parser and for a shell,
 * and no token begins in it. 0, or -EINVAL with *e filled: it has a quote, a backslash or a
 * control byte, or is too long for out[cap]. */
int sshconfig_path(char *out, size_t cap, const char *path, struct err *e);

/* The same of a path that is an option's value: no variable's name may begin in it, either. */
int sshconfig_file(char *out, size_t cap, const char *path, struct err *e);

/* A plain word (a user, a port): nothing that would be a second word or a line of its own. 0, or
 * wrong usage with *e filled. */
int sshconfig_word(const char *what, const char *word, struct err *e);

/* argv as one line that a POSIX shell takes apart into argv again. */
void sshconfig_command(FILE *out, char *const *argv);

#endif
