/* Folders of VMs: who owns one, and what is true about it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "host/config.h"
#include "host/state.h"

static char place[] = "/tmp/store_test.XXXXXX";
static struct home home = { .vms = -1 };

static struct err none;

static void two_own_one_vm(void)
{
	struct vmref a = VMREF_NONE, b = VMREF_NONE;
	struct err e = ERR_NONE;

	CHECK(store_own(&a, &home, "web", &e) == 1);
	CHECK(store_is_locked(&a));
	CHECK(store_own(&b, &home, "web", &e) == -EBUSY);
	CHECK(store_is_locked(&b));
	store_close(&a);
	CHECK(!store_is_locked(&b));
	CHECK(store_lock(&b, &e) == 0);
	CHECK(store_remove(&b, &e) == 0);
	CHECK(store_find(&a, &home, "web", &e) == -ENOENT);
}

/* The holder is whoever has the descriptor, not the process that took the lock. */
static void a_lock_ends_with_the_starter(void)
{
	struct vmref a = VMREF_NONE, b = VMREF_NONE;
	int hold[2];
	pid_t pid;

	CHECK(pipe(hold) == 0);
	CHECK(store_own(&a, &home, "web", &none) == 1);
	pid = fork();
	if (pid == 0) {
		char c;

		close(hold[1]);
		_exit(read(hold[0], &c, 1) != 0);
	}
	store_close(&a);
	CHECK(store_own(&b, &home, "web", &none) == -EBUSY);
	close(hold[1]);
	CHECK(waitpid(pid, NULL, 0) == pid);
	close(hold[0]);
	CHECK(store_lock(&b, &none) == 0);
	CHECK(store_remove(&b, &none) == 0);
}

static void a_removed_folder_is_owned(void)
{
	struct vmref a = VMREF_NONE, b = VMREF_NONE;

	CHECK(store_own(&a, &home, "web", &none) == 1);
	CHECK(store_find(&b, &home, "web", &none) == 0);
	CHECK(store_remove(&a, &none) == 0);
	CHECK(store_lock(&b, &none) == -ESTALE);
	store_close(&b);
}

static void strange_names_are_listed(void)
{
	char(*names)[VM_NAME_ROOM];
	struct vmref a = VMREF_NONE;

	CHECK(mkdirat(home.vms, ".removed.web.1", 0700) == 0);
	CHECK(store_own(&a, &home, "b", &none) == 1);
	store_close(&a);
	CHECK(store_own(&a, &home, "a", &none) == 1);
	store_close(&a);
	CHECK(store_names(&home, &names, &none) == 2);
	CHECK(!strcmp(names[0], "a") && !strcmp(names[1], "b"));
	free(names);
	CHECK(unlinkat(home.vms, ".removed.web.1", AT_REMOVEDIR) == 0);
}

static void a_state_does_not_come_back(void)
{
	struct state in = { .state = VM_STOPPED, .cpus = 3, .memory_bytes = 1ull << 30 }, out;
	struct vmref a = VMREF_NONE;

	memcpy(in.boot, "0123", 5);
	memcpy(in.detail, "a \"quoted\"\nline", 16);
	in.vmm = (struct procid){ 77, 1ull << 40 };
	in.has_status = 1;
	in.status = 42;
	CHECK(store_own(&a, &home, "state", &none) == 1);
	CHECK(state_read(&out, &a, &none) == 0 && out.state == VM_CREATED);
	CHECK(state_write(&in, &a, &none) == 0);
	CHECK(state_read(&out, &a, &none) == 0);
	CHECK(out.state == VM_STOPPED && out.cpus == 3 && out.memory_bytes == in.memory_bytes);
	CHECK(!strcmp(out.boot, in.boot) && !strcmp(out.detail, in.detail));
	CHECK(out.vmm.pid == 77 && out.vmm.start == in.vmm.start && out.agent.pid == 0);
	CHECK(out.has_status && out.status == 42);
	store_close(&a);
}

static void a_vm_without_an_agent_runs(void)
{
	struct state in = { .state = VM_RUNNING, .ready = 1 }, out;
	struct vmref a = VMREF_NONE;

	conditions_init(&in.conditions);
	condition_turn(&in.conditions.list[VM_ALIVE], 1, "it ran");
	host_boot_id(in.host_boot);
	CHECK(store_own(&a, &home, "lost", &none) == 1);
	CHECK(state_write(&in, &a, &none) == 0);
	CHECK(state_read(&out, &a, &none) == 0 && out.state == VM_RUNNING && out.ready);
	CHECK(out.conditions.list[VM_ALIVE].value);
	CHECK(!strcmp(out.conditions.list[VM_ALIVE].reason, "it ran"));
	fd_close(&a.lock);
	CHECK(state_read(&out, &a, &none) == 0);
	CHECK(out.state == VM_FAILED && !out.ready && !out.conditions.list[VM_ALIVE].value);
	CHECK(!strcmp(out.reason, "agent_died") && out.orphan == ORPHAN_DIED);
	store_close(&a);
}

