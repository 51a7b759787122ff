/*
 * guest - what a guest is to become, from a person's words to a struct guest_desc.
 */
#include "host/guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"
#include "host/words.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

enum { WORDS_MAX = 24 };

void guest_init(struct guest *g)
{
	guest_desc_init(&g->desc);
	g->ssh_own_keys = 0;
	g->bag.used = 0;
}

/* --- pieces --- */

/* A copy that lives as long as g; "" with *e filled when there is no room. */
static const char *keep(struct guest *g, const char *what, const char *text, size_t len,
			struct err *e)
{
	const char *kept = strings_keep(&g->bag, text, len);

	if (kept)
		return kept;
	err_usage(e, "%s: what the guest is to become takes more than %d KiB", what,
		  STRINGS_BYTES >> 10);
	return "";
}

static int one_more(const char *what, uint32_t have, uint32_t most, struct err *e)
{
	return have < most ? 0 : err_usage(e, "%s: there are more than %u of them", what, most);
}

/* The words between blanks, kept; their number, or negative with *e filled. */
static int split(struct guest *g, const char *words[WORDS_MAX], const char *what, const char *text,
		 struct err *e)
{
	char *own = (char *)keep(g, what, text, strlen(text), e); /* ours to cut */
	int n;

	if (e->code < 0)
		return e->code;
	n = words_split(own, words, WORDS_MAX);
	return n < 0 ? err_usage(e, "%s: more than %d words", what, WORDS_MAX) : n;
}

static int is_made_of(const char *text, const char *set)
{
	return *text && text[strspn(text, set)] == '\0';
}

static int check_type(const char *what, const char *type, struct err *e)
{
	if (is_made_of(type, LETTERS DIGITS "._-"))
		return 0;
	return err_usage(e, "%s: '%s' is no type of file system: write ext4, tmpfs, virtiofs, bind",
			 what, type);
}

static int is_nowhere(const struct desc_addr *a)
{
	static const uint8_t none[sizeof(a->bytes)];

	if (!memcmp(a->bytes, none, sizeof(none)))
		return 1;
	return a->family == 4 ? a->bytes[0] >> 4 == 0xe : a->bytes[0] == 0xff; /* multicast */
}

static int parse_addr(struct desc_addr *a, const char *what, const char *text, struct err *e)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, a->bytes) == 1)
		a->family = 4, a->prefix = 32;
	else if (inet_pton(AF_INET6, text, a->bytes) == 1)
		a->family = 6, a->prefix = 128;
	else
		return err_usage(e, "%s: '%s' is no address: write 10.0.0.1 or fd00::1", what,
				 text);
	if (is_nowhere(a))
		return err_usage(e, "%s: %s is nobody's address", what, text);
	return 0;
}

static int parse_cidr(struct desc_addr *a, const char *what, const char *text, struct err *e)
{
	const char *slash = strchr(text, '/');
	char ip[INET6_ADDRSTRLEN];
	uint32_t bits;
	int rc;

	if (!slash || slash - text >= (long)sizeof(ip))
		return err_usage(e,
				 "%s: '%s' does not say how large its network is: write %.40s/24",
				 what, text, text);
	snprintf(ip, sizeof(ip), "%.*s", (int)(slash - text), text);
	rc = parse_addr(a, what, ip, e);
	if (rc == 0)
		rc = parse_u32(&bits, what, slash + 1, 1, a->prefix, e);
	if (rc == 0)
		a->prefix = (uint8_t)bits;
	return rc;
}

static int parse_mac(uint8_t mac[6], const char *what, const char *text, struct err *e)
{
	unsigned v[6];
	int end = 0;

	if (strlen(text) == 17 && is_made_of(text, DIGITS "abcdefABCDEF:") &&
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
		   &end) == 6 &&
	    end == 17 && !(v[0] & 1)) {
		for (int i = 0; i < 6; i++)
			mac[i] = (uint8_t)v[i];
		return 0;
	}
	return err_usage(e, "%s: '%s' is no interface's address: write 02:00:00:00:00:01", what,
			 text);
}

