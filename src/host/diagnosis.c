/*
 * diagnosis - what the console of a guest that did not come up says of the cause.
 */
#include "host/diagnosis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "host/console.h"
#include "host/text.h"

enum { CONSOLE_BYTES = 128 * 1024 }; /* of its end: a few panics long */

static const struct symptom symptoms[] = {
	{ "initrd_too_big", "the initramfs, unpacked, does not fit into the guest's memory",
	  "a larger --memory" },
	{ "initrd_unreadable", "the kernel cannot unpack the initramfs",
	  "one that is whole, and compressed as this kernel can read (gzip, or not at all)" },
	{ "out_of_memory", "the guest ran out of memory", "a larger --memory" },
	{ "no_virtio",
	  "the guest's kernel does not see the machine's disks: its virtio drivers "
	  "(virtio_pci, virtio_blk) are missing, or no disk has this name",
	  "a kernel or an --initrd that has them, or root=/dev/vda, the first --disk" },
	{ "no_disk", "the guest waits for a root device, and the machine has no disk",
	  "--disk PATH, or no root= on the kernel's command line" },
	{ "no_root_fs", "the root device holds no file system this kernel can read",
	  "another image, or a kernel or --initrd with the driver for it" },
	{ "root_missing", "the root device that was asked for does not exist in the guest",
	  "a root= that names one of its disks: /dev/vda is the first --disk" },
	{ "no_init", "the guest has no program to run as its process 1",
	  "an init= (or rdinit=) that exists in the guest" },
	{ "init_wrong_format",
	  "the guest's init is no program for this machine: another architecture, or a script "
	  "without its interpreter",
	  "an image for x86-64" },
	{ "init_died", "the guest's process 1 ended, which no kernel survives", NULL },
	{ "cpu_too_old", "the guest's kernel wants a feature that this CPU does not have",
	  "a kernel built for an older CPU" },
	{ "kernel_damaged", "the kernel image cannot be unpacked", "an uncompressed vmlinux" },
	{ "no_vsock", "the guest has no vsock, without which it cannot tell that it is ready",
	  "a kernel or an --initrd with virtio_pci and vmw_vsock_virtio_transport" },
	{ "emergency_shell", "the guest's own init gave up and waits in its emergency shell",
	  "vmtool logs: what it could not do stands before" },
	{ "soft_lockup", "a CPU of the guest made no progress for many seconds",
	  "fewer --cpus, or a host with less to do" },
	{ "kernel_bug", "the guest's kernel found a fault in itself", NULL },
	{ "panic", "the guest's kernel panicked", NULL },
	{ "silent",
	  "the console is silent: the kernel hangs early, has no serial console, or has nothing to "
	  "complain about",
	  "--append 'loglevel=7 earlyprintk=ttyS0', then vmtool logs" },
};

enum { WITH_DISKS = 1, WITHOUT_DISKS };

/* The first row that some line fits is the diagnosis: what is a cause stands before what it leads
 * to. A line has to have `words`, and `also` where there is one. */
static const struct sign {
	const char *id;
	const char *words, *also;
	int disks; /* WITH_DISKS, WITHOUT_DISKS; 0: either */
} signs[] = {
	{ "initrd_too_big", "Initramfs unpacking failed: write error", NULL, 0 },
	{ "initrd_unreadable", "Initramfs unpacking failed", NULL, 0 },
	{ "initrd_unreadable", "rootfs image is not initramfs", NULL, 0 },
	{ "out_of_memory", "Kernel panic - not syncing: Out of memory", NULL, 0 },
	{ "out_of_memory", "System is deadlocked on memory", NULL, 0 },
	{ "out_of_memory", "Out of memory: Kill", NULL, 0 },
	{ "out_of_memory", "Out of memory and no killable processes", NULL, 0 },
	{ "out_of_memory", "page allocation failure", NULL, 0 },
	{ "cpu_too_old", "This kernel requires the following features not present", NULL, 0 },
	{ "kernel_damaged", "-- System halted", NULL, 0 },
	{ "init_wrong_format", "Failed to execute", "error -8", 0 },
	{ "init_wrong_format", "Starting init:", "exists but couldn't execute it (error -8)", 0 },
	{ "no_virtio", "VFS: Cannot open root device", "unknown-block(0,0)", WITH_DISKS },
	{ "no_disk", "VFS: Cannot open root device", "unknown-block(0,0)", WITHOUT_DISKS },
	{ "no_root_fs", "VFS: Cannot open root device", "unknown-block(", 0 },
	{ "no_virtio", "VFS: Unable to mount root fs", "unknown-block(0,0)", WITH_DISKS },
	{ "no_disk", "VFS: Unable to mount root fs", "unknown-block(0,0)", WITHOUT_DISKS },
	{ "no_root_fs", "VFS: Unable to mount root fs", NULL, 0 },
	{ "no_root_fs", "VFS: Can't find", "filesystem", 0 },
	{ "no_virtio", "ALERT!", "does not exist", WITH_DISKS },
	{ "no_disk", "ALERT!", "does not exist", WITHOUT_DISKS },
	{ "no_disk", "Gave up waiting for root", NULL, WITHOUT_DISKS },
	{ "root_missing", "Gave up waiting for root", NULL, 0 },
	{ "root_missing", "Timed out waiting for device", "/dev/", 0 },
	{ "root_missing", "dracut-initqueue", "timeout", 0 },
	{ "no_init", "No working init found", NULL, 0 },
	{ "no_init", "Requested init", "failed", 0 },
	{ "no_init", "No init found", NULL, 0 },
	{ "no_init", "can't execute", "init", 0 },
	{ "init_died", "Attempted to kill init!", NULL, 0 },
	{ "no_vsock", "beacon: the kernel has no vsock to the host", NULL, 0 },
	{ "no_vsock", "vsock port ", "Address family not supported", 0 },
	{ "emergency_shell", "You are in emergency mode", NULL, 0 },
	{ "emergency_shell", "Entering emergency mode", NULL, 0 },
	{ "emergency_shell", "Freezing execution", NULL, 0 },
	{ "emergency_shell", "(initramfs)", NULL, 0 },
	{ "soft_lockup", "soft lockup - CPU#", NULL, 0 },
	{ "soft_lockup", "hard LOCKUP on cpu", NULL, 0 },
	{ "soft_lockup", "self-detected stall on CPU", NULL, 0 },
	{ "soft_lockup", "detected stalls on CPUs", NULL, 0 },
	{ "kernel_bug", "BUG: unable to handle", NULL, 0 },
	{ "kernel_bug", "BUG: kernel NULL pointer", NULL, 0 },
	{ "kernel_bug", "kernel BUG at ", NULL, 0 },
	{ "kernel_bug", "general protection fault", NULL, 0 },
	{ "panic", "Kernel panic - not syncing", NULL, 0 },
};

