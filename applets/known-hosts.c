/*
 * vmtool known-hosts - the host keys we have pinned: told, checked, added and dropped.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/util.h"
#include "host/guestkeys.h"
#include "host/pins.h"
#include "host/serverkeys.h"
#include "host/vmkeys.h"
#include "host/vmpins.h"
#include "ssh/endpoint.h"

enum { OPT_KEY = OPT_LONG, OPT_AS, OPT_SHOWN, OPT_TELL, OPT_JSON, OPT_TIMEOUT };
enum { SCAN_MS = 10000, SCANS = 64 };
enum { KEY_FILE_ROOM = 128 * 1024 };

static const struct opt known_hosts_opts[] = {
	{ OPT_KEY, "key", "FILE",
	  "pin, check: the server's public keys, as in .pub files; - is stdin. Without it the server "
	  "is asked" },
	{ OPT_AS, "as", "NAME", "pin, check, guest: the name it is kept under, instead of HOST" },
	{ OPT_SHOWN, "shown", "TYPE:BASE64", "guest: the key its server shows: 3 when that is another" },
	{ OPT_TELL, "tell", "FILE", "guest: where to say so, too" },
	{ OPT_TIMEOUT, "timeout", "TIME", "scan, pin, check: for the server to show its keys (10s)" },
	{ OPT_JSON, "json", NULL, "ls: as JSON" },
	{ 0 },
};

struct request {
	const char *key_file, *as, *shown, *tell;
	uint32_t timeout_ms;
	int json;
	struct home home;
};

/* "HOST", "HOST:PORT" as it is looked for. */
static int take_name(char out[KNOWNNAME_ROOM], const char *text, struct err *e)
{
	struct endpoint where;

	if (endpoint_parse(&where, text, e) < 0)
		return e->code;
	if (where.kind != ENDPOINT_TCP)
		return err_usage(e, "'%s': HOST or HOST:PORT is wanted here", text);
	return knownname(out, where.host, where.port, e);
}

static int read_keys(struct hostkeys *keys, const char *file, struct err *e)
{
	char *text = malloc(KEY_FILE_ROOM);
	ssize_t n;
	int rc;

	if (!text)
		return err_set(e, -ENOMEM, "no memory for %s", file);
	n = fd_slurp(AT_FDCWD, strcmp(file, "-") ? file : "/dev/stdin", text, KEY_FILE_ROOM);
	if (n < 0)
		rc = err_set(e, (int)n, "read %s: %s", file, strerror((int)-n));
	else if (hostkeys_from_text(keys, text, (size_t)n, e) < 0)
		rc = err_in(e, "%s", file);
	else
		rc = 0;
	free(text);
	return rc;
}

/* From the server, by name: those it has proved to have. Others are told, and left out. */
static int ask_keys(const struct request *q, struct hostkeys *keys, const char *host,
		    struct err *e)
{
	struct scan *s = calloc(1, sizeof(*s));
	struct endpoint where;
	int rc = s ? endpoint_parse(&where, host, e) : err_set(e, -ENOMEM, "no memory for a scan");

	if (rc == 0) {
		s->where = &where;
		rc = serverkeys_ask(s, 1, q->timeout_ms, e);
	}
	if (rc == 0 && s->verdict != PROBE_OK)
		rc = serverkeys_failure(s, host, e);
	if (rc == 0) {
		serverkeys_proved(keys, s);
		if (keys->count == 0)
			rc = err_set(e, -EREMOTEIO, "%s: no key of it could be verified", host);
	}
	free(s);
	return rc;
}

/* The one HOST of pin and check, and what it shows. */
static int take_server(struct request *q, struct cmdline *cl, char name[KNOWNNAME_ROOM],
		       struct hostkeys *keys, struct err *e)
{
	const char *host = operand_alone(cl, "HOST", e);

	if (!host || take_name(name, host, e) < 0)
		return e->code;
	if (q->as && knownname(name, q->as, 0, e) < 0)
		return e->code;
	return q->key_file ? read_keys(keys, q->key_file, e) : ask_keys(q, keys, host, e);
}

