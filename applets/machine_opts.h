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
};

#define MACHINE_OPTS \
	{ 'c', "cpus", "N", "virtual CPUs (default 1)" }, \
		{ 'm', "memory", "SIZE", "guest memory, with its unit: 512M, 2G (default 256M)" }, \
		{ OPT_KERNEL, "kernel", "PATH", \
		  "x86-64 vmlinux, or a name in the catalogue (default: default)" }, \
		{ OPT_INITRD, "initrd", "PATH", "the guest's initramfs; vmtool adds itself" }, \
		{ OPT_APPEND, "append", "TEXT", "more for the kernel's command line" }, \
	{ \
		OPT_DISK, "disk", "PATH[,ro][,id=SERIAL]", \
			"a raw image or block device as the guest's vda; the next one is vdb" \
	}

/* 1 when the letter was one of them, 0 when not; negative with *e filled. */
static inline int machine_opt(struct wish *w, int letter, const char *value, struct err *e)
{
	static const struct {
		int letter;
		enum config_key key;
	} keys[] = {
		{ 'c', KEY_CPUS },	    { 'm', KEY_MEMORY },	{ OPT_KERNEL, KEY_KERNEL },
		{ OPT_INITRD, KEY_INITRD }, { OPT_APPEND, KEY_APPEND }, { OPT_DISK, KEY_DISK },
	};

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].letter != letter)
			continue;
		if (wish_add(w, keys[i].key, value) < 0)
			return err_usage(e, "%s: said more than %d times", value, WISH_VALUES - 1);
		return 1;
	}
	return 0;
}

#endif
