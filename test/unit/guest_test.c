/* What a person asks the guest to become: from words to the description, and through vm.ini. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/util.h"
#include "check.h"
#include "host/config.h"
#include "host/quote.h"

static struct err none;
static struct config config, back;
static const struct home nowhere = { .vms = -1 };

/* The first complaint of vm.ini's values about the lines, as the command line would say them. */
static int asks(struct err *e, const struct line *lines, uint32_t n)
{
	static struct wish w;

	*e = none;
	w = (struct wish){ .nlines = 0 };
	for (uint32_t i = 0; i < n; i++)
		if (wish_add(&w, lines[i].key, lines[i].value, e) < 0)
			return e->code;
	return config_new(&config, &nowhere, &w, e);
}

static void a_malformed_value_is_booted(void)
{
	static const struct {
		const char *why;
		struct line line;
		const char *sentence; /* a piece of it */
	} bad[] = {
		{ "a host name with a blank", { KEY_HOSTNAME, "a b" }, "no host name" },
		{ "a sysctl of nothing", { KEY_SYSCTL, "net.ipv4.ip_forward" }, "not NAME=VALUE" },
		{ "a sysctl without a value", { KEY_SYSCTL, "kernel.x=" }, "not NAME=VALUE" },
		{ "a sysctl that climbs out",
		  { KEY_SYSCTL, "../../etc/passwd=x" },
		  "not NAME=VALUE" },
		{ "an interface without a name",
		  { KEY_NET, "address=10.0.0.1/8" },
		  "which interface" },
		{ "no interface", { KEY_NET, " " }, "which interface" },
		{ "a long interface", { KEY_NET, "abcdefghijklmnop" }, "no interface's name" },
		{ "an address alone", { KEY_NET, "eth0 address=10.0.0.1" }, "how large" },
		{ "a network of 33 bits", { KEY_NET, "eth0 address=10.0.0.1/33" }, "from 1 to 32" },
		{ "an IPv6 network of 129 bits",
		  { KEY_NET, "eth0 address=fd00::1/129" },
		  "1 to 128" },
		{ "no address", { KEY_NET, "eth0 address=10.0.0/24" }, "is no address" },
		{ "everybody's address", { KEY_NET, "eth0 address=224.0.0.1/4" }, "nobody's" },
		{ "two gateways for IPv4",
		  { KEY_NET, "eth0 gateway=10.0.0.1 gateway=10.0.0.2" },
		  "second gateway for IPv4" },
		{ "a group's MAC", { KEY_NET, "mac=01:00:00:00:00:01" }, "no interface's address" },
		{ "half a MAC", { KEY_NET, "mac=02:00:00" }, "no interface's address" },
		{ "DHCP for nobody", { KEY_NET, "dhcp" }, "which interface" },
		{ "DHCP with an argument", { KEY_NET, "eth0 dhcp=4" }, "none of dhcp, address=" },
		{ "an unknown word", { KEY_NET, "eth0 mtu=9000" }, "none of dhcp, address=" },
		{ "a name server by name", { KEY_DNS, "dns.example" }, "no address" },
		{ "a search domain with a blank", { KEY_SEARCH, "a b" }, "no domain" },
		{ "a root of too many words", { KEY_ROOT, "/dev/vda ext4 ro x" }, "not SOURCE" },
		{ "a root of an odd type", { KEY_ROOT, "/dev/vda ext4,ro" }, "no type" },
		{ "an overlay on nothing", { KEY_OVERLAY, "tmpfs" }, "no root" },
		{ "an overlay on a folder", { KEY_OVERLAY, "/tmp" }, "neither tmpfs" },
		{ "an overlay of no size", { KEY_OVERLAY, "tmpfs 12" }, "of what?" },
		{ "a mount without a type",
		  { KEY_MOUNT, "/dev/vdb /srv" },
		  "not SOURCE TARGET TYPE" },
		{ "a mount on the root", { KEY_MOUNT, "tmpfs / tmpfs" }, "below /" },
		{ "a mount in a relative place", { KEY_MOUNT, "tmpfs srv tmpfs" }, "below /" },
		{ "an init by name", { KEY_INIT, "systemd" }, "no program's path" },
		{ "a nameless main process", { KEY_ARG, "" }, "name is empty" },
		{ "an environment for nobody", { KEY_ENV, "A=b" }, "there is none" },
		{ "an environment without =", { KEY_ENV, "A" }, "not KEY=VALUE" },
		{ "a relative folder", { KEY_WORKDIR, "tmp" }, "beginning with /" },
		{ "a user with a blank", { KEY_USER, "a b" }, "neither NAME nor UID" },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e;
		int rc = asks(&e, &bad[i].line, 1);

		if (rc != -EINVAL || e.exit != 2 || !strstr(e.text, bad[i].sentence))
			printf("# %s: %d %s\n", bad[i].why, rc, e.text);
		CHECK(rc == -EINVAL && e.exit == 2 && strstr(e.text, bad[i].sentence));
	}
}

