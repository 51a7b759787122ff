/*
 * standalone - the exec or PTY server alone, as an ordinary process.
 */
#ifndef GUEST_STANDALONE_H
#define GUEST_STANDALONE_H

#include "base/err.h"
#include "guest/execd.h"

/* Serves on unix:PATH or vsock:PORT until SIGTERM or SIGINT. 0 or negative with *e filled. */
int standalone_serve(enum execd_door door, const char *address, struct err *e);

#endif
