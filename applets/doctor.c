/*
 * vmtool doctor - can this host run microVMs? Asked of the host, not of a list of names.
 *
 * A row for each thing a start depends on: what was found, why it matters, what would cure it.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "applets/applet.h"
#include "base/fd.h"
#include "base/util.h"
#include "host/home.h"
#include "host/kvm.h"
#include "host/passt.h"
#include "host/tap.h"
#include "host/text.h"
#include "vmm/landlock.h"
#include "vmm/namespaces.h"
#include "vmm/probe.h"
#include "vmm/sandbox.h"

enum { OPT_JSON = OPT_LONG };

static const struct opt doctor_opts[] = {
	{ OPT_JSON, "json", NULL, "one JSON array: id, state (ok, note, no), found, why, remedy" },
	{ 0 },
};

#define MIB (1ull << 20)

enum {
	FREE_MIB_WANTED = 1024,
	MEMORY_MIB_WANTED = 512,
	FILES_WANTED = 1024,
};

enum verdict { FINE, NOTE, NO };

struct finding {
	enum verdict verdict;
	char found[1000];
	char remedy[2 * PATH_ROOM + 100]; /* "" when there is nothing to cure */
};

/* As the sentence has it: what is wrong, and behind "try:" what helps. */
static void say_error(struct finding *f, enum verdict verdict, const struct err *e)
{
	static const char cure[] = "\n  try: ";
	const char *at = strstr(e->text, cure);

	f->verdict = verdict;
	snprintf(f->found, sizeof(f->found), "%.*s", at ? (int)(at - e->text) : -1, e->text);
	snprintf(f->remedy, sizeof(f->remedy), "%s", at ? at + sizeof(cure) - 1 : "");
}

static void look_at_kvm(struct finding *f)
{
	struct err e = ERR_NONE;
	int kvm = kvm_open(&e);
	long us = kvm < 0 ? kvm : probe_kvm(kvm, &e);

	fd_close(&kvm);
	if (us < 0)
		say_error(f, NO, &e);
	else
		snprintf(f->found, sizeof(f->found), "a guest ran %d instructions in %ld us",
			 2 * PROBE_TURNS, us);
}

/* The folder itself, or the nearest above it that is there: what is missing can be made. */
static void nearest_folder(char path[PATH_ROOM])
{
	while (access(path, F_OK) < 0 && strrchr(path, '/') > path)
		*strrchr(path, '/') = '\0';
	if (access(path, F_OK) < 0)
		strcpy(path, "/");
}

static void say_no_home(struct finding *f, enum verdict verdict, const struct err *e)
{
	say_error(f, verdict, e);
	if (!f->remedy[0])
		snprintf(f->remedy, sizeof(f->remedy), "export VMTOOL_HOME=/a/folder/of/yours");
}

static void look_at_state(struct finding *f)
{
	struct home h = HOME_NONE;
	struct err e = ERR_NONE;
	char path[PATH_ROOM], size[TEXT_UNIT_ROOM];
	struct statvfs fs;
	uint64_t free_bytes;

	if (home_open(&h, 0, &e) < 0) {
		say_no_home(f, NO, &e);
		return;
	}
	home_close(&h);
	strcpy(path, h.path);
	nearest_folder(path);
	if (access(path, W_OK | X_OK) < 0 || statvfs(path, &fs) < 0) {
		f->verdict = NO;
		snprintf(f->found, sizeof(f->found), "%.400s: %s", path, strerror(errno));
		snprintf(f->remedy, sizeof(f->remedy), "export VMTOOL_HOME=$HOME/vmtool, or another folder that you may write to");
		return;
	}
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	snprintf(f->found, sizeof(f->found), "%.400s, %s free", h.path,
		 text_size(size, free_bytes));
	if (free_bytes >= FREE_MIB_WANTED * MIB)
		return;
	f->verdict = NOTE;
	snprintf(f->remedy, sizeof(f->remedy), "vmtool prune, or export VMTOOL_HOME=/a/folder/with/more/room");
}

static void look_at_kernel(struct finding *f)
{
	struct home h = HOME_NONE;
	struct err e = ERR_NONE;
	char path[PATH_ROOM];

	if (home_open(&h, 0, &e) < 0 ||
	    path_fmt(path, &e, "%s/kernels/default/vmlinux", h.path) < 0) {
		say_no_home(f, NOTE, &e);
		return;
	}
	home_close(&h);
	if (access(path, R_OK) == 0) {
		snprintf(f->found, sizeof(f->found), "%.500s", path);
		return;
	}
	f->verdict = NOTE;
	snprintf(f->found, sizeof(f->found), "%.500s: %s", path, strerror(errno));
	snprintf(f->remedy, sizeof(f->remedy),
		 "vmtool kernel add /boot/vmlinuz-$(uname -r) --modules /lib/modules/$(uname -r)");
}

/* MemAvailable is the kernel's own guess of what can be had without swapping. */
static void look_at_memory(struct finding *f)
{
	char text[8192], size[TEXT_UNIT_ROOM];
	ssize_t n = fd_slurp(-1, "/proc/meminfo", text, sizeof(text));
	const char *at = n < 0 ? NULL : strstr(text, "MemAvailable:");
	unsigned long long kib = 0;

	if (!at || sscanf(at, "MemAvailable: %llu kB", &kib) != 1) {
		f->verdict = NOTE;
		snprintf(f->found, sizeof(f->found), "/proc/meminfo does not say");
		return;
	}
	snprintf(f->found, sizeof(f->found), "%s available", text_size(size, kib << 10));
	if (kib >> 10 >= MEMORY_MIB_WANTED)
		return;
	f->verdict = NOTE;
	snprintf(f->remedy, sizeof(f->remedy), "vmtool ls, and stop what is not needed; or a smaller --memory");
}