static void two_values_of_one_are_kept(void)
{
	static const struct line twice[] = { { KEY_HOSTNAME, "a" }, { KEY_HOSTNAME, "b" } };
	static const struct line both[] = { { KEY_ARG, "/bin/true" }, { KEY_INIT, "/sbin/init" } };
	static struct line many[DESC_SYSCTLS_MAX + 1];
	struct err e;

	CHECK(asks(&e, twice, 2) == -EINVAL && strstr(e.text, "second time"));
	CHECK(asks(&e, both, 2) == -EINVAL && strstr(e.text, "cannot have both"));
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = (struct line){ KEY_SYSCTL, "a.b=c" };
	CHECK(asks(&e, many, COUNT(many) - 1) == 0);
	CHECK(asks(&e, many, COUNT(many)) == -EINVAL && strstr(e.text, "more than 64"));
}

static const struct line good[] = {
	{ KEY_OVERLAY, "tmpfs 1M" },
	{ KEY_HOSTNAME, "db.example" },
	{ KEY_SYSCTL, "kernel.msgmax=1 2" },
	{ KEY_NET,
	  "eth0  address=10.0.2.15/24 gateway=10.0.2.2 address=fd00::2/64 gateway=fd00::1" },
	{ KEY_NET, "mac=02:00:00:00:00:fE dhcp address=10.1.0.2/16" },
	{ KEY_DNS, "fd00::53" },
	{ KEY_SEARCH, "example.org" },
	{ KEY_ROOT, "/dev/vda erofs ro,noatime" },
	{ KEY_MOUNT, "my\\040tag /srv virtiofs" },
	{ KEY_MOUNT, "/a /b bind ro" },
	{ KEY_ARG, "/bin/sh" },
	{ KEY_ARG, "" },
	{ KEY_ARG, " two  blanks " },
	{ KEY_ARG, "a\nb\tc\r;d \"e\" \\n \x01\x7f \xc3\xa9 \xff" },
	{ KEY_ARG, "\"" },
	{ KEY_ARG, "# no ; comment" },
	{ KEY_ENV, "A=" },
	{ KEY_ENV, "B==c d" },
	{ KEY_WORKDIR, "/tmp" },
	{ KEY_USER, "1000:1000" },
};

static void a_word_is_misunderstood(void)
{
	const struct guest_desc *d = &config.guest.desc;
	struct err e;

	CHECK(asks(&e, good, COUNT(good)) == 0);
	CHECK(!strcmp(d->hostname, "db.example"));
	CHECK(!strcmp(d->sysctls[0].name, "kernel.msgmax") && !strcmp(d->sysctls[0].value, "1 2"));
	CHECK(d->nnics == 2 && !strcmp(d->nics[0].name, "eth0") && d->nics[0].naddrs == 2 &&
	      d->nics[0].ngateways == 2);
	CHECK(!memcmp(d->nics[0].addrs[0].bytes, "\x0a\x00\x02\x0f", 4) &&
	      d->nics[0].addrs[0].prefix == 24 && d->nics[0].addrs[1].family == 6 &&
	      d->nics[0].addrs[1].prefix == 64);
	CHECK(!d->nics[1].name[0] && d->nics[1].mac[5] == 0xfe);
	CHECK(d->ndns == 1 && d->dns[0].bytes[15] == 0x53);
	CHECK(d->root.kind == ROOT_OVERLAY && !strcmp(d->root.source, "/dev/vda") &&
	      !strcmp(d->root.type, "erofs") && !strcmp(d->root.options, "ro,noatime") &&
	      d->root.upper_bytes == 1 << 20 && !d->root.upper[0]);
	CHECK(d->nmounts == 2 && !strcmp(d->mounts[0].source, "my tag") &&
	      !strcmp(d->mounts[0].options, "") && !strcmp(d->mounts[1].type, "bind"));
	CHECK(d->has_main && d->main.argc == 6 && !strcmp(d->main.argv[1], "") && !d->main.argv[6]);
	CHECK(d->main.envc == 2 && !strcmp(d->main.env[1], "B==c d"));
	CHECK(!strcmp(d->main.cwd, "/tmp") && !strcmp(d->main.user, "1000:1000"));
}

