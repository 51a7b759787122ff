/*
 * probewish - a probe as a person asked for it.
 */
#include "host/probewish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"
#include "host/words.h"

enum {
	INTERVAL_MS = 30000,
	TIMEOUT_MS = 5000,
	RETRIES = 3,
	TIME_MAX_MS = 24 * 3600 * 1000,
	STATUS_MIN = 200,
	STATUS_MAX = 399,
	SSH_PORT = 22,
};

struct saying {
	struct probe_wish *p;
	struct strings *bag;
	const char *what, *text;
};

static const char *keep(const struct saying *s, const char *text, size_t len, struct err *e)
{
	const char *kept = strings_keep(s->bag, text, len);

	if (!kept)
		err_usage(e, "%s: the probes take more than %d KiB", s->what, STRINGS_BYTES >> 10);
	return kept;
}

static int set_kind(const struct saying *s, enum try_kind kind, struct err *e)
{
	if (s->p->kind != TRY_NOTHING)
		return err_usage(e, "%s: the probe %s is of %s already: it tries one thing",
				 s->what, s->p->name, try_kind_name(s->p->kind));
	s->p->kind = kind;
	return 0;
}

/* --- what is tried --- */

static int set_exec(const struct saying *s, struct err *e)
{
	char *own = (char *)keep(s, s->text, strlen(s->text), e); /* ours to cut */
	int n = own ? words_split(own, s->p->argv, PROBE_ARGS_MAX) : 0;

	if (!own)
		return e->code;
	if (n < 0)
		return err_usage(e, "%s: more than %d words", s->what, PROBE_ARGS_MAX);
	if (n == 0)
		return err_usage(e, "%s: is empty: write a command and its arguments", s->what);
	return set_kind(s, TRY_EXEC, e);
}

static int set_shell(const struct saying *s, struct err *e)
{
	const char *own = keep(s, s->text, strlen(s->text), e);

	if (!own)
		return e->code;
	if (!*own)
		return err_usage(e, "%s: is empty: write a line for sh", s->what);
	s->p->argv[0] = "/bin/sh";
	s->p->argv[1] = "-c";
	s->p->argv[2] = own;
	return set_kind(s, TRY_EXEC, e);
}

/* "80", "127.0.0.1:80", "[::1]:80" */
static int set_address(const struct saying *s, const char *text, size_t len, struct err *e)
{
	struct place *p = &s->p->place;
	const char *host = "127.0.0.1", *port = text, *colon = NULL;
	uint32_t number;
	char digits[8];
	size_t n = 9;

	for (size_t i = 0; i < len; i++)
		if (text[i] == ':')
			colon = text + i;
	if (colon) {
		size_t host_len = (size_t)(colon - text);
		int is_bracketed = text[0] == '[' && host_len > 2 && text[host_len - 1] == ']';

		port = colon + 1;
		host = keep(s, text + is_bracketed, host_len - 2 * (size_t)is_bracketed, e);
		if (!host)
			return e->code;
	}
	n = len - (size_t)(port - text);
	snprintf(digits, sizeof(digits), "%.*s", (int)MIN(n, sizeof(digits) - 1), port);
	if (n >= sizeof(digits) || parse_u32(&number, s->what, digits, 1, 65535, e) < 0 || !*host)
		return err_usage(e, "%s: '%s' is no address: write 80, 127.0.0.1:80 or [::1]:80",
				 s->what, s->text);
	p->kind = STREAM_TCP;
	p->address = host;
	p->port = (uint16_t)number;
	return 0;
}

static int set_tcp(const struct saying *s, struct err *e)
{
	int rc = set_address(s, s->text, strlen(s->text), e);

	return rc < 0 ? rc : set_kind(s, TRY_TCP, e);
}

static int set_unix(const struct saying *s, struct err *e)
{
	struct place *p = &s->p->place;

	if (s->text[0] != '/' || strlen(s->text) >= STREAM_PATH_MAX)
		return err_usage(e,
				 "%s: '%s' is no path of a socket: absolute, and of at most %d "
				 "bytes",
				 s->what, s->text, STREAM_PATH_MAX - 1);
	p->kind = STREAM_UNIX;
	p->address = keep(s, s->text, strlen(s->text), e);
	return p->address ? set_kind(s, TRY_UNIX, e) : e->code;
}

