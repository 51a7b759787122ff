/*
 * machine - the [vm] of a config: each value checked, and what it means.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/util.h"
#include "host/forwardrule.h"
#include "host/config.h"
#include "host/text.h"
#include "proto/ready.h"

#define MIB (1ull << 20)

enum { MEMORY_MIN_MIB = 32, HUGE_PAGE = 2 << 20 };

/* quiet: a byte on the serial port costs two exits. panic=-1: a dead kernel resets the machine
 * at once, so that its end is seen. Of two consoles the last is /dev/console; what the kernel says it says
 * on both, of which one may not be there yet. */
static const char cmdline_base[] = "console=ttyS0 quiet panic=-1";
static const char cmdline_hvc[] = " console=hvc0";

void machine_init(struct config *c)
{
	c->cpus = 1;
	c->memory_bytes = 256 * MIB;
	c->balloon_bytes = 0;
	c->memory = 0;
	c->any_kvm = c->has_hvc = 0;
	strcpy(c->kernel, "default"); /* of the catalogue */
	c->initrd[0] = c->append[0] = '\0';
	c->disks.count = 0;
	c->nics.count = 0;
	c->reboot_ends = 0;
}

int config_cpus(struct config *c, const struct said *s, struct err *e)
{
	return parse_u32(&c->cpus, s->what, s->text, 1, SPEC_CPUS_MAX, e);
}

static uint64_t host_memory_bytes(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* All the host has is the limit, not what is free now: guest RAM is only taken when touched. */
int config_memory(struct config *c, const struct said *s, struct err *e)
{
	char have[TEXT_UNIT_ROOM];
	uint64_t bytes;
	int rc;

	rc = parse_size(&bytes, s->what, s->text, e);
	if (rc < 0)
		return rc;
	if (bytes < MEMORY_MIN_MIB * MIB)
		return err_usage(e, "%s: %s is too little for a guest: at least %dM", s->what,
				 s->text, MEMORY_MIN_MIB);
	if (bytes > host_memory_bytes())
		return err_usage(e, "%s: %s is more than this host has (%s)", s->what, s->text,
				 text_size(have, host_memory_bytes()));
	c->memory_bytes = ALIGN_UP(bytes, MIB);
	return 0;
}

/* --huge-pages and --prefault share their bits: each sets its own. */
static void set_memory(struct config *c, uint32_t mask, uint32_t value)
{
	c->memory = (c->memory & ~mask) | value;
}

int config_huge_pages(struct config *c, const struct said *s, struct err *e)
{
	static const struct {
		const char *word;
		uint32_t memory;
	} kinds[] = {
		{ "transparent", 0 }, { "reserved", SPEC_MEMORY_RESERVED }, { "no", SPEC_MEMORY_SMALL },
	};

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (!strcmp(s->text, kinds[i].word)) {
			set_memory(c, SPEC_MEMORY_RESERVED | SPEC_MEMORY_SMALL, kinds[i].memory);
			return 0;
		}
	return err_usage(e, "%s: '%s' is neither transparent, reserved nor no", s->what, s->text);
}

int config_prefault(struct config *c, const struct said *s, struct err *e)
{
	int yes;

	if (config_yes_or_no(&yes, s, e) < 0)
		return e->code;
	set_memory(c, SPEC_MEMORY_PREFAULT, yes ? SPEC_MEMORY_PREFAULT : 0);
	return 0;
}

int config_kvm(struct config *c, const struct said *s, struct err *e)
{
	c->any_kvm = !strcmp(s->text, "any");
	if (!c->any_kvm && strcmp(s->text, "native") != 0)
		return err_usage(e, "%s: '%s' is neither native nor any", s->what, s->text);
	return 0;
}

int config_console(struct config *c, const struct said *s, struct err *e)
{
	c->has_hvc = !strcmp(s->text, "virtio");
	if (!c->has_hvc && strcmp(s->text, "serial") != 0)
		return err_usage(e, "%s: '%s' is neither serial nor virtio", s->what, s->text);
	return 0;
}

int config_balloon(struct config *c, const struct said *s, struct err *e)
{
	return parse_size(&c->balloon_bytes, s->what, s->text, e);
}

int machine_check(const struct config *c, struct err *e)
{
	char have[TEXT_UNIT_ROOM];

	if (c->memory & SPEC_MEMORY_RESERVED && c->memory_bytes % HUGE_PAGE)
		return err_usage(e, "huge-pages: reserved ones have 2 MiB, and memory, %s, is no multiple of that",
				 text_size(have, c->memory_bytes));
	if (c->balloon_bytes == 0)
		return 0;
	if (c->memory & (SPEC_MEMORY_RESERVED | SPEC_MEMORY_PREFAULT))
		return err_usage(e, "balloon: what prefault or reserved huge pages keep for the guest it cannot leave to "
				    "the host; one of the two must go");
	if (c->balloon_bytes + MEMORY_MIN_MIB * MIB > c->memory_bytes)
		return err_usage(e, "balloon: must leave the guest %dM of its memory, %s", MEMORY_MIN_MIB,
				 text_size(have, c->memory_bytes));
	return 0;
}

int machine_complete(struct config *c, struct err *e)
{
	const struct guest_desc *d = &c->guest.desc;
	char words[32];

	if (c->proof.is_plain || d->ninit || d->nnics)
		return 0;
	for (unsigned i = 0; i < c->nics.count; i++) {
		snprintf(words, sizeof(words), "eth%u dhcp", i);
		if (c->nics.nic[i].kind == SPEC_NIC_STREAM && guest_net(&c->guest, "nic", words, e) < 0)
			return e->code;
	}
	return 0;
}

static int check_text(const char *what, const char *text, struct err *e)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return err_usage(e, "%s: has a control character in it", what);
	return 0;
}

