/*
 * syscon - the system console: process 1's stdin, stdout and stderr, and what it says there.
 */
#ifndef GUEST_SYSCON_H
#define GUEST_SYSCON_H

#include "base/err.h"

/* First of all: a socket of ours must never become somebody's stderr. */
void syscon_occupy_fds(void);

/* The kernel gives us its console as 0, 1 and 2 only where the initramfs had the device; else it
 * becomes them now. 0 or negative with *e filled. */
int syscon_open(struct err *e);

/* One line, "vmtool: " before it, for whoever watches; each byte costs a serial port's time. */
__attribute__((format(printf, 1, 2))) void syscon_say(const char *fmt, ...);

#endif
