/*
 * forwards - what of a VM can be reached on this host.
 */
#include "host/forwards.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/util.h"
#include "host/portowner.h"

enum { DETAIL_MAX = sizeof(((struct err *)0)->text) + 40 };

/* --- the list --- */

static void append(struct forwards *fs, struct forward *f)
{
	struct forward **at = &fs->first;

	while (*at)
		at = &(*at)->next;
	*at = f;
	f->next = NULL;
	fs->count++;
}

static void take_out(struct forward **list, struct forward *f)
{
	while (*list != f)
		list = &(*list)->next;
	*list = f->next;
}

/* It stays in memory until its last connection has ended. */
static void let_go(struct forwards *fs, struct forward *f)
{
	forward_close(f);
	take_out(&fs->first, f);
	fs->count--;
	f->next = fs->leaving;
	fs->leaving = f;
	forwards_left(fs, f);
}

const struct forward *forwards_find(const struct forwards *fs, const char *name)
{
	for (const struct forward *f = fs->first; f; f = f->next)
		if (f->name[0] && !strcmp(f->name, name))
			return f;
	return NULL;
}

/* --- connections --- */

static void hold_all(struct forwards *fs, int held)
{
	for (struct forward *f = fs->first; f; f = f->next)
		if (!f->is_udp)
			listener_hold(&f->listener, held);
}

void forwards_take(struct forwards *fs, struct forward *f, int fd)
{
	tunnel_start(fs->tunnels, f, fd);
	if (!fs->is_full && tunnels_are_full(fs->tunnels)) {
		fs->is_full = 1;
		hold_all(fs, 1);
	}
}

void forwards_left(struct forwards *fs, struct forward *f)
{
	if (f->state == FORWARD_CLOSED && f->open == 0) {
		take_out(&fs->leaving, f);
		free(f);
	}
	if (fs->is_full && !tunnels_are_full(fs->tunnels)) {
		fs->is_full = 0;
		hold_all(fs, 0);
	}
}

/* --- opening one --- */

/* Who is in the way, where that can be found out. */
static int tell_owner(const struct forwards *fs, const struct hostaddr *host, int is_udp,
		      struct err *e)
{
	char text[HOSTADDR_TEXT], owner[PORTOWNER_TEXT];

	for (const struct forward *f = fs->first; f; f = f->next)
		if (f->is_udp == is_udp && hostaddr_same(&f->host, host))
			return err_set(e, -EADDRINUSE, "%s: this VM has such a forward already",
				       hostaddr_text(text, host));
	portowner_find(owner, host, is_udp, fs->vm ? fs->vm->home : NULL);
	if (owner[0])
		err_set(e, -EADDRINUSE, "%s: is in use by %s", hostaddr_text(text, host), owner);
	return e->code;
}

struct forward *forwards_listen(struct forwards *fs, const struct forward *like, struct err *e)
{
	struct forward *f = malloc(sizeof(*f));
	int rc;

	if (!f || fs->count == FORWARDS_MAX) {
		free(f);
		err_set(e, -ENOSPC, "a VM has at most %d forwards", FORWARDS_MAX);
		return NULL;
	}
	*f = *like;
	f->all = fs;
	f->id = ++fs->last_id;
	rc = forward_open(f, e);
	if (rc < 0) {
		if (rc == -EADDRINUSE)
			tell_owner(fs, &like->host, like->is_udp, e);
		free(f);
		return NULL;
	}
	if (!f->is_udp)
		listener_hold(&f->listener, fs->is_full);
	append(fs, f);
	return f;
}

/* --- the port of last time --- */

static struct portbook_row row_of(const struct forward *f)
{
	struct portbook_row r = { .is_udp = f->is_udp, .port = hostaddr_port(&f->host) };

	memcpy(r.name, f->name, sizeof(r.name));
	hostaddr_text(r.host, &f->host);
	destination_text(r.to, &f->to);
	return r;
}

/* One that may have any port gets the one it had. detail: why that cannot be, or "". */
static struct forward *listen_as_before(struct forwards *fs, const struct forward *like,
					char detail[DETAIL_MAX], struct err *e)
{
	const struct portbook_row want = row_of(like), *had = portbook_find(&fs->book, &want);
	struct err taken = ERR_NONE;
	struct forward again = *like, *f;

	detail[0] = '\0';
	if (want.port || !had || hostaddr_is_unix(&like->host) || had->is_udp != like->is_udp)
		return forwards_listen(fs, like, e);
	hostaddr_set_port(&again.host, had->port);
	f = forwards_listen(fs, &again, &taken);
	if (f)
		return f;
	snprintf(detail, DETAIL_MAX, "not the port of last time: %s", taken.text);
	return forwards_listen(fs, like, e);
}

static void note(struct forwards *fs, const struct forward *f)
{
	struct portbook_row r = row_of(f);

	if (portbook_note(&fs->book, &r) < 0)
		log_warn("forward: its port will not be remembered");
}

