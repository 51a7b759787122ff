/*
 * bringup - what a system has before its first command: mounts, device nodes, modules, names.
 */
#ifndef LAB_BRINGUP_H
#define LAB_BRINGUP_H

#include "base/err.h"

/* Once, first of all, as PID 1. 0, or negative with *e filled. */
int bringup(struct err *e);

/* Waits until the device node is there and opens it non-blocking. The fd, or negative. */
int bringup_port(int number, struct err *e);

#endif