/* What ssh looks for: a name that ends in .vm, perhaps as [NAME.vm]:PORT. */
static void vm_of(char *out, size_t cap, const char *host)
{
	size_t len;

	host += *host == '[';
	len = strcspn(host, "]:");
	if (len > 3 && !memcmp(host + len - 3, ".vm", 3))
		len -= 3;
	snprintf(out, cap, "%.*s", (int)len, host);
}

/* Those a guest's server may show: the one that was made for it, or what the guest says. */
static int guests_keys(struct hostkeys *keys, char where[PATH_ROOM], const struct home *h,
		       const char *vm, struct err *e)
{
	struct vmkeys *own = calloc(1, sizeof(*own));
	int rc = own ? vmkeys_find(own, h, vm, e) : err_set(e, -ENOMEM, "no memory for a key");

	if (rc == 0 && own->has_host) {
		keys->count = 1;
		keys->at[0] = own->host;
		snprintf(where, PATH_ROOM, "%s", own->host_path);
	} else if (rc == 0) {
		rc = guestkeys_ask(keys, vm, e);
		snprintf(where, PATH_ROOM, "/etc/ssh of the guest");
	}
	free(own);
	return rc;
}

/* "NONE:NONE": ssh asks before the server has shown anything. */
static int take_shown(struct hostkey *k, const char *text, struct err *e)
{
	size_t type = strcspn(text, ":");

	if (!strcmp(text, "NONE:NONE"))
		return 0;
	if (text[type] && hostkey_from_fields(k, text, type, text + type + 1,
					      strlen(text + type + 1)) == 0)
		return 1;
	return err_usage(e, "--shown: '%.40s...' is no TYPE:BASE64", text);
}

