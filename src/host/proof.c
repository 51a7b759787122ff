/*
 * proof - what a VM has to show before it is called ready.
 */
#include "host/proof.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"
#include "host/config.h"
#include "ssh/endpoint.h"

int config_yes_or_no(int *out, const struct said *s, struct err *e)
{
	*out = strcmp(s->text, "yes") == 0;
	return *out || strcmp(s->text, "no") == 0
		       ? 0
		       : err_usage(e, "%s: '%s' is neither yes nor no", s->what, s->text);
}

int config_plain(struct config *c, const struct said *s, struct err *e)
{
	return config_yes_or_no(&c->proof.is_plain, s, e);
}

int config_require_provision(struct config *c, const struct said *s, struct err *e)
{
	return config_yes_or_no(&c->proof.scripts.is_required, s, e);
}

int config_require(struct config *c, const struct said *s, struct err *e)
{
	struct conditions fixed;
	char all[128] = "";

	conditions_init(&fixed);
	for (unsigned i = 0; i < fixed.count; i++) {
		size_t used = strlen(all);

		if (strcmp(s->text, fixed.list[i].name) == 0) {
			c->proof.required |= 1u << i;
			return 0;
		}
		snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "",
			 fixed.list[i].name);
	}
	if (strncmp(s->text, "probe:", 6) == 0)
		return err_usage(e, "%s: a probe is required unless it has fatal = no", s->what);
	return err_usage(e, "%s: '%s' is no condition: there are %s", s->what, s->text, all);
}

/* "22" is 127.0.0.1:22; "vsock:22" a port of the guest's own, found once its sockets are there. */
int config_banner(struct config *c, const struct said *s, struct err *e)
{
	struct endpoint where;
	uint32_t port;
	int is_port = s->text[strspn(s->text, "0123456789")] == '\0';
	int rc;

	if (strncmp(s->text, "vsock:", 6) == 0)
		rc = parse_u32(&port, s->what, s->text + 6, 1, UINT32_MAX - 1, e);
	else if (is_port)
		rc = parse_u32(&port, s->what, s->text, 1, 65535, e);
	else
		rc = endpoint_parse(&where, s->text, e);
	if (rc == 0 &&
	    (size_t)snprintf(c->proof.banner, sizeof(c->proof.banner), "%s%s",
			     is_port ? "127.0.0.1:" : "", s->text) >= sizeof(c->proof.banner))
		rc = err_usage(e, "%s: is longer than an address", s->what);
	return rc;
}

int config_probe_words(struct config *c, const struct said *s, struct err *e)
{
	return probewish_words(&c->proof.probes, &c->guest.bag, s->what, s->text, e);
}

/* Of [probe NAME]: the key is called as what it says. */
int config_probe(struct config *c, const struct said *s, struct err *e)
{
	return probewish_set(&c->proof.probes, &c->guest.bag, s->name, s->what, s->what, s->text,
			     e);
}

int config_script(struct config *c, const struct said *s, struct err *e)
{
	return scripts_add(&c->proof.scripts, &c->guest.bag, s->what, s->text, e);
}

int proof_has_agent(const struct proof *p)
{
	return !p->is_plain || p->required >> AGENT_UP & 1;
}

/* What our init would do, or, of an agent, what nobody would be there to do. */
static int refuse_for_plain(const struct config *c, struct err *e)
{
	for (uint32_t i = 0; i < c->settings.count; i++) {
		const struct setting *x = &c->settings.at[i];
		const struct key *k = &config_keys[x->key];

		if (!x->is_live || x->key == KEY_PLAIN)
			continue;
		if (k->section == SECTION_GUEST || k->section == SECTION_MAIN ||
		    k->section == SECTION_SERVICE ||
		    (k->section == SECTION_PROVISION && !proof_has_agent(&c->proof)))
			return err_usage(e,
					 "%s: a plain VM has nothing of vmtool's in its guest that "
					 "could do that",
					 k->word);
	}
	return 0;
}

int proof_check(const struct config *c, struct err *e)
{
	int rc = probewish_check(&c->proof.probes, proof_has_agent(&c->proof), e);

	return rc == 0 && c->proof.is_plain ? refuse_for_plain(c, e) : rc;
}