static void look_at_files(struct finding *f)
{
	struct rlimit r = { 0 };

	getrlimit(RLIMIT_NOFILE, &r);
	snprintf(f->found, sizeof(f->found), "%llu open files a process",
		 (unsigned long long)r.rlim_cur);
	if (r.rlim_cur >= FILES_WANTED)
		return;
	f->verdict = NOTE;
	snprintf(f->remedy, sizeof(f->remedy), "ulimit -n %d", FILES_WANTED);
}

/* A guest runs without them, too: they are for one that takes its vmm process over. */
static void look_at_sandbox(struct finding *f)
{
	int version = landlock_version(), rc = namespaces_offered();

	if (sandbox_offered() < 0) {
		f->verdict = NOTE;
		snprintf(f->found, sizeof(f->found), "the kernel filters no system calls");
		snprintf(f->remedy, sizeof(f->remedy), "a kernel with CONFIG_SECCOMP_FILTER (zgrep SECCOMP /proc/config.gz)");
	} else if (version < 0) {
		f->verdict = NOTE;
		snprintf(f->found, sizeof(f->found), "system calls are filtered; no Landlock: %s",
			 strerror(-version));
		snprintf(f->remedy, sizeof(f->remedy), "lsm=landlock,... on the kernel's command line");
	} else if (rc < 0) {
		f->verdict = NOTE;
		snprintf(f->found, sizeof(f->found), "system calls are filtered; Landlock, version %d; no namespaces: %s",
			 version, strerror(-rc));
		snprintf(f->remedy, sizeof(f->remedy), "sysctl -w user.max_user_namespaces=10000 (and "
			 "kernel.unprivileged_userns_clone=1 where there is that)");
	} else {
		snprintf(f->found, sizeof(f->found),
			 "system calls are filtered; Landlock, version %d; namespaces", version);
	}
}

static void look_at_tap(struct finding *f)
{
	struct err e = ERR_NONE;

	if (tap_check(&e) < 0)
		say_error(f, NOTE, &e);
	else
		snprintf(f->found, sizeof(f->found), "taps can be opened");
}

static void look_at_passt(struct finding *f)
{
	struct err e = ERR_NONE;

	if (passt_find(f->found, sizeof(f->found), &e) < 0)
		say_error(f, NOTE, &e);
}

static const struct check {
	const char *id;
	const char *why;
	void (*look)(struct finding *f);
} checks[] = {
	{ "kvm", "without it no VM runs, and with a slow one none gets far", look_at_kvm },
	{ "state", "VMs, their logs and what is true of them are kept there", look_at_state },
	{ "kernel", "a start that names no --kernel boots this one", look_at_kernel },
	{ "memory", "a guest takes what it touches, up to its --memory", look_at_memory },
	{ "sandbox", "a guest that broke into its vmm process would reach the host's files",
	  look_at_sandbox },
	{ "tap", "a card that is on one of the host's (--nic tap=NAME) is opened through it", look_at_tap },
	{ "passt", "a card without privileges (--nic passt) is on this program", look_at_passt },
	{ "files", "each connection to a guest takes a few", look_at_files },
};

static const char *const verdicts[] = { "ok", "note", "no" };

static void print_finding(const struct check *k, const struct finding *f)
{
	printf("%-7s %-4s  %s\n", k->id, verdicts[f->verdict], f->found);
	if (f->verdict == FINE)
		return;
	printf("%14s%s\n", "", k->why);
	if (f->remedy[0])
		printf("%14stry: %s\n", "", f->remedy);
}

static json_t *clean_json(const char *text)
{
	char clean[sizeof(((struct finding *)0)->remedy)];

	return *text ? json_string(text_clean(clean, sizeof(clean), text, strlen(text)))
		     : json_null();
}

static json_t *finding_json(const struct check *k, const struct finding *f)
{
	return json_pack("{s:s, s:s, s:o, s:s, s:o}", "id", k->id, "state", verdicts[f->verdict],
			 "found", clean_json(f->found), "why", k->why, "remedy",
			 clean_json(f->remedy));
}

/* The first that is a no is the answer. */
static int examine(json_t *all, struct err *e)
{
	for (size_t i = 0; i < COUNT(checks); i++) {
		struct finding f = { .verdict = FINE };

		checks[i].look(&f);
		if (all)
			json_array_append_new(all, finding_json(&checks[i], &f));
		else
			print_finding(&checks[i], &f);
		if (f.verdict == NO && e->code == 0)
			err_set(e, -ENOTSUP, "%s: %s%s%.200s", checks[i].id, f.found,
				f.remedy[0] ? "\n  try: " : "", f.remedy);
	}
	return e->code;
}

static int doctor_run(struct cmdline *cl, struct err *e)
{
	json_t *all = NULL;
	int c, as_json = 0, rc;

	while ((c = opt_next(cl, e)) > 0)
		as_json = 1;
	rc = c < 0 ? c : operands_end(cl, e);
	if (rc < 0)
		return rc;
	if (as_json)
		all = json_array();
	rc = examine(all, e);
	if (all) {
		json_dumpf(all, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(all);
	return rc;
}

const struct applet applet_doctor = {
	.name = "doctor",
	.args = "",
	.help = "Say whether this host can run microVMs, and if not, why",
	.more = "A line for each thing a start depends on: ok; note, where something will be\n"
		"missed; no, where no VM can run, which is exit code 1. What is not ok says why\n"
		"it matters and what cures it.\n",
	.opts = doctor_opts,
	.command_after = -1,
	.run = doctor_run,
};
