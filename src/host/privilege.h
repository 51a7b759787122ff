/*
 * privilege - what a command in the guest is kept from, by the names people know: resource limits,
 * capabilities, groups.
 *
 * Each adds to a request what one option said: 0, or wrong usage with *e filled.
 */
#ifndef HOST_PRIVILEGE_H
#define HOST_PRIVILEGE_H

#include "base/err.h"
#include "proto/exec.h"

/* NAME=SOFT[:HARD], as docker and prlimit(1) write it: numbers in setrlimit(2)'s units, or
 * unlimited; HARD is SOFT when it is not said. */
int privilege_ulimit(struct exec_req *q, const char *text, struct err *e);

/* A name of linux/capability.h, in small letters too, with or without CAP_; or all. */
int privilege_cap_drop(struct exec_req *q, const char *text, struct err *e);

/* A supplementary group of the guest's: its name or number. */
int privilege_group(struct exec_req *q, const char *text, struct err *e);

/* An absolute path of the guest's, which the command may only read, or finds empty. */
int privilege_read_only_path(struct exec_req *q, const char *text, struct err *e);
int privilege_mask_path(struct exec_req *q, const char *text, struct err *e);

#endif
