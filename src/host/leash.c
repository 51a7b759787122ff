/*
 * leash - the starter's end of the socket between it and an agent: what comes up it, and what of that is told.
 */
#include "host/leash.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

static const char *text_of(const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	return text ? text : "";
}

static int64_t number_of(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

/* What the guest tells of itself begins with its beacon, so it comes all at once: when it
 * happened is what its own clock says. */
static void tell_guest_stage(const json_t *j)
{
	fprintf(stderr, "    guest %-12s at %" PRId64 " ms of its clock%s%s%s\n",
		text_of(j, "stage"), number_of(j, "guest_ms"),
		strcmp(text_of(j, "state"), "failed") ? "" : ", failed",
		*text_of(j, "detail") ? ": " : "", text_of(j, "detail"));
}

/* Why one failed is the error that follows. */
static void tell_host_stage(const struct leash *l, const json_t *j)
{
	fprintf(stderr, "  %-10s %6" PRId64 " ms%s\n", text_of(j, "stage"),
		number_of(j, "t_ms") - l->stage_ms,
		strcmp(text_of(j, "state"), "failed") ? "" : ", failed");
}

/* What the guest's systemd has reached, as it says. */
static void tell_unit(const json_t *j)
{
	fprintf(stderr, "    systemd %s\n", text_of(j, "stage"));
}

/* A script of its provision: one that is over. */
static void tell_script(const json_t *j)
{
	const char *said = text_of(j, "detail");

	if (json_object_get(j, "code"))
		fprintf(stderr, "    script %-11s %6" PRId64 " ms, ended with %" PRId64 "%s%s\n",
			text_of(j, "script"), number_of(j, "ms"), number_of(j, "code"),
			number_of(j, "code") && *said ? ": " : "",
			number_of(j, "code") ? said : "");
}

/* The host's stages follow each other: one begins where the one before ended. */
static void take_stage(struct leash *l, const json_t *j)
{
	int is_host = strcmp(text_of(j, "origin"), "host") == 0;
	int is_guest = strcmp(text_of(j, "origin"), "guest") == 0;

	if (strcmp(text_of(j, "state"), "begin") == 0) {
		if (is_host)
			l->stage_ms = number_of(j, "t_ms");
	} else if (l->stages) {
		if (is_host)
			tell_host_stage(l, j);
		else if (is_guest)
			tell_guest_stage(j);
		else
			tell_unit(j);
	}
}

static void keep_end(struct ending *x, const json_t *j)
{
	const json_t *status = json_object_get(j, "status");

	snprintf(x->reason, sizeof(x->reason), "%s", text_of(j, "reason"));
	snprintf(x->detail, sizeof(x->detail), "%s", text_of(j, "detail"));
	x->code = (int)number_of(j, "code");
	x->ran = json_is_true(json_object_get(j, "ran"));
	x->has_status = json_is_integer(status);
	x->status = (int)json_integer_value(status);
	x->console_from = number_of(j, "console_from");
	diagnosis_take(&x->diagnosis, json_object_get(j, "diagnosis"));
}

/* Which port it is may not be known before. Why one failed is the error that follows. */
static void tell_forward(const struct leash *l, const json_t *j)
{
	if (l->stages && !strcmp(text_of(j, "state"), "listening"))
		fprintf(stderr, "  %s %s -> %s%s%s\n", text_of(j, "proto"), text_of(j, "host"),
			text_of(j, "guest"), *text_of(j, "detail") ? ": " : "",
			text_of(j, "detail"));
}

static void take_event(struct leash *l, const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, 0, NULL);
	const char *event = text_of(j, "event");

	if (strcmp(event, "stage") == 0)
		take_stage(l, j);
	else if (strcmp(event, "provision") == 0 && l->stages)
		tell_script(j);
	else if (strcmp(event, "degraded") == 0)
		snprintf(l->degraded, sizeof(l->degraded), "%s", text_of(j, "reason"));
	else if (strcmp(event, "ready") == 0)
		l->ready_ms = number_of(j, "t_ms");
	else if (strcmp(event, "forward") == 0)
		tell_forward(l, j);
	else if (strcmp(event, "exit") == 0)
		keep_end(&l->end, j);
	json_decref(j);
}

int leash_read(struct leash *l)
{
	ssize_t n = fd_read(l->fd, l->line + l->have, sizeof(l->line) - l->have);
	char *end;

	if (n <= 0)
		return 0;
	l->have += (size_t)n;
	while ((end = memchr(l->line, '\n', l->have))) {
		size_t len = (size_t)(end - l->line);

		take_event(l, l->line, len);
		l->have -= len + 1;
		memmove(l->line, end + 1, l->have);
	}
	/* A longer line than the agent ever writes would leave no room to read into. */
	return l->have < sizeof(l->line);
}

void leash_hold(struct leash *l, int fd)
{
	fd_close(&l->fd);
	l->fd = fd;
	l->have = 0; /* what a dead agent did not finish */
}

void leash_pull(struct leash *l)
{
	shutdown(l->fd, SHUT_WR);
}

void leash_drop(struct leash *l)
{
	char rest[512];

	leash_pull(l);
	while (fd_read(l->fd, rest, sizeof(rest)) > 0)
		;
	fd_close(&l->fd);
}
