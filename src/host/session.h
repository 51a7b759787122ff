/*
 * session - the host's end of a command in the guest: our stdin, stdout, stderr and signals
 * become the command's, its exit code becomes ours.
 */
#ifndef HOST_SESSION_H
#define HOST_SESSION_H

#include <stdint.h>

#include "base/err.h"
#include "proto/exec.h"

/*
 * Runs *q over fd, a non-blocking connection to an exec server; fd stays the caller's. With
 * EXEC_STDIN our stdin is the command's. INT, TERM, HUP, QUIT, USR1 and USR2 go to the command;
 * a second INT within a second gives up on it.
 *
 * The exit code of contracts.md (the command's own, 128+n); or negative with *e filled, e->exit
 * being 126, 127 or 125.
 */
int session_run(int fd, const struct exec_req *q, struct err *e);

/* Proves that the exec server behind fd answers: a nonce must come back before deadline_ms
 * (clock_ms()). fd can be used on. 0 or negative with *e filled. */
int session_heartbeat(int fd, int64_t deadline_ms, struct err *e);

#endif
