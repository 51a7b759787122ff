/*
 * nics - the network cards a person gives a machine: written down, and connected.
 */
#include "host/nics.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/util.h"
#include "host/config.h"
#include "host/limit.h"
#include "host/livevm.h"
#include "host/passt.h"
#include "host/tap.h"

enum {
	MTU_MIN = 68,	 /* RFC 791 */
	MTU_MAX = 65520, /* what a frame's length leaves, rounded as passt does */
};

static const char *const kind_names[] = { [SPEC_NIC_TAP] = "tap", [SPEC_NIC_STREAM] = "passt" };

const char *nic_kind_name(enum spec_nic_kind kind)
{
	return kind_names[kind];
}

/* --- as it is written ----------------------------------------------------------------------- */

static int set_mac(struct nic_wish *w, const char *what, const char *text, struct err *e)
{
	static const uint8_t none[6];
	char end;

	if (strlen(text) != NIC_MAC_ROOM - 1 ||
	    sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &w->mac[0], &w->mac[1],
		   &w->mac[2], &w->mac[3], &w->mac[4], &w->mac[5], &end) != 6)
		return err_usage(e, "%s: mac=%s: is no address, as in 02:00:5e:00:53:01", what,
				 text);
	if (w->mac[0] & 1 || !memcmp(w->mac, none, sizeof(none)))
		return err_usage(
			e,
			"%s: mac=%s: is no card's: the first byte must be even, and not all "
			"may be 0",
			what, text);
	return 0;
}

static int set_mtu(struct nic_wish *w, const char *what, const char *text, struct err *e)
{
	uint32_t mtu;
	int rc = parse_u32(&mtu, what, text, MTU_MIN, MTU_MAX, e);

	w->mtu = (uint16_t)mtu;
	return rc;
}

static int set_rate(struct nic_wish *w, const char *what, const char *text, struct err *e)
{
	return limit_rate(&w->rate, what, text, e);
}

static int set_ops(struct nic_wish *w, const char *what, const char *text, struct err *e)
{
	return limit_ops(&w->ops, what, text, e);
}

static int set_vhost(struct nic_wish *w, const char *what, const char *text, struct err *e)
{
	if (strcmp(text, "on") && strcmp(text, "off"))
		return err_usage(e, "%s: vhost=%s: is neither on nor off", what, text);
	w->vhost = !strcmp(text, "on") ? NIC_VHOST_ON : NIC_VHOST_OFF;
	return 0;
}

static const struct nic_option {
	const char *word; /* with its '=' */
	int (*set)(struct nic_wish *w, const char *what, const char *text, struct err *e);
} options[] = {
	{ "mac=", set_mac },
	{ "mtu=", set_mtu },
	{ "rate=", set_rate },
	{ "ops=", set_ops },
	{ "vhost=", set_vhost },
};

static int set_option(struct nic_wish *w, const char *what, const char *text, struct err *e)
{
	for (size_t i = 0; i < COUNT(options); i++) {
		size_t len = strlen(options[i].word);

		if (!strncmp(text, options[i].word, len))
			return options[i].set(w, what, text + len, e);
	}
	return err_usage(e, "%s: '%s' is no option of a card: there are mac=, mtu=, rate=, ops= "
			    "and vhost=",
			 what, text);
}

