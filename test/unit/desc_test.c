/* The description of a guest: what the host writes is what process 1 reads. */
#include "proto/desc.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "check.h"

#define BOOT "01234567-89ab-cdef-0123-456789abcdef"

static uint8_t mem[DESC_BYTES_MAX];
static struct guest_desc full, back;

static void make_full(void)
{
	guest_desc_init(&full);
	full.boot = BOOT;
	full.hostname = "web";
	full.nsysctls = 1;
	full.sysctls[0] = (struct desc_sysctl){ "net.ipv4.ip_forward", "1" };
	full.nnics = 2;
	full.nics[0] = (struct desc_nic){
		.name = "eth0",
		.naddrs = 2,
		.addrs = { { { 10, 0, 2, 15 }, 4, 24 }, { { 0xfd, [15] = 2 }, 6, 64 } },
		.ngateways = 1,
		.gateways = { { { 10, 0, 2, 2 }, 4, 32 } },
	};
	full.nics[1] = (struct desc_nic){ .name = "", .mac = { 2, [5] = 1 }, .dhcp = 1 };
	full.ndns = 1;
	full.dns[0] = (struct desc_addr){ { 9, 9, 9, 9 }, 4, 32 };
	full.nsearch = 1;
	full.search[0] = "example.org";
	full.root =
		(struct desc_root){ ROOT_OVERLAY, "/dev/vda", "ext4", "", "/dev/vdb", "ext4", 5 };
	full.nmounts = 1;
	full.mounts[0] = (struct desc_mount){ "tag", "/srv", "virtiofs", "ro" };
	full.nservices = 1;
	full.services[0] =
		(struct desc_service){ "db", RESTART_ALWAYS, "www", 2, { "/bin/db", "" } };
	full.ssh = (struct desc_ssh){ "guest", "ssh-x AAAA", "KEY\n" };
	full.has_main = 1;
	full.main.argc = 2;
	full.main.argv[0] = "/bin/sh";
	full.main.argv[1] = " a\n'\"";
}

static int decodes(const void *data, size_t len)
{
	return guest_desc_decode(&back, data, len);
}

static void a_description_changes_on_its_way(void)
{
	long len;

	make_full();
	len = guest_desc_encode(&full, mem, sizeof(mem));
	CHECK(len > 0 && decodes(mem, (size_t)len) == 0);
	CHECK(!strcmp(back.boot, BOOT) && !strcmp(back.hostname, "web"));
	CHECK(back.nsysctls == 1 && !strcmp(back.sysctls[0].name, "net.ipv4.ip_forward"));
	CHECK(back.nnics == 2 && back.nics[0].naddrs == 2);
	CHECK(!memcmp(&back.nics[0].addrs, &full.nics[0].addrs, sizeof(full.nics[0].addrs)));
	CHECK(back.nics[0].gateways[0].bytes[3] == 2 && back.nics[1].mac[5] == 1);
	CHECK(back.nics[0].dhcp == 0 && back.nics[1].dhcp == 1);
	CHECK(back.ndns == 1 && back.dns[0].bytes[0] == 9 &&
	      !strcmp(back.search[0], "example.org"));
	CHECK(back.root.kind == ROOT_OVERLAY && !strcmp(back.root.upper, "/dev/vdb") &&
	      back.root.upper_bytes == 5);
	CHECK(back.nmounts == 1 && !strcmp(back.mounts[0].options, "ro"));
	CHECK(back.nservices == 1 && !strcmp(back.services[0].name, "db") &&
	      back.services[0].restart == RESTART_ALWAYS && !strcmp(back.services[0].user, "www") &&
	      back.services[0].argc == 2 && !strcmp(back.services[0].argv[0], "/bin/db") &&
	      !back.services[0].argv[2]);
	CHECK(!strcmp(back.ssh.user, "guest") && !strcmp(back.ssh.authorized, "ssh-x AAAA") &&
	      !strcmp(back.ssh.host_key, "KEY\n"));
	CHECK(back.has_main && back.main.argc == 2 && !strcmp(back.main.argv[1], " a\n'\""));
	for (long cut = 0; cut < len; cut++) {
		uint8_t *piece = malloc((size_t)cut + 1); /* so that ASan sees a read behind it */

		memcpy(piece, mem, (size_t)cut);
		CHECK(decodes(piece, (size_t)cut) == -EPROTO);
		CHECK(guest_desc_encode(&full, piece, (size_t)cut) == -EMSGSIZE);
		free(piece);
	}
	mem[len] = 0;
	CHECK(decodes(mem, (size_t)len + 1) == -EPROTO);
}