/* Byte for byte: nothing of an argument is a comment, a quote or a blank to vm.ini (D20). */
static void an_argument_changes_on_disk(void)
{
	static char place[] = "/tmp/guest_test.XXXXXX";
	static uint8_t one[DESC_BYTES_MAX], two[DESC_BYTES_MAX];
	struct home home = { .vms = -1 };
	struct vmref v = VMREF_NONE;
	struct err e;
	long n;

	CHECK(mkdtemp(place) && setenv("VMTOOL_HOME", place, 1) == 0);
	CHECK(home_open(&home, 1, &none) == 0 && store_own(&v, &home, "web", &none) == 1);
	CHECK(asks(&e, good, COUNT(good)) == 0);
	CHECK(config_save(&config, &v, &e) == 0);
	CHECK(config_load(&back, &v, NULL, &e) == 0);
	if (e.code)
		printf("# %s\n", e.text);
	CHECK(config_same(&config, &back));
	n = guest_desc_encode(&config.guest.desc, one, sizeof(one));
	CHECK(n > 0 && n == guest_desc_encode(&back.guest.desc, two, sizeof(two)));
	CHECK(!memcmp(one, two, (size_t)n));
	store_close(&v);
	home_close(&home);
	path_remove_tree(AT_FDCWD, place, &none);
}

static void a_command_line_adds_to_what_it_replaces(void)
{
	static char place[] = "/tmp/guest_test.XXXXXX";
	static struct wish w;
	struct home home = { .vms = -1 };
	struct vmref v = VMREF_NONE;
	struct err e = none;

	CHECK(mkdtemp(place) && setenv("VMTOOL_HOME", place, 1) == 0);
	CHECK(home_open(&home, 1, &none) == 0 && store_own(&v, &home, "web", &none) == 1);
	CHECK(asks(&e, good, COUNT(good)) == 0 && config_save(&config, &v, &e) == 0);
	wish_add(&w, KEY_ARG, "/bin/true", &e);
	wish_add(&w, KEY_SYSCTL, "", &e);
	CHECK(config_load(&back, &v, &w, &e) == 0);
	CHECK(back.guest.desc.main.argc == 1 && back.guest.desc.nsysctls == 0);
	CHECK(back.guest.desc.nnics == 2 && back.guest.desc.main.envc == 2);
	store_close(&v);
	home_close(&home);
	path_remove_tree(AT_FDCWD, place, &none);
}

static void a_quote_that_is_none_is_taken(void)
{
	static const char *const bad[] = { "\"",      "\"a",	  "\"a\" b",   "\"\\\"",
					   "\"\\q\"", "\"\\x4\"", "\"\\x00\"", "\"\\xg0\"" };
	char value[16], small[4];

	for (size_t i = 0; i < COUNT(bad); i++) {
		strcpy(value, bad[i]);
		if (quote_take(value) != -EINVAL)
			printf("# %s\n", bad[i]);
		CHECK(quote_take(strcpy(value, bad[i])) == -EINVAL);
	}
	CHECK(quote_put(small, sizeof(small), "abc") == 3);
	CHECK(quote_put(small, sizeof(small), "abcd") == -EMSGSIZE);
	CHECK(quote_put(small, sizeof(small), "a ") == -EMSGSIZE);
	CHECK(quote_put(small, 3, "") == 2 && quote_put(small, 2, "") == -EMSGSIZE);
}

int main(void)
{
	TEST(a_malformed_value_is_booted);
	TEST(two_values_of_one_are_kept);
	TEST(a_word_is_misunderstood);
	TEST(an_argument_changes_on_disk);
	TEST(a_command_line_adds_to_what_it_replaces);
	TEST(a_quote_that_is_none_is_taken);
	return check_done();
}
