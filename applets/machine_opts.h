/*
 * machine_opts - the options that describe a machine, for every word that takes them.
 */
#ifndef APPLETS_MACHINE_OPTS_H
#define APPLETS_MACHINE_OPTS_H

#include "applets/applet.h"
#include "host/config.h"

enum {
	OPT_KERNEL = OPT_LONG + 100,
	OPT_INITRD,
	OPT_APPEND,
	OPT_DISK,
	OPT_HOSTNAME,
	OPT_SYSCTL,
	OPT_NET,
	OPT_DNS,
	OPT_SEARCH,
	OPT_ROOT,
	OPT_OVERLAY,
	OPT_MOUNT,
	OPT_INIT,
};

#define MACHINE_OPTS \
	{ 'c', "cpus", "N", "virtual CPUs (default 1)" }, \
		{ 'm', "memory", "SIZE", "guest memory, with its unit: 512M, 2G (default 256M)" }, \
		{ OPT_KERNEL, "kernel", "PATH", \
		  "x86-64 vmlinux, or a name in the catalogue (default: default)" }, \
		{ OPT_INITRD, "initrd", "PATH", "the guest's initramfs; vmtool adds itself" }, \
		{ OPT_APPEND, "append", "TEXT", "more for the kernel's command line" }, \
		{ OPT_DISK, "disk", "PATH[,ro][,id=SERIAL]", \
		  "a raw image or block device as the guest's vda; the next one is vdb *" }, \
		{ OPT_HOSTNAME, "hostname", "NAME", \
		  "the guest's host name (default: the VM's name)" }, \
		{ OPT_SYSCTL, "sysctl", "NAME=VALUE", "a knob of the guest's kernel *" }, \
		{ OPT_NET, "net", "WORDS", \
		  "an interface: \"eth0 dhcp\", \"eth0 address=10.0.0.2/24 gateway=10.0.0.1\" *" }, \
		{ OPT_DNS, "dns", "ADDR", "a name server for the guest's resolv.conf *" }, \
		{ OPT_SEARCH, "search", "DOMAIN", "where it looks for names without a dot *" }, \
		{ OPT_ROOT, "root", "WORDS", \
		  "the guest's root: \"/dev/vda ext4 ro\" (default: the initramfs)" }, \
		{ OPT_OVERLAY, "overlay", "WORDS", \
		  "leave the root as it is and write to \"tmpfs 1G\" or \"/dev/vdb\"" }, \
		{ OPT_MOUNT, "mount", "WORDS", "\"SOURCE TARGET TYPE OPTIONS\" as in fstab *" }, \
	{ \
		OPT_INIT, "init", "ARG", \
			"the image's own init becomes process 1; again for its arguments *" \
	}

/* 1 when the letter was one of them, 0 when not; negative with *e filled. */
static inline int machine_opt(struct wish *w, int letter, const char *value, struct err *e)
{
	static const struct {
		int letter;
		enum config_key key;
	} keys[] = {
		{ 'c', KEY_CPUS },
		{ 'm', KEY_MEMORY },
		{ OPT_KERNEL, KEY_KERNEL },
		{ OPT_INITRD, KEY_INITRD },
		{ OPT_APPEND, KEY_APPEND },
		{ OPT_DISK, KEY_DISK },
		{ OPT_HOSTNAME, KEY_HOSTNAME },
		{ OPT_SYSCTL, KEY_SYSCTL },
		{ OPT_NET, KEY_NET },
		{ OPT_DNS, KEY_DNS },
		{ OPT_SEARCH, KEY_SEARCH },
		{ OPT_ROOT, KEY_ROOT },
		{ OPT_OVERLAY, KEY_OVERLAY },
		{ OPT_MOUNT, KEY_MOUNT },
		{ OPT_INIT, KEY_INIT },
	};

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].letter == letter)
			return wish_add(w, keys[i].key, value, e) < 0 ? e->code : 1;
	}
	return 0;
}

#endif
