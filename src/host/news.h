/*
 * news - waiting for something to happen in a VM's folder: a file written or replaced, a lock let
 * go (its file is closed), the folder removed.
 *
 * close(2) tells of itself before it lets the file's locks go: a look right behind the news may come
 * too early, and no more news would follow. So each is told several times, later and later.
 */
#ifndef HOST_NEWS_H
#define HOST_NEWS_H

#include <stdint.h>

#include "host/store.h"

struct news {
	int fd;	       /* owned: inotify */
	int repeat_ms; /* when the last is told again; 0: not any more */
};

#define NEWS_NONE ((struct news){ -1, 0 })

/* What happens from now on is noticed. 0 or a negative errno. */
int news_open(struct news *n, const struct vmref *v);

/* The same of the folder of VMs: one is made, renamed, removed. 0 or a negative errno. */
int news_open_store(struct news *n, const struct home *h);

/* And in a VM's folder as well; once more is fine. 0 or a negative errno. */
int news_add(struct news *n, const struct vmref *v);

/* 0 when something has happened, perhaps before the last call; -ETIMEDOUT at clock_ms() ==
 * deadline_ms. */
int news_wait(struct news *n, int64_t deadline_ms);

void news_close(struct news *n);

#endif