static int check_tap_name(const char *what, const char *name, struct err *e)
{
	if (strlen(name) >= IFNAMSIZ || strpbrk(name, "/ \t%") || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return err_usage(e, "%s: '%s' is no interface's name: at most %d bytes, as in tap0",
				 what, name, IFNAMSIZ - 1);
	return 0;
}

static int set_kind(struct nic_wish *w, const char *what, const char *text, struct err *e)
{
	if (!strncmp(text, "tap=", 4) && text[4]) {
		w->kind = SPEC_NIC_TAP;
		snprintf(w->peer, sizeof(w->peer), "%s", text + 4);
		return check_tap_name(what, w->peer, e);
	}
	w->kind = SPEC_NIC_STREAM;
	if (!strcmp(text, "passt"))
		return 0;
	if (!strncmp(text, "passt=/", 7))
		return config_path(w->peer, what, text + 6, e);
	return err_usage(e,
			 "%s: '%s' says not what the card is connected to: tap=NAME, passt, or "
			 "passt=/SOCKET",
			 what, text);
}

static int check_vhost(const struct nic_wish *w, const char *what, struct err *e)
{
	if (w->vhost && w->kind != SPEC_NIC_TAP)
		return err_usage(e, "%s: vhost= is of taps: passt is no part of the host's kernel",
				 what);
	if (w->vhost == NIC_VHOST_ON && (w->rate || w->ops))
		return err_usage(e,
				 "%s: vhost=on and a rate exclude each other: what the host's kernel "
				 "serves is not counted\n  try: one of them",
				 what);
	return 0;
}

int nics_add(struct nics *n, const char *what, const char *text, struct err *e)
{
	struct nic_wish *w = &n->nic[n->count];
	char part[PATH_ROOM], *rest = part;
	int rc = path_fmt(part, e, "%s", text);

	if (rc == 0 && n->count == SPEC_NICS_MAX)
		rc = err_usage(e, "%s: more than %d cards", what, SPEC_NICS_MAX);
	if (rc < 0)
		return rc;
	*w = (struct nic_wish){ 0 };
	rc = set_kind(w, what, strsep(&rest, ","), e);
	while (rc == 0 && rest)
		rc = set_option(w, what, strsep(&rest, ","), e);
	if (rc == 0)
		rc = check_vhost(w, what, e);
	if (rc == 0)
		n->count++;
	return rc;
}

/* --- its address ---------------------------------------------------------------------------- */

/* A VM's id is random: so are 40 bits of it. The first byte says that nobody assigned it. */
void nic_mac(const struct nic_wish *w, const char *id, unsigned i, uint8_t mac[6])
{
	static const uint8_t none[6];

	memcpy(mac, w->mac, sizeof(w->mac));
	if (memcmp(mac, none, sizeof(none)) != 0)
		return;
	sscanf(id, "%2hhx%2hhx%2hhx%2hhx%2hhx", &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]);
	mac[0] = 0x02;
	mac[5] = (uint8_t)(mac[5] + i);
}

void nic_mac_text(const uint8_t mac[6], char out[NIC_MAC_ROOM])
{
	snprintf(out, NIC_MAC_ROOM, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
}

/* --- connecting ----------------------------------------------------------------------------- */

/* Its descriptor, -1 where frames are to come by us, or negative with *e filled. */
static int open_vhost(const struct nic_wish *w, int32_t *fd, struct err *e)
{
	int got;

	*fd = -1;
	if (w->kind != SPEC_NIC_TAP || w->vhost == NIC_VHOST_OFF || w->rate || w->ops)
		return 0;
	got = tap_vhost(e);
	if (got >= 0) {
		*fd = got;
		return 0;
	}
	if (w->vhost == NIC_VHOST_ON)
		return got;
	log_info("nic tap=%s: %s: its frames pass through the vmm process", w->peer,
		 strerror(-got));
	*e = ERR_NONE;
	return 0;
}

static int nic_open(const struct nic_wish *w, const char *id, unsigned i, struct spec_nic *s,
		    struct err *e)
{
	uint16_t mtu = MTU_MAX;
	int fd = w->kind == SPEC_NIC_TAP ? tap_open(w->peer, &mtu, e)
		 : w->peer[0]		 ? passt_connect(w->peer, e)
					 : passt_start(e);

	*s = (struct spec_nic){
		.kind = (uint8_t)w->kind,
		.mtu = w->mtu ? w->mtu : mtu,
		.rate = w->rate,
		.ops = w->ops,
	};
	nic_mac(w, id, i, s->mac);
	s->fd = fd;
	s->vhost_fd = -1;
	if (fd < 0)
		return fd;
	if (open_vhost(w, &s->vhost_fd, e) < 0)
		fd_close(&s->fd);
	return e->code;
}

static int has_tap(const struct config *c, const void *name)
{
	for (unsigned i = 0; i < c->nics.count; i++)
		if (c->nics.nic[i].kind == SPEC_NIC_TAP && !strcmp(c->nics.nic[i].peer, name))
			return 1;
	return 0;
}

/* The kernel only says that it is. */
static int refuse_shared(const struct nic_wish *w, const struct home *h, const char *self,
			 struct err *e)
{
	char name[VM_NAME_ROOM];

	if (!livevm_with(h, self, has_tap, w->peer, name))
		return e->code;
	return err_set(e, -EBUSY,
		       "nic tap=%s: is in use by the VM %s: one VM has a tap at a time\n  try: "
		       "vmtool stop %s, or another tap",
		       w->peer, name, name);
}

int nics_open(const struct nics *n, const struct home *h, const char *self, const char *id,
	      struct spec_nic nic[SPEC_NICS_MAX], unsigned *count, struct err *e)
{
	for (*count = 0; *count < n->count; ++*count) {
		int rc = nic_open(&n->nic[*count], id, *count, &nic[*count], e);

		if (rc == -EBUSY)
			return refuse_shared(&n->nic[*count], h, self, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}