/* --- [guest] --- */

int guest_hostname(struct guest *g, const char *what, const char *text, struct err *e)
{
	if (!is_made_of(text, LETTERS DIGITS "-.") || strlen(text) > DESC_HOSTNAME_MAX ||
	    text[0] == '-' || text[0] == '.')
		return err_usage(e, "%s: '%s' is no host name: at most %d letters, digits, - and .",
				 what, text, DESC_HOSTNAME_MAX);
	g->desc.hostname = keep(g, what, text, strlen(text), e);
	return e->code;
}

int guest_sysctl(struct guest *g, const char *what, const char *text, struct err *e)
{
	struct guest_desc *d = &g->desc;
	size_t len = strcspn(text, "=");
	struct desc_sysctl s;

	if (one_more(what, d->nsysctls, DESC_SYSCTLS_MAX, e) < 0)
		return e->code;
	s.name = keep(g, what, text, len, e);
	if (text[len] != '=' || !text[len + 1] || !is_made_of(s.name, LETTERS DIGITS "._-/") ||
	    strstr(s.name, "..") || s.name[0] == '/' || s.name[0] == '.')
		return err_usage(e, "%s: '%s' is not NAME=VALUE, as in net.ipv4.ip_forward=1", what,
				 text);
	s.value = keep(g, what, text + len + 1, strlen(text + len + 1), e);
	d->sysctls[d->nsysctls++] = s;
	return e->code;
}

static int net_address(struct desc_nic *n, const char *what, const char *text, struct err *e)
{
	int rc = one_more(what, n->naddrs, DESC_ADDRS_MAX, e);

	return rc < 0 ? rc : parse_cidr(&n->addrs[n->naddrs++], what, text, e);
}

static int net_gateway(struct desc_nic *n, const char *what, const char *text, struct err *e)
{
	struct desc_addr *a = &n->gateways[n->ngateways];

	if (one_more(what, n->ngateways, DESC_GATEWAYS_MAX, e) < 0 ||
	    parse_addr(a, what, text, e) < 0)
		return e->code;
	if (n->ngateways++ && a->family == n->gateways[0].family)
		return err_usage(e, "%s: %s is a second gateway for IPv%d: there can be one", what,
				 text, a->family);
	return 0;
}

static int net_mac(struct desc_nic *n, const char *what, const char *text, struct err *e)
{
	return parse_mac(n->mac, what, text, e);
}

static int net_word(struct desc_nic *n, const char *what, const char *word, struct err *e)
{
	static const struct {
		const char *word;
		int (*set)(struct desc_nic *n, const char *what, const char *text, struct err *e);
	} table[] = { { "address=", net_address },
		      { "gateway=", net_gateway },
		      { "mac=", net_mac } };

	for (size_t i = 0; i < COUNT(table); i++) {
		size_t len = strlen(table[i].word);

		if (!strncmp(word, table[i].word, len))
			return table[i].set(n, what, word + len, e);
	}
	if (strcmp(word, "dhcp") != 0)
		return err_usage(e, "%s: '%s' is none of dhcp, address=, gateway=, mac=", what,
				 word);
	n->dhcp = 1;
	return 0;
}

