/*
 * fd - descriptors: closing, whole reads and writes, unix sockets.
 *
 * A descriptor variable is -1 while it holds nothing; every call here accepts
 * that. All descriptors are close-on-exec from birth.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Closes and leaves -1 behind. */
void fd_close(int *fd);

/* In a child that goes its own way: sockets of others, kept open here, would keep their peers from
 * hearing that they ended. */
void fd_close_all_but(int fd);

/* The same with more than one that stays. They come back sorted. */
void fd_close_others(int *keep, size_t n);

/* 0 or a negative errno. */
int fd_nonblock(int fd);

/* Lets this process have as many descriptors, or what the hard limit is. How many it may have. */
unsigned fd_allow(unsigned count);

/* A pipe that is always full gets a larger one: fewer turns and wake-ups for the same bytes. Or not:
 * a limit (pipe(7)), or no pipe. */
void fd_widen_pipe(int fd, size_t bytes);

/* Exactly len bytes, restarting after signals, waiting on a non-blocking fd. 0 or a negative
 * errno; fd_read_all says -ENODATA when the end came first. */
int fd_write_all(int fd, const void *data, size_t len);
int fd_read_all(int fd, void *data, size_t len);

/* fd_read_all() on a non-blocking fd, until clock_ms() is deadline_ms: -ETIMEDOUT then. */
int fd_read_until(int fd, void *data, size_t len, int64_t deadline_ms);

/* read(2) and write(2) that restart after a signal and return -errno (so -EAGAIN, -EPIPE). */
ssize_t fd_read(int fd, void *data, size_t len);
ssize_t fd_write(int fd, const void *data, size_t len);

/* A whole small file as a string. Its length, or a negative errno (-EFBIG at cap and more). */
ssize_t fd_slurp(int dirfd, const char *path, char *out, size_t cap);

/* The same of a file that is open: what is left of it. */
ssize_t fd_slurp_open(int fd, char *out, size_t cap);

/* A non-blocking listening unix stream socket of mode 0600; -EADDRINUSE when the path exists.
 * The fd, or negative with *e filled (a path of more than 107 bytes included). */
int unix_listen(const char *path, int backlog, struct err *e);

/* Connects; non-blocking when asked. The fd, or a negative errno. */
int unix_connect(const char *path, int nonblock);

/* The same with a socket of messages (SOCK_SEQPACKET). */
int unix_listen_messages(const char *path, int backlog, struct err *e);
int unix_connect_messages(const char *path, int nonblock);

#endif
