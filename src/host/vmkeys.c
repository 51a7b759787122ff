/*
 * vmkeys - the SSH keys that were made for one VM.
 */
#include "host/vmkeys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "ssh/privatekey.h"

static const char client_key[] = "client_key", host_key[] = "host_key";

/* The key's text and its public half. 0; -ENOENT: it was never made; or negative with *e filled. */
static int load(char text[PRIVATEKEY_ROOM], struct hostkey *k, const struct vmref *v,
		const char *name, struct err *e)
{
	ssize_t n = fd_slurp(v->dir, name, text, PRIVATEKEY_ROOM);

	if (n == -ENOENT)
		return -ENOENT;
	if (n < 0 && n != -EFBIG)
		return err_set(e, (int)n, "read %s/vms/%s/%s: %s", v->home->path, v->name, name,
			       strerror((int)-n));
	if (n < 0 || privatekey_public(k, text, (size_t)n) < 0)
		return err_set(e, -EPROTO,
			       "%s/vms/%s/%s: no key as we make them\n  try: remove it, and the next "
			       "start makes another",
			       v->home->path, v->name, name);
	return 0;
}

/* Only the agent of a VM does so, and there is one. */
static int make(char text[PRIVATEKEY_ROOM], struct hostkey *k, const struct vmref *v,
		const char *name, struct err *e)
{
	int rc = privatekey_make(text);

	if (rc < 0)
		return err_set(e, rc, "make %s of %s: %s", name, v->name, strerror(-rc));
	if (privatekey_public(k, text, strlen(text)) < 0)
		return err_set(e, -EIO, "make %s of %s: it cannot be read back", name, v->name);
	path_sweep(v->dir, name);
	return path_replace(v->dir, name, text, strlen(text), 0600, e) < 0 ? err_in(e, "%s", v->name)
									    : 0;
}

static int have(char text[PRIVATEKEY_ROOM], struct hostkey *k, const struct vmref *v,
		const char *name, struct err *e)
{
	int rc = load(text, k, v, name, e);

	return rc == -ENOENT ? make(text, k, v, name, e) : rc;
}

static int keep(const char **out, struct guest *g, const char *text, struct err *e)
{
	*out = strings_keep(&g->bag, text, strlen(text));
	return *out ? 0 : err_set(e, -ENOMEM, "ssh-user: no room for a key beside all the rest");
}

int vmkeys_give(struct guest *g, const struct vmref *v, struct err *e)
{
	char text[PRIVATEKEY_ROOM], line[HOSTKEY_TEXT_ROOM];
	struct desc_ssh *s = &g->desc.ssh;
	struct hostkey k;
	int rc;

	if (!s->user[0] || s->authorized[0]) /* of a start in place they are there */
		return 0;
	rc = have(text, &k, v, client_key, e);
	if (rc == 0) {
		hostkey_text(line, &k);
		rc = keep(&s->authorized, g, line, e);
	}
	if (rc == 0 && !g->ssh_own_keys)
		rc = have(text, &k, v, host_key, e);
	if (rc == 0 && !g->ssh_own_keys)
		rc = keep(&s->host_key, g, text, e);
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int path_of(char out[PATH_ROOM], const struct vmref *v, const char *name, struct err *e)
{
	return path_fmt(out, e, "%s/vms/%s/%s", v->home->path, v->name, name);
}

static int find(struct vmkeys *k, const struct guest *g, const struct vmref *v, struct err *e)
{
	char text[PRIVATEKEY_ROOM];
	struct hostkey client;
	int rc;

	if (!g->desc.ssh.user[0])
		return 0;
	rc = load(text, &client, v, client_key, e);
	if (rc == 0) {
		snprintf(k->user, sizeof(k->user), "%s", g->desc.ssh.user);
		rc = path_of(k->client_path, v, client_key, e);
	}
	if (rc == 0 && !g->ssh_own_keys) {
		rc = load(text, &k->host, v, host_key, e);
		k->has_host = rc == 0;
		if (rc == 0)
			rc = path_of(k->host_path, v, host_key, e);
	}
	explicit_bzero(text, sizeof(text));
	return rc == -ENOENT && e->code == 0 ? 0 : rc;
}

int vmkeys_find(struct vmkeys *k, const struct home *h, const char *name, struct err *e)
{
	struct config *c = calloc(1, sizeof(*c));
	struct vmref v = VMREF_NONE;
	int rc = c ? store_find(&v, h, name, e) : err_set(e, -ENOMEM, "no memory for vm.ini");

	*k = (struct vmkeys){ .user = "" };
	if (rc == -ENOENT) {
		*e = ERR_NONE;
		rc = 0;
	} else if (rc == 0) {
		rc = config_load(c, &v, NULL, e);
		if (rc == 0)
			rc = find(k, &c->guest, &v, e);
	}
	store_close(&v);
	free(c);
	return rc;
}