const struct symptom *symptom_find(const char *id)
{
	for (size_t i = 0; i < COUNT(symptoms); i++)
		if (!strcmp(symptoms[i].id, id))
			return &symptoms[i];
	return NULL;
}

static int has(const char *line, size_t len, const char *words)
{
	return !words || memmem(line, len, words, strlen(words)) != NULL;
}

static int fits(const struct sign *s, const struct patient *p, const char *line, size_t len)
{
	if (s->disks && (s->disks == WITH_DISKS) != (p->has_disks != 0))
		return 0;
	return has(line, len, s->words) && has(line, len, s->also);
}

/* The number of the first sign the line fits, of those below `most`; or `most`. */
static size_t sign_of(const struct patient *p, const char *line, size_t len, size_t most)
{
	size_t i = 0;

	while (i < most && !fits(&signs[i], p, line, len))
		i++;
	return i;
}

/* "[    1.234567] ", with which a kernel begins its lines, is no part of the sentence. */
static size_t stamp_length(const char *line, size_t len)
{
	size_t at = 1;

	if (len == 0 || line[0] != '[')
		return 0;
	while (at < len && line[at] && strchr(" .0123456789", line[at]))
		at++;
	return at + 1 < len && line[at] == ']' && line[at + 1] == ' ' ? at + 2 : 0;
}

static void keep(struct diagnosis *d, const char *id, const char *line, size_t len)
{
	size_t skip = stamp_length(line, len);

	while (len > skip && line[len - 1] == '\r')
		len--;
	text_clean(d->line, sizeof(d->line), line + skip, len - skip);
	strcpy(d->id, id); /* each fits: unit/diagnosis_test looks */
}

void diagnose(struct diagnosis *d, const struct patient *p, const char *text, size_t len)
{
	size_t best = COUNT(signs);

	*d = (struct diagnosis){ "", "" };
	for (size_t at = 0; at < len && best > 0;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t line = end ? (size_t)(end - text) - at : len - at;
		size_t sign = sign_of(p, text + at, line, best);

		if (sign < best)
			keep(d, signs[sign].id, text + at, line);
		best = sign;
		at += line + 1;
	}
	if (len == 0 && p->ran && p->timed_out)
		strcpy(d->id, "silent");
}

void diagnose_vm(struct diagnosis *d, const struct patient *p, const struct vmref *v, off_t from)
{
	char *text = malloc(CONSOLE_BYTES);

	*d = (struct diagnosis){ "", "" };
	if (text)
		diagnose(d, p, text, console_read(v, from, text, CONSOLE_BYTES));
	free(text);
}

json_t *diagnosis_json(const struct diagnosis *d)
{
	return d->id[0] ? json_pack("{s:s, s:s}", "id", d->id, "line", d->line) : json_null();
}

void diagnosis_take(struct diagnosis *d, const json_t *j)
{
	const char *id = json_string_value(json_object_get(j, "id"));
	const char *line = json_string_value(json_object_get(j, "line"));

	snprintf(d->id, sizeof(d->id), "%s", id ? id : "");
	snprintf(d->line, sizeof(d->line), "%s", line ? line : "");
}