/* A full disk is no reason not to forward. */
static void write_book(struct forwards *fs)
{
	struct err e = ERR_NONE;

	if (fs->vm && portbook_write(&fs->book, fs->vm, &e) < 0)
		log_warn("forward: %s", e.text);
}

/* --- rules --- */

static int add_one(struct forwards *fs, const struct forward *like, struct err *e)
{
	char detail[DETAIL_MAX];
	struct forward *f = listen_as_before(fs, like, detail, e);

	if (!f) {
		fs->news->failed(fs, like, e->text);
		return e->code;
	}
	note(fs, f);
	fs->news->said(fs, f, detail);
	return 0;
}

void forwards_withdraw(struct forwards *fs, struct forward *f, int is_told)
{
	forward_close(f);
	if (is_told)
		fs->news->said(fs, f, "");
	let_go(fs, f);
}

/* Those that came after this id. */
static void take_back_after(struct forwards *fs, uint32_t id)
{
	for (struct forward *f = fs->first, *next; f; f = next) {
		next = f->next;
		if (f->id > id)
			forwards_withdraw(fs, f, 1);
	}
}

static int add_range(struct forwards *fs, const struct forwardrule *r, struct err *e)
{
	struct forward like = { .is_udp = r->is_udp, .host = r->host, .to = r->to };
	uint16_t port = hostaddr_port(&r->host);
	uint32_t before = fs->last_id;
	int rc = 0;

	memcpy(like.name, r->name, sizeof(like.name));
	for (unsigned i = 0; i < r->count && rc == 0; i++) {
		hostaddr_set_port(&like.host, port ? (uint16_t)(port + i) : 0);
		like.to.port = r->to.port + i;
		rc = add_one(fs, &like, e);
	}
	if (rc < 0)
		take_back_after(fs, before);
	return rc;
}

int forwards_add(struct forwards *fs, const struct forwardrule *r, struct err *e)
{
	int rc;

	if (r->is_auto)
		return autoforward_add(&fs->automatic, fs, r, e);
	if (r->name[0] && forwards_find(fs, r->name))
		return err_set(e, -EEXIST, "there is a forward '%s' already", r->name);
	rc = add_range(fs, r, e);
	write_book(fs);
	return rc;
}

/* Whether a person means this one by `which`. */
static int is_meant(const struct forward *f, const char *which)
{
	char host[HOSTADDR_TEXT + 8];
	size_t len;

	if (f->name[0] && !strcmp(f->name, which))
		return 1;
	hostaddr_text(host, &f->host);
	len = strlen(host);
	if (f->is_udp)
		snprintf(host + len, sizeof(host) - len, "/udp");
	return !strcmp(host, which) ||
	       (!hostaddr_is_unix(&f->host) && !strcmp(strrchr(host, ':') + 1, which));
}

static struct forward *find_meant(const struct forwards *fs, const char *which)
{
	struct forward *f = fs->first;

	while (f && !is_meant(f, which))
		f = f->next;
	return f;
}

const struct forward *forwards_meant(const struct forwards *fs, const char *which)
{
	return find_meant(fs, which);
}

int forwards_remove(struct forwards *fs, const char *which, struct err *e)
{
	struct forward *f = find_meant(fs, which);

	if (!f)
		return err_set(e, -ENOENT, "there is no forward '%s'", which);
	if (f->is_auto)
		return err_set(
			e, -EBUSY,
			"'%s' is there as long as the guest listens on port %u\n  try: a rule "
			"auto:~%u leaves it out",
			which, (unsigned)f->to.port, (unsigned)f->to.port);
	forwards_withdraw(fs, f, 1);
	return 0;
}

/* --- the whole --- */

void forwards_guest_is_up(struct forwards *fs, int up)
{
	fs->dialler.guest_is_up = up;
	if (up)
		autoforward_call(&fs->automatic);
}

int forwards_open(struct forwards *fs, struct loop *l, int sockets_dir, const struct vmref *vm,
		  const struct forwards_news *news, struct err *e)
{
	*fs = (struct forwards){ .loop = l, .vm = vm, .news = news };
	dialler_init(&fs->dialler, l, sockets_dir);
	fs->tunnels = tunnels_open(&fs->dialler);
	if (!fs->tunnels)
		return err_sys(e, "memory for connections");
	fs->flows = flows_open(&fs->dialler, 0);
	if (!fs->flows)
		return err_sys(e, "memory for datagrams");
	return vm ? portbook_read(&fs->book, vm, e) : 0;
}

/* Nothing is dialled any more before anything is closed: what one end's closing sets off finds the
 * door shut. */
void forwards_close(struct forwards *fs)
{
	if (!fs->tunnels)
		return;
	dialler_shut(&fs->dialler);
	autoforward_stop(&fs->automatic);
	while (fs->first)
		let_go(fs, fs->first);
	flows_close(fs->flows);
	tunnels_close(fs->tunnels);
	fs->flows = NULL;
	fs->tunnels = NULL;
	portbook_close(&fs->book);
}
