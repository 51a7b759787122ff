/*
 * portbook - which ports of this host a VM's forwards were given, kept in its folder.
 */
#include "host/portbook.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

enum { BYTES_MAX = 512 * 1024 };

static const char file_name[] = "forwards.json";

void portbook_close(struct portbook *b)
{
	free(b->row);
	*b = PORTBOOK_NONE;
}

/* "127.0.0.1" of "127.0.0.1:8080"; all of a path. */
static size_t without_port(const char *host)
{
	return strncmp(host, "unix:", 5) ? (size_t)(strrchr(host, ':') - host) : strlen(host);
}

static int is_same(const struct portbook_row *a, const struct portbook_row *b)
{
	size_t len;

	if (a->name[0] || b->name[0])
		return !strcmp(a->name, b->name);
	len = without_port(a->host);
	return a->is_udp == b->is_udp && !strcmp(a->to, b->to) && len == without_port(b->host) &&
	       !strncmp(a->host, b->host, len);
}

const struct portbook_row *portbook_find(const struct portbook *b, const struct portbook_row *like)
{
	for (unsigned i = 0; i < b->count; i++)
		if (is_same(&b->row[i], like))
			return &b->row[i];
	return NULL;
}

static int append(struct portbook *b, const struct portbook_row *r)
{
	struct portbook_row *more;

	if (b->count == PORTBOOK_MAX)
		return 0;
	more = realloc(b->row, (b->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	b->row = more;
	b->row[b->count++] = *r;
	return 0;
}

int portbook_note(struct portbook *b, const struct portbook_row *r)
{
	struct portbook_row *old = (struct portbook_row *)portbook_find(b, r);

	if (!old)
		return append(b, r);
	*old = *r;
	return 0;
}

/* --- the file --- */

static int take_text(char *out, size_t cap, const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	if (!text || strlen(text) >= cap)
		return -EPROTO;
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int take_row(struct portbook_row *r, const json_t *j)
{
	json_int_t port = json_integer_value(json_object_get(j, "port"));

	*r = (struct portbook_row){
		.is_udp = json_is_true(json_object_get(j, "udp")),
		.port = (uint16_t)port,
	};
	if (port < 0 || port > UINT16_MAX || take_text(r->name, sizeof(r->name), j, "name") < 0 ||
	    take_text(r->host, sizeof(r->host), j, "host") < 0 || !strchr(r->host, ':'))
		return -EPROTO;
	return take_text(r->to, sizeof(r->to), j, "guest");
}

int portbook_read(struct portbook *b, const struct vmref *v, struct err *e)
{
	char *text = malloc(BYTES_MAX);
	struct portbook_row r;
	json_t *all, *j;
	size_t i;
	ssize_t n;
	int rc = text ? 0 : -ENOMEM;

	*b = PORTBOOK_NONE;
	n = text ? fd_slurp(v->dir, file_name, text, BYTES_MAX) : 0;
	all = n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
	json_array_foreach(all, i, j)
	{
		if (rc == 0 && take_row(&r, j) == 0)
			rc = append(b, &r);
	}
	json_decref(all);
	free(text);
	return rc < 0 ? err_set(e, rc, "%s: read forwards.json: %s", v->name, strerror(-rc)) : 0;
}

int portbook_write(const struct portbook *b, const struct vmref *v, struct err *e)
{
	json_t *all = json_array();
	char *text;
	int rc;

	for (unsigned i = 0; i < b->count; i++) {
		const struct portbook_row *r = &b->row[i];

		json_array_append_new(all, json_pack("{s:s, s:b, s:s, s:s, s:i}", "name", r->name,
						     "udp", r->is_udp, "host", r->host, "guest",
						     r->to, "port", r->port));
	}
	text = json_dumps(all, JSON_INDENT(1));
	rc = text ? path_replace(v->dir, file_name, text, strlen(text), 0600, e)
		  : err_set(e, -ENOMEM, "write forwards.json: out of memory");
	free(text);
	json_decref(all);
	return rc < 0 ? err_in(e, "%s", v->name) : 0;
}

uint16_t portbook_port(const struct vmref *v, const char *name)
{
	struct portbook_row like = { 0 };
	const struct portbook_row *row = NULL;
	struct err ignored = ERR_NONE;
	struct portbook b = PORTBOOK_NONE;
	uint16_t port = 0;

	snprintf(like.name, sizeof(like.name), "%s", name);
	if (portbook_read(&b, v, &ignored) == 0)
		row = portbook_find(&b, &like);
	if (row)
		port = row->port;
	portbook_close(&b);
	return port;
}
