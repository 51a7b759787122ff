/*
 * errname - an errno by its name, as scripts look for it: "ENOENT".
 */
#ifndef BASE_ERRNAME_H
#define BASE_ERRNAME_H

/* NULL for one no file system has. */
const char *errname(unsigned n);

#endif
