/*
 * news - waiting for something to happen in a VM's folder: a file written or replaced, a lock let
 * go (its file is closed), the folder removed.
 */
#ifndef HOST_NEWS_H
#define HOST_NEWS_H

#include <stdint.h>

#include "host/store.h"

struct news {
	int fd; /* owned: inotify */
};

#define NEWS_NONE ((struct news){ -1 })

/* What happens from now on is noticed. 0 or a negative errno. */
int news_open(struct news *n, const struct vmref *v);

/* The same of the folder of VMs: one is made, renamed, removed. 0 or a negative errno. */
int news_open_store(struct news *n, const struct home *h);

/* And in a VM's folder as well; once more is fine. 0 or a negative errno. */
int news_add(struct news *n, const struct vmref *v);

/* 0 when something has happened since the last call; -ETIMEDOUT at clock_ms() == deadline_ms. */
int news_wait(struct news *n, int64_t deadline_ms);

void news_close(struct news *n);

#endif