/* The lock of its vmm.status is held by nobody, whatever processes have its numbers now. */
static void a_vm_of_another_boot_of_the_host_runs(void)
{
	struct state in = { .state = VM_RUNNING, .host_boot = "another" }, out;
	struct vmref a = VMREF_NONE;

	conditions_init(&in.conditions);
	CHECK(procid_of(&in.vmm, getpid()) == 0);
	CHECK(store_own(&a, &home, "rebooted", &none) == 1);
	CHECK(state_write(&in, &a, &none) == 0);
	fd_close(&a.lock);
	CHECK(state_read(&out, &a, &none) == 0);
	CHECK(out.state == VM_FAILED && !strcmp(out.reason, "host_reboot"));
	store_close(&a);
}

static void a_damaged_state_is_believed(void)
{
	static const char *const bad[] = { "", "{", "[]", "{}", "{\"state\":\"flying\"}", "null" };
	struct vmref a = VMREF_NONE;
	struct state s;

	CHECK(store_own(&a, &home, "damaged", &none) == 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(path_replace(a.dir, "state.json", bad[i], strlen(bad[i]), 0600, &none) == 0);
		CHECK(state_read(&s, &a, &none) == -EPROTO);
	}
	store_close(&a);
}

/* What is written to vm.ini must be what is read from it. */
static void a_machine_changes_on_disk(void)
{
	static struct wish wish = {
		.nlines = 7,
		.lines = { { KEY_CPUS, "3" },
			   { KEY_MEMORY, "33M" },
			   { KEY_KERNEL, "/a b/vml#inux=x:y" },
			   { KEY_INITRD, "/\"quoted\"" },
			   { KEY_APPEND, " [x] a=b # c ;\xc3\xa9 " },
			   { KEY_DISK, "/a b.img" },
			   { KEY_DISK, "/b=c;d,id=web-1,ro" } },
	};
	static const struct wish nothing;
	static struct config c, back;
	struct vmref a = VMREF_NONE;

	CHECK(config_new(&c, &home, &wish, &none) == 0);
	CHECK(store_own(&a, &home, "machine", &none) == 1);
	CHECK(config_save(&c, &a, &none) == 0);
	CHECK(config_load(&back, &a, &nothing, &none) == 0);
	CHECK(config_same(&c, &back));
	CHECK(!strcmp(back.append, " [x] a=b # c ;\xc3\xa9 ") && back.disks.count == 2);
	store_close(&a);
}

static void a_value_that_cannot_be_kept_is_taken(void)
{
	static const struct {
		const char *why;
		enum config_key key;
		const char *value;
	} bad[] = {
		{ "a newline", KEY_APPEND, "a\nb" },
		{ "a newline in a path", KEY_KERNEL, "/a\nb" },
		{ "less than 32M", KEY_MEMORY, "31M" },
		{ "more than any host", KEY_MEMORY, "9999T" },
		{ "a disk without a file", KEY_DISK, ",ro" },
		{ "an option no disk has", KEY_DISK, "/a,rw" },
		{ "an empty option", KEY_DISK, "/a," },
		{ "an empty serial number", KEY_DISK, "/a,id=" },
		{ "a serial number of 21 bytes", KEY_DISK, "/a,id=123456789012345678901" },
		{ "a serial number with a blank", KEY_DISK, "/a,id=a b" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		static struct wish wish;
		static struct config c;
		struct err e = ERR_NONE;

		wish.nlines = 0;
		CHECK(wish_add(&wish, bad[i].key, bad[i].value, &e) == 0);
		printf("# %s\n", bad[i].why);
		CHECK(config_new(&c, &home, &wish, &e) == -EINVAL && e.exit == 2);
	}
}

static void a_reused_pid_is_taken_for_its_owner(void)
{
	struct procid self, other;

	CHECK(procid_of(&self, getpid()) == 0 && self.start > 0);
	other = self;
	other.start++;
	CHECK(procid_open(&other) == -ESRCH);
	CHECK(procid_end(&other, 0) == 0); /* and we are still here */
	CHECK(procid_open(&(struct procid){ 0 }) == -ESRCH);
}

int main(void)
{
	if (!mkdtemp(place) || setenv("VMTOOL_HOME", place, 1) < 0 ||
	    home_open(&home, 1, &none) < 0)
		return 1;
	TEST(two_own_one_vm);
	TEST(a_lock_ends_with_the_starter);
	TEST(a_removed_folder_is_owned);
	TEST(strange_names_are_listed);
	TEST(a_state_does_not_come_back);
	TEST(a_vm_without_an_agent_runs);
	TEST(a_vm_of_another_boot_of_the_host_runs);
	TEST(a_damaged_state_is_believed);
	TEST(a_machine_changes_on_disk);
	TEST(a_value_that_cannot_be_kept_is_taken);
	TEST(a_reused_pid_is_taken_for_its_owner);
	home_close(&home);
	path_remove_tree(AT_FDCWD, place, &none);
	return check_done();
}