int config_path(char out[PATH_ROOM], const char *what, const char *text, struct err *e)
{
	int rc = check_text(what, text, e);

	return rc < 0 ? rc : path_fmt(out, e, "%s", text);
}

/* A bare word is a name in the catalogue, "./vmlinux" a file. */
int config_kernel(struct config *c, const struct said *s, struct err *e)
{
	return config_path(c->kernel, s->what, s->text, e);
}

int config_initrd(struct config *c, const struct said *s, struct err *e)
{
	return config_path(c->initrd, s->what, s->text, e);
}

int config_append(struct config *c, const struct said *s, struct err *e)
{
	size_t own = sizeof(cmdline_base) + sizeof(cmdline_hvc), room = SPEC_CMDLINE_MAX - own;
	int rc = check_text(s->what, s->text, e);

	if (rc < 0)
		return rc;
	if (strlen(s->text) > room)
		return err_usage(e,
				 "%s: %zu bytes, but a kernel keeps %d and vmtool's own take %zu",
				 s->what, strlen(s->text), SPEC_CMDLINE_MAX, own);
	memcpy(c->append, s->text, strlen(s->text) + 1);
	return 0;
}

int config_disk(struct config *c, const struct said *s, struct err *e)
{
	return disks_add(&c->disks, s->what, s->text, e);
}

int config_nic(struct config *c, const struct said *s, struct err *e)
{
	return nics_add(&c->nics, s->what, s->text, e);
}

/* The agent reads it again when it listens. */
int config_publish(struct config *c, const struct said *s, struct err *e)
{
	struct forwardrule r;

	(void)c;
	return forwardrule_parse(&r, s->what, s->text, e);
}

int config_reboot(struct config *c, const struct said *s, struct err *e)
{
	c->reboot_ends = strcmp(s->text, "end") == 0;
	if (!c->reboot_ends && strcmp(s->text, "restart") != 0)
		return err_usage(e, "%s: '%s' is neither restart nor end", s->what, s->text);
	return 0;
}

/* Where nothing of ours says that the boot is over, systemd may (host/notify), and an agent that the
 * guest brings along shows with the boot id that it is of this boot. Others pass these over: the
 * kernel takes a word with a point in it for a module's, of which it has none. */
#define TELL_US " systemd.set_credential=vmm.notify_socket:vsock-stream:2:4094"

static int write_cmdline(const struct config *c, const char *boot, char out[SPEC_CMDLINE_MAX + 1],
		   struct err *e)
{
	int is_told = c->proof.is_plain && proof_has_agent(&c->proof);
	int n = snprintf(out, SPEC_CMDLINE_MAX + 1, "%s%s%s%s%s%s%s", cmdline_base,
			 c->has_hvc ? cmdline_hvc : "", c->proof.is_plain ? TELL_US : "", is_told ? " " BOOT_ID_WORD : "",
			 is_told ? boot : "", c->append[0] ? " " : "", c->append);

	return n > SPEC_CMDLINE_MAX ? err_usage(e, "--append: the command line is too long") : 0;
}

/* The host sees a vsock guest through its own vmm alone, so one number does for all. */
enum { GUEST_CID = 3 };

int machine_describe(const struct config *c, const char *boot, char cmdline[SPEC_CMDLINE_MAX + 1],
		     struct spec *s, struct err *e)
{
	*s = (struct spec){
		.cpus = c->cpus,
		.memory_bytes = c->memory_bytes,
		.balloon_bytes = c->balloon_bytes,
		.memory = c->memory,
		.any_kvm = (uint8_t)c->any_kvm,
		.has_hvc = (uint8_t)c->has_hvc,
		.guest_cid = GUEST_CID,
		.cmdline = cmdline,
	};
	disks_describe(&c->disks, s->disk);
	return write_cmdline(c, boot, cmdline, e);
}