int guest_net(struct guest *g, const char *what, const char *text, struct err *e)
{
	static const uint8_t no_mac[6];
	struct desc_nic *n = &g->desc.nics[g->desc.nnics];
	const char *words[WORDS_MAX];
	int nwords, i = 0;

	if (one_more(what, g->desc.nnics, DESC_NICS_MAX, e) < 0)
		return e->code;
	nwords = split(g, words, what, text, e);
	if (nwords < 0)
		return nwords;
	*n = (struct desc_nic){ .name = "" };
	if (nwords && !strchr(words[0], '=') && strcmp(words[0], "dhcp") != 0)
		n->name = words[i++];
	if (strlen(n->name) > DESC_IFNAME_MAX || strchr(n->name, '/'))
		return err_usage(e, "%s: '%s' is no interface's name: at most %d bytes, as in eth0",
				 what, n->name, DESC_IFNAME_MAX);
	while (i < nwords && e->code == 0)
		net_word(n, what, words[i++], e);
	if (e->code == 0 && !n->name[0] && !memcmp(n->mac, no_mac, sizeof(no_mac)))
		err_usage(e, "%s: '%s' does not say which interface: begin with eth0 or mac=", what,
			  text);
	g->desc.nnics++;
	return e->code;
}

int guest_dns(struct guest *g, const char *what, const char *text, struct err *e)
{
	int rc = one_more(what, g->desc.ndns, DESC_DNS_MAX, e);

	return rc < 0 ? rc : parse_addr(&g->desc.dns[g->desc.ndns++], what, text, e);
}

int guest_search(struct guest *g, const char *what, const char *text, struct err *e)
{
	int rc = one_more(what, g->desc.nsearch, DESC_SEARCH_MAX, e);

	if (rc < 0)
		return rc;
	if (!is_made_of(text, LETTERS DIGITS "-._") || strlen(text) > 253)
		return err_usage(e, "%s: '%s' is no domain", what, text);
	g->desc.search[g->desc.nsearch++] = keep(g, what, text, strlen(text), e);
	return e->code;
}

int guest_root(struct guest *g, const char *what, const char *text, struct err *e)
{
	const char *words[WORDS_MAX];
	int n = split(g, words, what, text, e);

	if (n < 0)
		return n;
	if (n < 1 || n > 3)
		return err_usage(e,
				 "%s: '%s' is not SOURCE [TYPE [OPTIONS]], as in /dev/vda ext4 ro",
				 what, text);
	g->desc.root.source = words[0];
	g->desc.root.type = n > 1 ? words[1] : "ext4";
	g->desc.root.options = n > 2 ? words[2] : "";
	/* The overlay may have been said before. */
	g->desc.root.kind = MAX(g->desc.root.kind, (uint8_t)ROOT_DEVICE);
	return check_type(what, g->desc.root.type, e);
}

int guest_overlay(struct guest *g, const char *what, const char *text, struct err *e)
{
	struct desc_root *r = &g->desc.root;
	const char *words[WORDS_MAX];
	int n = split(g, words, what, text, e);

	if (n < 0)
		return n;
	if (n < 1 || n > 2 || (strcmp(words[0], "tmpfs") && strncmp(words[0], "/dev/", 5)))
		return err_usage(e, "%s: '%s' is neither tmpfs [SIZE] nor /dev/NAME [TYPE]", what,
				 text);
	r->kind = ROOT_OVERLAY;
	if (!strcmp(words[0], "tmpfs"))
		return n > 1 ? parse_size(&r->upper_bytes, what, words[1], e) : 0;
	r->upper = words[0];
	r->upper_type = n > 1 ? words[1] : "ext4";
	return check_type(what, r->upper_type, e);
}

int guest_mount(struct guest *g, const char *what, const char *text, struct err *e)
{
	const char *words[WORDS_MAX];
	int n;

	if (one_more(what, g->desc.nmounts, DESC_MOUNTS_MAX, e) < 0)
		return e->code;
	n = split(g, words, what, text, e);
	if (n < 0)
		return n;
	if (n < 3 || n > 4)
		return err_usage(e,
				 "%s: '%s' is not SOURCE TARGET TYPE [OPTIONS], as in /dev/vdb "
				 "/srv ext4 ro",
				 what, text);
	if (words[1][0] != '/' || !words[1][1])
		return err_usage(e, "%s: '%s' is no folder of the guest below /", what, words[1]);
	g->desc.mounts[g->desc.nmounts++] = (struct desc_mount){ words[0], words[1], words[2],
								 n > 3 ? words[3] : "" };
	return check_type(what, words[2], e);
}

