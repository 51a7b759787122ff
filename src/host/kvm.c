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

static const char kvm_path[] = "/dev/kvm";

#define CPUID1_ECX_VMX	      (1u << 5)
#define CPUID1_ECX_HYPERVISOR (1u << 31)
#define CPUID80000001_ECX_SVM (1u << 2)

/* No device: a module not loaded, a firmware setting, or an outer machine that does not nest. */
static int say_absent(struct err *e)
{
	unsigned a, b, c1 = 0, d, c8 = 0;

	__get_cpuid(1, &a, &b, &c1, &d);
	__get_cpuid(0x80000001, &a, &b, &c8, &d);
	if (c1 & CPUID1_ECX_VMX)
		return err_set(e, -ENODEV,
			       "%s: does not exist: the kernel's KVM module is not loaded"
			       "\n  try: modprobe kvm_intel",
			       kvm_path);
	if (c8 & CPUID80000001_ECX_SVM)
		return err_set(e, -ENODEV,
			       "%s: does not exist: the kernel's KVM module is not loaded"
			       "\n  try: modprobe kvm_amd",
			       kvm_path);
	if (c1 & CPUID1_ECX_HYPERVISOR)
		return err_set(
			e, -ENODEV,
			"%s: does not exist: this is a virtual machine whose host "
			"does not offer nested virtualisation\n  try: switch that on for this "
			"machine, or use another",
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
	g = getgrgid(st.st_gid);
	if (!u || !g)
		return err_set(e, -EACCES, "%s: user %u may not open it: it belongs to group %u",
			       kvm_path, (unsigned)geteuid(), (unsigned)st.st_gid);
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
			       "%s: is there, but no KVM module serves it\n  try: modprobe "
			       "kvm_intel or kvm_amd",
			       kvm_path);
	}
	return err_sys(e, "%s", kvm_path);
}