/* Whoever waits for ssh cannot tell by its exit code, which is 255 for all that goes wrong. */
static void tell_mismatch(const char *file)
{
	int fd = file ? open(file, O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1;

	if (fd >= 0)
		fd_write(fd, "3", 1);
	fd_close(&fd);
}

static int judge_shown(const struct request *q, const struct hostkeys *keys, const char *vm,
		       const char *where, struct err *e)
{
	static struct hostkey shown;
	const struct hostkey *old = &keys->at[0];
	int rc = q->shown ? take_shown(&shown, q->shown, e) : 0;

	if (rc <= 0)
		return rc;
	for (unsigned i = 0; i < keys->count; i++) {
		if (hostkey_is_same(&keys->at[i], &shown))
			return 0;
		if (!strcmp(keys->at[i].type, shown.type))
			old = &keys->at[i];
	}
	tell_mismatch(q->tell);
	pins_guest_mismatch(e, &shown, old, where);
	return err_in(e, "%s", vm);
}

/* The keys of a guest of ours: lines for ssh's KnownHostsCommand. */
static int do_guest(void *ask, struct cmdline *cl, struct err *e)
{
	struct request *q = ask;
	static char text[HOSTKEY_TEXT_ROOM];
	static struct hostkeys keys;
	const char *host = operand_alone(cl, "NAME", e);
	char name[KNOWNNAME_ROOM], vm[KNOWNNAME_ROOM], where[PATH_ROOM];

	if (!host)
		return e->code;
	vm_of(vm, sizeof(vm), host);
	if (parse_name(vm, e) < 0 || guests_keys(&keys, where, &q->home, vm, e) < 0 ||
	    judge_shown(q, &keys, vm, where, e) < 0)
		return e->code;
	snprintf(name, sizeof(name), "%.290s%s", q->as ? q->as : host,
		 q->as || strchr(host, '.') ? "" : ".vm");
	for (unsigned i = 0; i < keys.count; i++) {
		hostkey_text(text, &keys.at[i]);
		printf("%s %s\n", name, text);
	}
	return 0;
}

static int do_check(void *ask, struct cmdline *cl, struct err *e)
{
	struct request *q = ask;
	char name[KNOWNNAME_ROOM];
	struct hostkeys keys;
	int rc = take_server(q, cl, name, &keys, e);

	if (rc == 0)
		rc = pins_check(&q->home, name, &keys, e);
	return rc <= 0 ? rc : err_set(e, -ENOENT, "%s: no key of it is pinned", name);
}

static int do_pin(void *ask, struct cmdline *cl, struct err *e)
{
	struct request *q = ask;
	char name[KNOWNNAME_ROOM];
	struct hostkeys keys;
	int rc = take_server(q, cl, name, &keys, e);

	if (rc == 0)
		rc = pins_pin(&q->home, name, &keys, "", e);
	if (rc > 0 && !q->key_file)
		fprintf(stderr,
			"%s: %d key%s trusted on first use: nobody has said that they are the right ones\n",
			name, rc, rc == 1 ? "" : "s");
	return rc < 0 ? rc : 0;
}

/* As lines of a known_hosts; what a reader should know besides is on stderr. */
static void show_scan(const struct scan *s, const char *name)
{
	static char text[HOSTKEY_TEXT_ROOM];
	char print[HOSTKEY_PRINT_ROOM];

	fprintf(stderr, "# %s %s\n", s->address, s->banner);
	for (unsigned i = 0; i < s->count; i++) {
		const struct scan_key *k = &s->keys[i];

		hostkey_print(print, &k->key);
		hostkey_text(text, &k->key);
		fprintf(stderr, "# %s %s %s\n", k->key.type, print,
			k->is_verified ? "verified" : "unverified: its signature cannot be checked here");
		printf("%s %s\n", name, text);
	}
}

/* Names for the lines, and where to ask. How many, or wrong usage. */
static int take_scans(struct cmdline *cl, struct scan *scans, struct endpoint *where,
		      char (*name)[KNOWNNAME_ROOM], struct err *e)
{
	const char *host = operand(cl, "HOST", e);
	unsigned count = 0;

	if (!host)
		return e->code;
	for (; host; host = operand_or_none(cl)) {
		struct endpoint *p = &where[count];

		if (count == SCANS)
			return err_usage(e, "more than %d servers at once", SCANS);
		if (endpoint_parse(p, host, e) < 0 ||
		    (p->kind == ENDPOINT_TCP && knownname(name[count], p->host, p->port, e) < 0))
			return e->code;
		if (p->kind != ENDPOINT_TCP)
			snprintf(name[count], KNOWNNAME_ROOM, "%.299s", host);
		scans[count++].where = p;
	}
	return (int)count;
}

/* Those that answer are shown; the first that does not is the failure. */
static int do_scan(void *ask, struct cmdline *cl, struct err *e)
{
	struct request *q = ask;
	static struct endpoint where[SCANS];
	static char name[SCANS][KNOWNNAME_ROOM];
	struct scan *scans = calloc(SCANS, sizeof(*scans)), *bad = NULL;
	int count, rc;

	if (!scans)
		return err_set(e, -ENOMEM, "no memory for a scan");
	rc = count = take_scans(cl, scans, where, name, e);
	if (rc > 0)
		rc = serverkeys_ask(scans, (unsigned)count, q->timeout_ms, e);
	for (int i = 0; rc == 0 && i < count; i++)
		if (scans[i].verdict == PROBE_OK)
			show_scan(&scans[i], name[i]);
		else
			bad = bad ? bad : &scans[i];
	if (bad)
		rc = serverkeys_failure(bad, name[bad - scans], e);
	free(scans);
	return rc;
}

/* A VM's go with all its names; what is no VM, or one that went long ago, may still be pinned. */
static int drop_vm(const struct home *h, const char *name, struct err *e)
{
	char dotted[KNOWNNAME_ROOM + 4];
	const char *const names[] = { name, dotted, NULL };
	struct vmref v = VMREF_NONE;
	struct err none = ERR_NONE;
	int is_vm = store_find(&v, h, name, &none) == 0;
	int rc = is_vm ? vmpins_drop(&v, e) : 0;

	store_close(&v);
	if (is_vm)
		return rc;
	snprintf(dotted, sizeof(dotted), "%s.vm", name);
	return pins_drop(h, names, e);
}

static int do_rm(void *ask, struct cmdline *cl, struct err *e)
{
	struct request *q = ask;
	const char *text = operand(cl, "NAME", e);
	int rc = text ? 0 : e->code, dropped = 0;

	for (; rc >= 0 && text; text = operand_or_none(cl)) {
		char name[KNOWNNAME_ROOM];
		const char *const names[] = { name, NULL };

		if (take_name(name, text, e) < 0)
			return e->code;
		rc = strpbrk(name, ".:[") ? pins_drop(&q->home, names, e)
					  : drop_vm(&q->home, name, e);
		if (rc == 0)
			return err_set(e, -ENOENT, "%s: no key of it is pinned", text);
		dropped += MAX(rc, 0);
	}
	if (rc >= 0)
		fprintf(stderr, "%d pin%s dropped\n", dropped, dropped == 1 ? "" : "s");
	return rc < 0 ? rc : 0;
}

static const char *const kinds[] = {
	[KNOWNLINE_KEY] = "key",
	[KNOWNLINE_CA] = "cert-authority",
	[KNOWNLINE_REVOKED] = "revoked",
	[KNOWNLINE_BROKEN] = "broken",
};

static json_t *text_of(const char *text, size_t len)
{
	json_t *s = len ? json_stringn(text, len) : json_null();

	return s ? s : json_null(); /* not UTF-8 */
}

static void show(const struct knowncursor *c, const struct hostkey *key, json_t *all)
{
	char print[HOSTKEY_PRINT_ROOM] = "";
	const struct knownline *l = &c->line;
	enum knownline_kind kind = key ? l->kind : KNOWNLINE_BROKEN;

	if (key)
		hostkey_print(print, key);
	if (all)
		json_array_append_new(all, json_pack("{s:i, s:s, s:o, s:o, s:o}", "line",
						     (int)c->number, "kind", kinds[kind], "hosts",
						     text_of(l->hosts.at, l->hosts.len), "type",
						     text_of(l->type.at, l->type.len),
						     "fingerprint", text_of(print, strlen(print))));
	else if (key)
		printf("%-4u  %-30.*s  %-20s  %s%s%s\n", c->number, (int)l->hosts.len, l->hosts.at,
		       key->type, print, kind == KNOWNLINE_KEY ? "" : "  ",
		       kind == KNOWNLINE_KEY ? "" : kinds[kind]);
}

/* Of all lines, or of those that speak of a name. How many. */
static int list(const struct knownhosts *k, const char *name, json_t *all)
{
	struct knowncursor c = { 0 };
	int count = 0;

	while (name ? knownhosts_find(k, &c, name) : knownhosts_next(k, &c)) {
		struct hostkey key;
		int ok;

		if (c.line.kind == KNOWNLINE_NOTE)
			continue;
		ok = c.line.kind != KNOWNLINE_BROKEN && knownline_key(&c.line, &key) == 0;
		if (!ok)
			fprintf(stderr, "vmtool known-hosts: %s:%u: a broken line; it is kept\n",
				k->path, c.number);
		show(&c, ok ? &key : NULL, all);
		count++;
	}
	return count;
}

static int open_file(struct knownhosts *k, const struct request *q, int change, struct err *e)
{
	char folder[PATH_ROOM];

	if (pins_folder(folder, &q->home, e) < 0)
		return e->code;
	return knownhosts_open(k, folder, change, e);
}

static int do_ls(void *ask, struct cmdline *cl, struct err *e)
{
	struct request *q = ask;
	struct knownhosts k = KNOWNHOSTS_NONE;
	json_t *all = q->json ? json_array() : NULL;
	const char *host = operand_or_none(cl);
	char name[KNOWNNAME_ROOM];
	int rc = operands_end(cl, e);

	if (rc == 0 && host)
		rc = take_name(name, host, e);
	if (rc == 0)
		rc = open_file(&k, q, 0, e);
	if (rc == 0 && !all && k.len > 0)
		printf("%-4s  %-30s  %-20s  %s\n", "LINE", "HOSTS", "TYPE", "FINGERPRINT");
	if (rc == 0 && list(&k, host ? name : NULL, all) == 0 && host)
		rc = err_set(e, -ENOENT, "%s: no key of it is pinned", host);
	if (all && (rc == 0 || host)) {
		json_dumpf(all, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(all);
	knownhosts_close(&k);
	return rc;
}

static void say_broken(const struct knownhosts *from, unsigned number)
{
	fprintf(stderr, "vmtool known-hosts: %s:%u: a broken line, left out\n", from->path, number);
}

static int do_import(void *ask, struct cmdline *cl, struct err *e)
{
	struct request *q = ask;
	const char *file = operand_alone(cl, "FILE", e);
	struct knownhosts from = KNOWNHOSTS_NONE;
	int rc;

	if (!file)
		return e->code;
	rc = knownhosts_read(&from, file, e);
	if (rc == 0)
		rc = pins_import(&q->home, &from, say_broken, e);
	if (rc >= 0)
		fprintf(stderr, "%d line%s taken over\n", rc, rc == 1 ? "" : "s");
	knownhosts_close(&from);
	return rc < 0 ? rc : 0;
}

static int do_hash(void *ask, struct cmdline *cl, struct err *e)
{
	struct request *q = ask;
	struct knownhosts k = KNOWNHOSTS_NONE;
	int count = 0, rc = operands_end(cl, e);

	if (rc == 0)
		rc = open_file(&k, q, 1, e);
	if (rc == 0)
		rc = count = knownhosts_hash(&k, e);
	if (rc > 0)
		rc = knownhosts_save(&k, e);
	if (rc >= 0)
		fprintf(stderr, "%d name%s hashed\n", count, count == 1 ? "" : "s");
	knownhosts_close(&k);
	return rc < 0 ? rc : 0;
}

static const struct verb verbs[] = {
	{ "scan", do_scan }, { "check", do_check }, { "pin", do_pin },	    { "rm", do_rm },
	{ "ls", do_ls },     { "hash", do_hash },   { "import", do_import }, { "guest", do_guest },
};

static int known_hosts_run(struct cmdline *cl, struct err *e)
{
	struct request q = { .home = HOME_NONE, .timeout_ms = SCAN_MS };
	const struct {
		int option;
		const char **to;
	} texts[] = { { OPT_KEY, &q.key_file },
		      { OPT_AS, &q.as },
		      { OPT_SHOWN, &q.shown },
		      { OPT_TELL, &q.tell } };
	const struct verb *verb;
	int c, rc;

	while ((c = opt_next(cl, e)) != 0) {
		if (c < 0)
			return c;
		for (size_t i = 0; i < COUNT(texts); i++)
			if (texts[i].option == c)
				*texts[i].to = cl->value;
		if (c == OPT_TIMEOUT && parse_time(&q.timeout_ms, "--timeout", cl->value, e) < 0)
			return e->code;
		q.json |= c == OPT_JSON;
	}
	verb = operand_verb(cl, verbs, COUNT(verbs), e);
	if (!verb || home_open(&q.home, 0, e) < 0)
		return e->code;
	rc = verb->run(&q, cl, e);
	home_close(&q.home);
	return rc;
}

const struct applet applet_known_hosts = {
	.name = "known-hosts",
	.args = "scan|check|pin|rm|ls|hash|import|guest [HOST[:PORT]|FILE|NAME]...",
	.help = "Keep the host keys that servers have shown",
	.more = "  vmtool known-hosts ls\n"
		"  vmtool known-hosts scan 10.0.0.5 db:2222\n"
		"  vmtool known-hosts pin 10.0.0.5\n"
		"  vmtool known-hosts check --key db.pub db:2222\n"
		"  vmtool known-hosts rm web\n\n"
		"scan asks servers for their host keys, has each prove that it has the private\n"
		"one too, and prints them as lines of known_hosts. Who has the keys is not known\n"
		"by that: pin without --key trusts what it sees the first time, and says so.\n"
		"check is silent when the key is pinned, 1 when nothing is, and 3 when it is\n"
		"another one. pin does the same, and writes down what is new. The file is\n"
		"vmtool's own, ssh/known_hosts in its state, in OpenSSH's format; nobody else's\n"
		"is read or written. guest asks a VM for its own keys, through its vsock, and\n"
		"prints them as lines of such a file.\n",
	.opts = known_hosts_opts,
	.command_after = -1,
	.run = known_hosts_run,
};