int guest_init_arg(struct guest *g, const char *what, const char *text, struct err *e)
{
	int rc = one_more(what, g->desc.ninit, DESC_INIT_MAX, e);

	if (rc == 0 && g->desc.ninit == 0 && text[0] != '/')
		rc = err_usage(e, "%s: '%s' is no program's path, as /sbin/init is", what, text);
	if (rc < 0)
		return rc;
	g->desc.init[g->desc.ninit++] = keep(g, what, text, strlen(text), e);
	return e->code;
}

/* --- [main] --- */

int guest_arg(struct guest *g, const char *what, const char *text, struct err *e)
{
	struct exec_req *q = &g->desc.main;
	int rc = one_more(what, q->argc, EXEC_ARGS_MAX, e);

	if (rc == 0 && q->argc == 0 && !text[0])
		rc = err_usage(e, "%s: the main process's name is empty", what);
	if (rc < 0)
		return rc;
	q->argv[q->argc++] = keep(g, what, text, strlen(text), e);
	g->desc.has_main = 1;
	return e->code;
}

int guest_env(struct guest *g, const char *what, const char *text, struct err *e)
{
	struct exec_req *q = &g->desc.main;
	int rc = one_more(what, q->envc, EXEC_ARGS_MAX, e);

	if (rc == 0 && (!strchr(text, '=') || text[0] == '='))
		rc = err_usage(e, "%s: '%s' is not KEY=VALUE", what, text);
	if (rc < 0)
		return rc;
	q->env[q->envc++] = keep(g, what, text, strlen(text), e);
	return e->code;
}

int guest_cwd(struct guest *g, const char *what, const char *text, struct err *e)
{
	if (text[0] != '/')
		return err_usage(e, "%s: '%s' is no folder of the guest, beginning with /", what,
				 text);
	g->desc.main.cwd = keep(g, what, text, strlen(text), e);
	return e->code;
}

static int keep_user(struct guest *g, const char **to, const char *what, const char *text,
		     struct err *e)
{
	if (!is_made_of(text, LETTERS DIGITS "._-:$"))
		return err_usage(e, "%s: '%s' is neither NAME nor UID[:GID]", what, text);
	*to = keep(g, what, text, strlen(text), e);
	return e->code;
}

int guest_user(struct guest *g, const char *what, const char *text, struct err *e)
{
	return keep_user(g, &g->desc.main.user, what, text, e);
}

/* --- ssh-user --- */

int guest_ssh_user(struct guest *g, const char *what, const char *text, struct err *e)
{
	if (!is_made_of(text, LETTERS DIGITS "._-") || text[0] == '-' ||
	    text[strspn(text, DIGITS)] == '\0')
		return err_usage(e, "%s: '%s' is no user's name", what, text);
	g->desc.ssh.user = keep(g, what, text, strlen(text), e);
	return e->code;
}

int guest_ssh_host_key(struct guest *g, const char *what, const char *text, struct err *e)
{
	g->ssh_own_keys = !strcmp(text, "guest");
	if (g->ssh_own_keys || !strcmp(text, "vm"))
		return 0;
	return err_usage(e, "%s: '%s' is neither vm nor guest", what, text);
}

/* --- [service NAME] --- */

static struct desc_service *find_or_add_service(struct guest *g, const char *name, struct err *e)
{
	struct guest_desc *d = &g->desc;
	struct desc_service *s = d->services;

	for (; s < d->services + d->nservices; s++)
		if (!strcmp(s->name, name))
			return s;
	if (strlen(name) > DESC_SERVICE_NAME_MAX)
		err_usage(e, "service %s: its name has more than %d letters", name,
			  DESC_SERVICE_NAME_MAX);
	else if (one_more("service", d->nservices, DESC_SERVICES_MAX, e) == 0)
		*s = (struct desc_service){ .restart = RESTART_ON_FAILURE, .user = "" };
	if (e->code < 0)
		return NULL;
	s->name = keep(g, "service", name, strlen(name), e);
	d->nservices++;
	return s;
}

