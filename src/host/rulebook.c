/*
 * rulebook - the forwards a VM has in this run, where they are not what its vm.ini says any more.
 */
#include "host/rulebook.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"

enum { BYTES_MAX = 512 * 1024 };

static const char file_name[] = "forwards.run";

/* With the port it was given: its clients know that one. */
static json_t *rule_of(const struct forward *f)
{
	char host[HOSTADDR_TEXT], to[DESTINATION_TEXT];

	return json_sprintf("%s%s%s:%s%s", f->name, f->name[0] ? "=" : "",
			    hostaddr_text(host, &f->host), destination_text(to, &f->to),
			    f->is_udp ? "/udp" : "");
}

static int write_all(const struct vmref *v, json_t *all, struct err *e)
{
	char *text = json_dumps(all, JSON_INDENT(1));
	int rc = text ? path_replace(v->dir, file_name, text, strlen(text), 0600, e)
		      : err_set(e, -ENOMEM, "out of memory");

	free(text);
	return rc;
}

void rulebook_write(const struct forwards *fs)
{
	json_t *all = json_array();
	struct err e = ERR_NONE;

	for (const struct forward *f = fs->first; f; f = f->next)
		if (!f->is_auto) /* those follow from their rule */
			json_array_append_new(all, rule_of(f));
	for (unsigned i = 0; i < fs->automatic.nrules; i++)
		json_array_append_new(all, json_string(fs->automatic.rule[i].text));
	if (write_all(fs->vm, all, &e) < 0)
		log_warn("forward: it will not be known to another agent: %s", e.text);
	json_decref(all);
}

void rulebook_drop(const struct vmref *v)
{
	(void)unlinkat(v->dir, file_name, 0);
}

int rulebook_read(const struct vmref *v, void (*take)(void *arg, const char *rule), void *arg)
{
	char *text = malloc(BYTES_MAX);
	ssize_t n = text ? fd_slurp(v->dir, file_name, text, BYTES_MAX) : 0;
	json_t *all = n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL, *rule;
	int is_there = json_is_array(all);
	size_t i;

	json_array_foreach(all, i, rule)
	{
		if (json_is_string(rule))
			take(arg, json_string_value(rule));
	}
	json_decref(all);
	free(text);
	return is_there;
}
