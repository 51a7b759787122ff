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
};

#define MACHINE_OPTS \
	{ 'c', "cpus", "N", "virtual CPUs (default 1)" }, \
		{ 'm', "memory", "SIZE", "guest memory, with its unit: 512M, 2G (default 256M)" }, \
		{ OPT_KERNEL, "kernel", "PATH", \
		  "x86-64 vmlinux, or a name in the catalogue (default: default)" }, \
		{ OPT_INITRD, "initrd", "PATH", "the guest's initramfs; vmtool adds itself" }, \
	{ \
		OPT_APPEND, "append", "TEXT", "more for the kernel's command line" \
	}

/* Nonzero when the letter was one of them. */
static inline int machine_opt(struct wish *w, int letter, const char *value)
{
	static const struct {
		int letter;
		enum config_key key;
	} keys[] = {
		{ 'c', KEY_CPUS },	    { 'm', KEY_MEMORY },	{ OPT_KERNEL, KEY_KERNEL },
		{ OPT_INITRD, KEY_INITRD }, { OPT_APPEND, KEY_APPEND },
	};

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].letter != letter)
			continue;
		w->value[keys[i].key] = value;
		return 1;
	}
	return 0;
}

#endif
