/*
 * kvm - /dev/kvm, or the sentence that says why not and what helps.
 */
#include "host/kvm.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static const char kvm_path[] = "/dev/kvm";

#define CPUID1_ECX_VMX	      (1u << 5)
#define CPUID1_ECX_HYPERVISOR (1u << 31)
#define CPUID80000001_ECX_SVM (1u << 2)

/* The kernel has it, whatever this /dev shows: a container's is made by hand. */
static int kernel_has_it(void)
{
	char misc[4096];

	return fd_slurp(-1, "/proc/misc", misc, sizeof(misc)) > 0 && strstr(misc, " kvm\n");
}

/* A kernel module that would make the device, or NULL where the processor has no virtualisation for it. */
static const char *module_wanted(unsigned *hypervisor)
{
	unsigned a, b, c1 = 0, d, c8 = 0;

	__get_cpuid(1, &a, &b, &c1, &d);
	__get_cpuid(0x80000001, &a, &b, &c8, &d);
	*hypervisor = c1 & CPUID1_ECX_HYPERVISOR;
	return c1 & CPUID1_ECX_VMX ? "kvm_intel" : c8 & CPUID80000001_ECX_SVM ? "kvm_amd" : NULL;
}

/* No device: a container without it, a module not loaded, a firmware setting, or an outer machine that does not
 * nest. */
static int say_absent(struct err *e)
{
	unsigned hypervisor;
	const char *module = module_wanted(&hypervisor);

	if (kernel_has_it())
		return err_set(e, -ENODEV,
			       "%s: does not exist here, though the kernel has KVM: is this a container?"
			       "\n  try: mknod %s c 10 232, or start the container with --device %s",
			       kvm_path, kvm_path, kvm_path);
	if (module)
		return err_set(e, -ENODEV,
			       "%s: does not exist: the kernel's KVM module is not loaded"
			       "\n  try: modprobe %s; if that is refused (dmesg says why), switch %s on in the "
			       "firmware's settings",
			       kvm_path, module, module[4] == 'i' ? "VT-x" : "SVM");
	if (hypervisor)
		return err_set(
			e, -ENODEV,
			"%s: does not exist: this is a virtual machine whose host "
			"does not offer nested virtualisation\n  try: on that host, modprobe -r kvm_intel && "
			"modprobe kvm_intel nested=1 (or kvm_amd), and give this machine the host's CPU",
			kvm_path);
	return err_set(e, -ENODEV,
		       "%s: does not exist: the firmware does not offer virtualisation"
		       "\n  try: switch VT-x or SVM on in its settings",
		       kvm_path);
}

static int in_group_file(const struct group *g, const char *user)
{
	for (char **m = g->gr_mem; *m; m++)
		if (!strcmp(*m, user))
			return 1;
	return 0;
}

static int say_denied(struct err *e)
{
	const struct passwd *u = getpwuid(geteuid());
	const struct group *g;
	struct stat st;

	if (stat(kvm_path, &st) < 0)
		return err_sys(e, "%s", kvm_path);
	/* Not for want of a permission: whoever made this container did not let it have the device. */
	if (geteuid() == 0)
		return err_set(e, -EACCES,
			       "%s: root may not open it: is this a container that was not given it?"
			       "\n  try: start the container with --device %s",
			       kvm_path, kvm_path);
	g = getgrgid(st.st_gid);
	if (!u || !g)
		return err_set(e, -EACCES,
			       "%s: user %u may not open it: it belongs to group %u, which has no name"
			       "\n  try: chmod 666 %s, or run with --group-add %u",
			       kvm_path, (unsigned)geteuid(), (unsigned)st.st_gid, kvm_path,
			       (unsigned)st.st_gid);
	if (in_group_file(g, u->pw_name))
		return err_set(e, -EACCES,
			       "%s: user %s was put into group %s after this login"
			       "\n  try: newgrp %s, or log in again",
			       kvm_path, u->pw_name, g->gr_name, g->gr_name);
	return err_set(e, -EACCES,
		       "%s: user %s is not in group %s, to which it belongs"
		       "\n  try: usermod -aG %s %s, then log in again",
		       kvm_path, u->pw_name, g->gr_name, g->gr_name, u->pw_name);
}

int kvm_open(struct err *e)
{
	int fd = open(kvm_path, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
		return say_absent(e);
	case EACCES:
	case EPERM:
		return say_denied(e);
	case ENODEV:
	case ENXIO:
		return err_set(e, -ENODEV,
			       "%s: is there, but no KVM module serves it\n  try: modprobe kvm_intel, or "
			       "modprobe kvm_amd",
			       kvm_path);
	}
	return err_sys(e, "%s", kvm_path);
}