/* "80/health", "127.0.0.1:80/health", with or without http:// in front. */
static int set_http(const struct saying *s, struct err *e)
{
	const char *text = s->text + (strncmp(s->text, "http://", 7) ? 0 : 7);
	size_t len = strcspn(text, "/");
	int rc = set_address(s, text, len, e);

	if (rc < 0)
		return rc;
	for (const char *c = text + len; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			return err_usage(e, "%s: '%s' has a byte in its path that stands as %%%02X",
					 s->what, s->text, (unsigned char)*c);
	s->p->path = text[len] ? keep(s, text + len, strlen(text + len), e) : "/";
	return s->p->path ? set_kind(s, TRY_HTTP, e) : e->code;
}

static int set_ssh_banner(const struct saying *s, struct err *e)
{
	int rc = set_address(s, s->text, strlen(s->text), e);

	return rc < 0 ? rc : set_kind(s, TRY_SSH_BANNER, e);
}

/* --- from where, and how --- */

/* One of two words; which. Negative with *e filled. */
static int either(const struct saying *s, const char *no, const char *yes, struct err *e)
{
	if (strcmp(s->text, yes) == 0)
		return 1;
	return strcmp(s->text, no) == 0
		       ? 0
		       : err_usage(e, "%s: '%s' is neither %s nor %s", s->what, s->text, yes, no);
}

static int set_from(const struct saying *s, struct err *e)
{
	int rc = either(s, "host", "guest", e);

	s->p->place.from_guest = rc > 0;
	return MIN(rc, 0);
}

static int set_fatal(const struct saying *s, struct err *e)
{
	int rc = either(s, "no", "yes", e);

	s->p->is_fatal = rc > 0;
	return MIN(rc, 0);
}

/* "204", "200-299" */
static int set_status(const struct saying *s, struct err *e)
{
	char text[16];
	uint32_t min, max;
	char *dash;

	snprintf(text, sizeof(text), "%s", s->text);
	dash = strchr(text, '-');
	if (dash)
		*dash++ = '\0';
	if (strlen(s->text) >= sizeof(text) || parse_u32(&min, s->what, text, 100, 599, e) < 0 ||
	    parse_u32(&max, s->what, dash ? dash : text, min, 599, e) < 0)
		return err_usage(e, "%s: '%s' is no status: write 204 or 200-299", s->what,
				 s->text);
	s->p->status_min = (uint16_t)min;
	s->p->status_max = (uint16_t)max;
	return 0;
}

static int set_time(uint32_t *ms, const struct saying *s, uint32_t min, struct err *e)
{
	int rc = parse_time(ms, s->what, s->text, e);

	if (rc == 0 && (*ms < min || *ms > TIME_MAX_MS))
		rc = err_usage(e, "%s: %s is not a time of %u ms to 24 h", s->what, s->text, min);
	return rc;
}

static int set_interval(const struct saying *s, struct err *e)
{
	return set_time(&s->p->interval_ms, s, 100, e);
}

static int set_timeout(const struct saying *s, struct err *e)
{
	int rc = set_time(&s->p->timeout_ms, s, 10, e);

	if (rc == 0 && s->p->timeout_ms > STREAM_TIMEOUT_MAX)
		rc = err_usage(e, "%s: %s is more than 10 minutes", s->what, s->text);
	return rc;
}

static int set_retries(const struct saying *s, struct err *e)
{
	return parse_u32(&s->p->retries, s->what, s->text, 1, 1000, e);
}

static int set_start_period(const struct saying *s, struct err *e)
{
	s->p->has_start = 1;
	return set_time(&s->p->start_ms, s, 0, e);
}

static const struct {
	const char *word;
	int (*set)(const struct saying *s, struct err *e);
	enum try_kind kind; /* of a probe that this word makes */
} keys[] = {
	{ "exec", set_exec, TRY_EXEC },
	{ "shell", set_shell, TRY_NOTHING },
	{ "tcp", set_tcp, TRY_TCP },
	{ "unix", set_unix, TRY_UNIX },
	{ "http", set_http, TRY_HTTP },
	{ "ssh-banner", set_ssh_banner, TRY_SSH_BANNER },
	{ "status", set_status, TRY_NOTHING },
	{ "from", set_from, TRY_NOTHING },
	{ "fatal", set_fatal, TRY_NOTHING },
	{ "interval", set_interval, TRY_NOTHING },
	{ "timeout", set_timeout, TRY_NOTHING },
	{ "retries", set_retries, TRY_NOTHING },
	{ "start-period", set_start_period, TRY_NOTHING },
};

const char *try_kind_name(enum try_kind k)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (k != TRY_NOTHING && keys[i].kind == k)
			return keys[i].word;
	return "nothing";
}