static void what_cannot_be_meant_is_taken(void)
{
	static char longname[80];
	static const struct desc_addr odd = { { 1 }, 5, 8 }, wide = { { 1 }, 4, 33 };

	memset(longname, 'a', sizeof(longname) - 1);
#define REFUSES(why, change) \
	do { \
		long n_; \
		make_full(); \
		change; \
		n_ = guest_desc_encode(&full, mem, sizeof(mem)); \
		if (decodes(mem, (size_t)n_) != -EPROTO) \
			printf("# %s\n", why); \
		CHECK(decodes(mem, (size_t)n_) == -EPROTO); \
	} while (0)
	REFUSES("half a boot id", full.boot = "0123");
	REFUSES("a host name no kernel takes", full.hostname = longname);
	REFUSES("an address of IPv5", full.nics[0].addrs[0] = odd);
	REFUSES("a network of 33 bits", full.dns[0] = wide);
	REFUSES("an interface that nothing names", full.nics[0].name = "");
	REFUSES("an interface with a name no kernel has", full.nics[0].name = "abcdefghijklmnop");
	REFUSES("half of DHCP", full.nics[0].dhcp = 2);
	REFUSES("an overlay over nothing", full.root.source = "");
	REFUSES("a root of no kind", full.root.kind = 3);
	REFUSES("a device for the initramfs", full.root.kind = ROOT_INITRAMFS);
	REFUSES("a mount in no place", full.mounts[0].target = "srv");
	REFUSES("a mount of no type", full.mounts[0].type = "");
	REFUSES("a service without a command", full.services[0].argc = 0);
	REFUSES("a command without a name", full.services[0].argv[0] = "");
	REFUSES("a service that nobody could attach to", full.services[0].name = "a b");
	REFUSES("a name too long for a session's id", full.services[0].name = longname);
	REFUSES("a restart of no kind", full.services[0].restart = 3);
	REFUSES("an init beside services",
		(full.has_main = 0, full.ninit = 1, full.init[0] = "/sbin/init"));
	REFUSES("an init beside a main process",
		(full.nservices = 0, full.ninit = 1, full.init[0] = "/sbin/init"));
	REFUSES("a user without a key", full.ssh.authorized = "");
	REFUSES("a key of nobody's", full.ssh.user = "");
	REFUSES("two lines for one key", full.ssh.authorized = "ssh-x AAAA\nssh-x BBBB");
	REFUSES("an init beside a main process", (full.ninit = 1, full.init[0] = "/sbin/init"));
	REFUSES("an init without a path",
		(full.has_main = 0, full.nservices = 0, full.ninit = 1, full.init[0] = "init"));
	REFUSES("a main process without a command", full.main.argc = 0);
}

/* Behind magic and version come the boot id and the host name, then the counts. */
static void a_count_is_believed(void)
{
	const size_t at = 4 + 2 + (4 + sizeof(BOOT)) + (4 + sizeof("web"));
	long len;

	make_full();
	len = guest_desc_encode(&full, mem, sizeof(mem));
	memset(mem + at, 0xff, 4);
	CHECK(decodes(mem, (size_t)len) == -EPROTO);
	memset(mem + at, 0, 4);
	mem[at + 3] = DESC_SYSCTLS_MAX + 1;
	CHECK(decodes(mem, (size_t)len) == -EPROTO);
}

static void another_version_is_taken_for_garbage(void)
{
	long len;

	make_full();
	len = guest_desc_encode(&full, mem, sizeof(mem));
	mem[5]++;
	CHECK(decodes(mem, (size_t)len) == -EPROTONOSUPPORT);
	CHECK(decodes(mem, 6 + 4 + sizeof(BOOT)) ==
	      -EPROTONOSUPPORT); /* the rest may be anything */
	CHECK(!strcmp(back.boot, BOOT) && back.nnics == 0 && back.root.source[0] == '\0');
	mem[5] = 0;
	CHECK(decodes(mem, (size_t)len) == -EPROTO);
	mem[5] = 1;
	mem[0] ^= 1;
	CHECK(decodes(mem, (size_t)len) == -EPROTO);
}

int main(void)
{
	TEST(a_description_changes_on_its_way);
	TEST(what_cannot_be_meant_is_taken);
	TEST(a_count_is_believed);
	TEST(another_version_is_taken_for_garbage);
	return check_done();
}