static int service_runs(struct desc_service *s, const char *const *argv, uint32_t argc,
			struct err *e)
{
	if (s->argc)
		return err_usage(e, "it runs '%s' already: exec or shell, not both", s->argv[0]);
	memcpy(s->argv, argv, argc * sizeof(*argv));
	s->argc = argc;
	return 0;
}

static int service_exec(struct guest *g, struct desc_service *s, const char *text, struct err *e)
{
	const char *words[WORDS_MAX];
	int n = split(g, words, "exec", text, e);

	if (n < 0)
		return n;
	if (n == 0 || n > DESC_SERVICE_ARGS_MAX)
		return err_usage(e, "exec: '%s' is not a command of 1 to %d words", text,
				 DESC_SERVICE_ARGS_MAX);
	return service_runs(s, words, (uint32_t)n, e);
}

static int service_shell(struct guest *g, struct desc_service *s, const char *text, struct err *e)
{
	const char *line = keep(g, "shell", text, strlen(text), e);

	return e->code < 0 ? e->code
			   : service_runs(s, (const char *[]){ "/bin/sh", "-c", line }, 3, e);
}

static int service_restart(struct guest *g, struct desc_service *s, const char *text, struct err *e)
{
	static const char *const words[] = { [RESTART_NO] = "no",
					     [RESTART_ON_FAILURE] = "on-failure",
					     [RESTART_ALWAYS] = "always" };

	(void)g;
	for (uint8_t i = 0; i < COUNT(words); i++)
		if (!strcmp(text, words[i])) {
			s->restart = i;
			return 0;
		}
	return err_usage(e, "restart: '%s' is none of no, on-failure, always", text);
}

static int service_user(struct guest *g, struct desc_service *s, const char *text, struct err *e)
{
	return keep_user(g, &s->user, "user", text, e);
}

int guest_service(struct guest *g, const char *name, const char *key, const char *text,
		  struct err *e)
{
	static const struct {
		const char *word;
		int (*set)(struct guest *g, struct desc_service *s, const char *text,
			   struct err *e);
	} keys[] = { { "exec", service_exec },
		     { "shell", service_shell },
		     { "restart", service_restart },
		     { "user", service_user } };
	struct desc_service *s = find_or_add_service(g, name, e);

	for (size_t i = 0; s && i < COUNT(keys); i++)
		if (!strcmp(keys[i].word, key))
			return keys[i].set(g, s, text, e);
	return e->code;
}

/* --- the whole --- */

int guest_check(const struct guest *g, struct err *e)
{
	const struct guest_desc *d = &g->desc;

	if (d->root.kind == ROOT_OVERLAY && !d->root.source[0])
		return err_usage(e, "overlay: there is no root that it could lie over");
	for (uint32_t i = 0; i < d->nservices; i++)
		if (d->services[i].argc == 0)
			return err_usage(e, "service %s: runs nothing: give it exec or shell",
					 d->services[i].name);
	if (d->nservices && d->ninit)
		return err_usage(e, "service %s: the image's own init runs services, and vmtool's "
				    "are not its own",
				 d->services[0].name);
	if (d->has_main && d->ninit)
		return err_usage(
			e, "init: the guest has a main process already, and cannot have both");
	if (!d->has_main && (d->main.envc || d->main.cwd[0] || d->main.user[0]))
		return err_usage(e, "env, workdir and user are the main process's, and there is none\n"
				    "  try: vmtool start NAME [OPTION]... -- CMD [ARG]...");
	if (g->ssh_own_keys && !d->ssh.user[0])
		return err_usage(e, "ssh-host-key: there is no ssh-user who would meet it");
	return 0;
}