/* --- the whole --- */

static int check_name(const char *what, const char *name, struct err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t len = strlen(name);

	if (len && len <= PROBE_NAME_MAX && name[strspn(name, letters)] == '\0')
		return 0;
	return err_usage(e, "%s: '%s' is no name of a probe: 1 to %d of a-z 0-9 - _ .", what, name,
			 PROBE_NAME_MAX);
}

static struct probe_wish *find_or_add(struct probe_wishes *w, struct strings *bag, const char *what,
				      const char *name, struct err *e)
{
	struct probe_wish *p = w->probe;

	for (; p < w->probe + w->count; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	if (check_name(what, name, e) < 0)
		return NULL;
	if (w->count == PROBES_MAX) {
		err_usage(e, "%s: more than %d probes", what, PROBES_MAX);
		return NULL;
	}
	*p = (struct probe_wish){
		.place = { .from_guest = 1 },
		.status_min = STATUS_MIN,
		.status_max = STATUS_MAX,
		.interval_ms = INTERVAL_MS,
		.timeout_ms = TIMEOUT_MS,
		.retries = RETRIES,
		.is_fatal = 1,
	};
	p->name = strings_keep(bag, name, strlen(name));
	if (!p->name) {
		err_usage(e, "%s: the probes take more than %d KiB", what, STRINGS_BYTES >> 10);
		return NULL;
	}
	w->count++;
	return p;
}

int probewish_set(struct probe_wishes *w, struct strings *bag, const char *name, const char *key,
		  const char *what, const char *text, struct err *e)
{
	struct saying s = { find_or_add(w, bag, what, name, e), bag, what, text };

	if (!s.p)
		return e->code;
	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(keys[i].word, key) == 0)
			return keys[i].set(&s, e);
	return err_usage(
		e,
		"%s: '%s' is not said of a probe: there are exec, shell, tcp, unix, http, "
		"ssh-banner, status, from, fatal, interval, timeout, retries, start-period",
		what, key);
}

int probewish_words(struct probe_wishes *w, struct strings *bag, const char *what, const char *text,
		    struct err *e)
{
	char name[64], key[16], value[512];
	size_t n = strcspn(text, " ");
	int rc = 0;

	snprintf(name, sizeof(name), "%.*s", (int)MIN(n, sizeof(name) - 1), text);
	if (!find_or_add(w, bag, what, name, e))
		return e->code;
	for (text += n; rc == 0 && text[strspn(text, " ")]; text += n) {
		const char *at = text + strspn(text, " "), *equals = strchr(at, '=');
		size_t klen = equals ? (size_t)(equals - at) : sizeof(key);

		if (klen >= sizeof(key))
			return err_usage(e, "%s: '%s' is not KEY=VALUE, as in tcp=80", what, at);
		snprintf(key, sizeof(key), "%.*s", (int)klen, at);
		n = strcmp(key, "exec") && strcmp(key, "shell") ? strcspn(equals, " ")
								: strlen(equals);
		if (n > sizeof(value))
			return err_usage(e, "%s: %s= is longer than %zu bytes", what, key,
					 sizeof(value) - 1);
		snprintf(value, sizeof(value), "%.*s", (int)n - 1, equals + 1);
		rc = probewish_set(w, bag, name, key, what, value, e);
		text = equals;
	}
	return rc;
}

int probewish_check(const struct probe_wishes *w, int has_agent, struct err *e)
{
	for (unsigned i = 0; i < w->count; i++) {
		const struct probe_wish *p = &w->probe[i];
		int is_exec = p->kind == TRY_EXEC;

		if (p->kind == TRY_NOTHING)
			return err_usage(
				e,
				"probe %s: tries nothing: give it one of exec, shell, tcp, "
				"unix, http, ssh-banner",
				p->name);
		if (is_exec && !p->place.from_guest)
			return err_usage(e, "probe %s: exec runs in the guest: from = guest",
					 p->name);
		if (!is_exec && !p->place.from_guest && !place_is_numeric(&p->place))
			return err_usage(e,
					 "probe %s: from the host, '%s' has to be an address, "
					 "as 127.0.0.1 or ::1",
					 p->name, p->place.address);
		if (!has_agent && p->place.from_guest)
			return err_usage(e,
					 "probe %s: a plain VM has no agent in the guest to try it "
					 "from: from = host, or require = agent_up",
					 p->name);
	}
	return 0;
}
