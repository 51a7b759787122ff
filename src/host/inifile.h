/*
 * inifile - one INI file's sections and lines, each with its number.
 *
 * A person's bytes, or a template of somebody else's: read whole, of bounded size, and refused with
 * FILE:LINE in front of the sentence.
 */
#ifndef HOST_INIFILE_H
#define HOST_INIFILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

enum {
	INI_BYTES_MAX = 64 * 1024,
	/* inih reads lines of 4096; the key, " = " and the end need some of it. */
	INI_VALUE_MAX = 4000,
};

/* What is done with the lines. Each returns 0, or negative with *e filled: the sentence without
 * file and line, which ends the reading. `value` is the callee's to change. */
struct ini_taker {
	int (*section)(struct ini_taker *t, const char *section, struct err *e);
	int (*line)(struct ini_taker *t, const char *word, char *value, unsigned line,
		    struct err *e);
};

/* A regular file's text, and which file it is. 1; 0 when there is none; negative with *e filled. */
int ini_slurp(char text[INI_BYTES_MAX], struct stat *which, int dirfd, const char *path,
	      struct err *e);

/* `name` is the file's in sentences. 0 or negative with *e filled. */
int ini_read(struct ini_taker *t, const char *name, const char *text, struct err *e);

#endif
