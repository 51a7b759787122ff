/*
 * history - events.jsonl read line by line, while others may write it, and after crashes.
 */
#include "host/history.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static int open_file(struct history *h, const struct vmref *v)
{
	h->file = openat(v->dir, timeline_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return h->file >= 0 || errno == ENOENT ? 0 : -errno;
}

int history_open(struct history *h, const struct vmref *v, struct err *e)
{
	int rc;

	h->at = 0;
	h->line = h->begin = h->end = 0;
	h->cut = 0;
	rc = open_file(h, v);
	return rc < 0 ? err_set(e, rc, "%s: open %s: %s", v->name, timeline_file, strerror(-rc))
		      : 0;
}

void history_close(struct history *h)
{
	fd_close(&h->file);
}

/* More bytes than what is left; 0 when there are none. The line at hand is read again from its
 * beginning: a writer whose disk is full takes back half a line. */
static ssize_t fill(struct history *h)
{
	size_t had = h->end - h->begin;
	ssize_t n;

	h->at += (off_t)h->begin;
	h->begin = h->end = 0;
	if (had == sizeof(h->mem)) { /* no event is that long: only its end is of interest */
		h->at += (off_t)had;
		h->cut = 1;
		had = 0;
	}
	do
		n = pread(h->file, h->mem, sizeof(h->mem), h->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	h->end = (size_t)n;
	return h->end > had;
}

static void decode(struct event *x, int cut)
{
	json_int_t seq;

	x->json = cut ? NULL : json_loadb(x->text, x->len, 0, NULL);
	seq = json_integer_value(json_object_get(x->json, "seq"));
	if (seq <= 0 || !json_is_string(json_object_get(x->json, "event"))) {
		json_decref(x->json);
		x->json = NULL;
		seq = 0;
	}
	x->seq = (uint64_t)seq;
}

int history_next(struct history *h, const struct vmref *v, struct event *out)
{
	char *end;
	ssize_t n;
	int rc;

	if (h->file < 0 && ((rc = open_file(h, v)) < 0 || h->file < 0))
		return rc;
	while (!(end = memchr(h->mem + h->begin, '\n', h->end - h->begin))) {
		n = fill(h);
		if (n <= 0)
			return (int)n;
	}
	*out = (struct event){
		.text = h->mem + h->begin,
		.len = (size_t)(end - h->mem) - h->begin,
	};
	h->line++;
	h->begin += out->len + 1;
	decode(out, h->cut);
	h->cut = 0;
	return 1;
}

void event_drop(struct event *x)
{
	json_decref(x->json);
	x->json = NULL;
}

int history_is_cut(const struct history *h)
{
	return h->cut || h->end > h->begin;
}

const char *event_text(const struct event *x, const char *key)
{
	const char *text = json_string_value(json_object_get(x->json, key));

	return text ? text : "";
}
