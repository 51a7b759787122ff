/* What VMs are called, who has one, and who gets it next. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "check.h"
#include "host/keeper.h"
#include "host/names.h"
#include "host/news.h"
#include "host/seize.h"
#include "host/vmid.h"

static char place[] = "/tmp/names_test.XXXXXX";
static struct home home = { .vms = -1 };
static struct err none;

static void make(const char *name)
{
	struct vmref v = VMREF_NONE;

	CHECK(store_own(&v, &home, name, &none) == 1);
	store_close(&v);
}

static void set_id(const char *name, const char *id)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/id", name);
	CHECK(unlinkat(home.vms, path, 0) == 0 && symlinkat(id, home.vms, path) == 0);
}

static void an_id_changes_or_is_missing(void)
{
	char id[VMID_LEN + 1], again[VMID_LEN + 1];
	struct vmref v = VMREF_NONE;

	make("one");
	CHECK(vmid_read(home.vms, "one", id) == 0 && strlen(id) == VMID_LEN);
	CHECK(store_own(&v, &home, "one", &none) == 0);
	CHECK(vmid_read(home.vms, "one", again) == 0 && !strcmp(id, again));
	/* One that is older than ids gets its own. */
	CHECK(unlinkat(v.dir, "id", 0) == 0);
	CHECK(close(openat(v.dir, "vm.ini", O_WRONLY | O_CREAT, 0600)) == 0);
	store_close(&v);
	CHECK(vmid_read(home.vms, "one", id) == -ENOENT && !*id);
	CHECK(store_own(&v, &home, "one", &none) == 0);
	CHECK(vmid_read(home.vms, "one", id) == 0);
	store_close(&v);
}

/* Who made the folder may find another in possession of it, to whom it is new. */
static void a_folder_without_an_owner_is_nobodys(void)
{
	struct vmref v = VMREF_NONE;

	CHECK(mkdirat(home.vms, "none", 0700) == 0);
	CHECK(store_own(&v, &home, "none", &none) == 1);
	store_close(&v);
	CHECK(store_own(&v, &home, "none", &none) == 0);
	store_close(&v);
}

static void an_id_finds_another_vm(void)
{
	struct vmref v = VMREF_NONE;
	struct err e = ERR_NONE;

	make("two");
	set_id("one", "abcdef0000000000");
	set_id("two", "abcdef1000000000");
	CHECK(store_find(&v, &home, "abcdef1", &e) == 0 && !strcmp(v.name, "two"));
	store_close(&v);
	CHECK(store_find(&v, &home, "abcdef0000000000", &e) == 0 && !strcmp(v.name, "one"));
	store_close(&v);
	CHECK(store_find(&v, &home, "abcdef", &e) == -ENOTUNIQ);
	CHECK(strstr(e.text, "one") && strstr(e.text, "two"));
	CHECK(store_find(&v, &home, "abcde", &e) == -ENOENT);
	CHECK(store_find(&v, &home, "abcdef00000000000", &e) == -ENOENT);
	set_id("two", "../../etc/passwd");
	CHECK(store_find(&v, &home, "abcdef1", &e) == -ENOENT);
	/* Who is called so goes before whose id begins so. */
	make("abcdef");
	CHECK(store_find(&v, &home, "abcdef", &e) == 0 && !strcmp(v.name, "abcdef"));
	store_close(&v);
}

static void a_vm_is_named_twice(void)
{
	struct names n = NAMES_NONE;
	struct err e = ERR_NONE;

	CHECK(names_add(&n, &home, "one", &e) == 0);
	CHECK(names_add(&n, &home, "absent", &e) == 0);
	CHECK(names_add(&n, &home, "abcdef0", &e) == 0);
	CHECK(names_add(&n, &home, "one", &e) == 0);
	CHECK(names_add(&n, &home, "One", &e) == -EINVAL && e.exit == 2);
	CHECK(n.count == 2 && !strcmp(n.name[0], "one") && !strcmp(n.name[1], "absent"));
	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "vm%d", i);
		CHECK(names_add(&n, &home, name, &e) == 0);
	}
	CHECK(n.count == 102 && !strcmp(n.name[101], "vm99"));
	names_free(&n);
}

static void a_rename_overwrites_or_loses_the_lock(void)
{
	struct vmref a = VMREF_NONE, b = VMREF_NONE;
	struct err e = ERR_NONE;

	CHECK(store_find(&a, &home, "one", &e) == 0 && store_lock(&a, &e) == 0);
	CHECK(store_find(&b, &home, "one", &e) == 0);
	CHECK(store_rename(&a, "two", &e) == -EEXIST);
	CHECK(store_rename(&a, "three", &e) == 0 && !strcmp(a.name, "three"));
	CHECK(store_lock(&b, &e) == -EBUSY);
	store_close(&a);
	/* It is not at the name it was found by: nobody's to change. */
	CHECK(store_lock(&b, &e) == -ESTALE);
	store_close(&b);
	CHECK(store_find(&a, &home, "one", &e) == -ENOENT);
}

/* Forks one who has the lock, until it is told to go on. */
static pid_t hold(const char *name, int go[2])
{
	int up[2];
	pid_t pid;
	char c;

	CHECK(pipe(go) == 0 && pipe(up) == 0);
	pid = fork();
	if (pid == 0) {
		struct vmref v = VMREF_NONE;

		close(go[1]);
		_exit(store_find(&v, &home, name, &none) < 0 || store_lock(&v, &none) < 0 ||
		      write(up[1], "", 1) != 1 || read(go[0], &c, 1) != 0);
	}
	close(up[1]);
	close(go[0]);
	CHECK(read(up[0], &c, 1) == 1);
	close(up[0]);
	return pid;
}

static void nobody_knows_who_has_it(void)
{
	struct vmref v = VMREF_NONE;
	struct err e = ERR_NONE;
	char want[64];
	int go[2], status;
	pid_t pid = hold("three", go);

	CHECK(store_find(&v, &home, "three", &e) == 0);
	CHECK(store_lock(&v, &e) == -EBUSY);
	snprintf(want, sizeof(want), "(pid %d)", (int)pid);
	printf("# %s\n", e.text);
	CHECK(strstr(e.text, want) != NULL);
	close(go[1]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	/* Its number is left in the file, and means nobody. */
	CHECK(!store_is_locked(&v));
	CHECK(store_busy(&v, &e) == -EBUSY && strstr(e.text, "another process"));
	store_close(&v);
}

/* Whoever waits for it hears of it, whether it is let go before or after the look. */
static void a_lock_that_is_let_go_is_not_seen(void)
{
	for (int round = 0; round < 50; round++) {
		struct vmref v = VMREF_NONE;
		struct err e = ERR_NONE;
		int go[2], status;
		pid_t pid = hold("three", go);

		CHECK(store_find(&v, &home, "three", &e) == 0);
		close(go[1]);
		CHECK(seize(&v, 0, &e) == 0 && v.lock >= 0);
		if (e.code < 0)
			printf("# round %d: %d: %s\n", round, e.code, e.text);
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
		store_close(&v);
	}
}

/* The kernel tells of a close before it lets the lock go: whoever looks between has to look again. */
static void a_lock_that_goes_behind_its_news_is_not_seen(void)
{
	struct vmref v = VMREF_NONE;
	struct news n = NEWS_NONE;
	struct err e = ERR_NONE;
	int fd;

	CHECK(store_find(&v, &home, "three", &e) == 0);
	CHECK(news_open(&n, &v) == 0);
	fd = openat(v.dir, "note", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && close(fd) == 0);
	for (int i = 0; i < 5; i++)
		CHECK(news_wait(&n, clock_ms() + 60000) == 0);
	/* But not for ever. */
	while (n.repeat_ms)
		CHECK(news_wait(&n, clock_ms() + 60000) == 0);
	CHECK(news_wait(&n, clock_ms() + 10) == -ETIMEDOUT);
	CHECK(unlinkat(v.dir, "note", 0) == 0);
	news_close(&n);
	store_close(&v);
}

static void one_that_runs_is_seized(void)
{
	struct state s = { .state = VM_RUNNING, .ready = 1 };
	struct vmref v = VMREF_NONE, w = VMREF_NONE;
	struct err e = ERR_NONE;

	CHECK(store_find(&v, &home, "three", &e) == 0 && store_lock(&v, &e) == 0);
	CHECK(state_write(&s, &v, &e) == 0);
	CHECK(store_find(&w, &home, "three", &e) == 0);
	CHECK(seize(&w, 0, &e) == -EBUSY && strstr(e.text, "three: is running"));
	store_close(&v);
	CHECK(seize(&w, 0, &e) == 0);
	store_close(&w);
}

/* D18: what state.json says is long ago; its numbers are somebody else's now. */
static void whoever_has_the_number_now_is_killed(void)
{
	struct state s = { .state = VM_RUNNING, .ready = 1 };
	struct stop_result r;
	struct vmref v = VMREF_NONE;
	struct err e = ERR_NONE;
	int go[2], status;
	pid_t other = hold("two", go);

	CHECK(procid_of(&s.agent, other) == 0);
	s.agent.start--;
	s.vmm = s.agent;
	host_boot_id(s.host_boot);
	CHECK(store_find(&v, &home, "three", &e) == 0 && store_lock(&v, &e) == 0);
	CHECK(state_write(&s, &v, &e) == 0);
	fd_close(&v.lock);
	CHECK(keeper_stop(&v, &s, 0, 1, &r, &e) == 0 && !strcmp(r.rung, "none"));
	CHECK(waitpid(other, &status, WNOHANG) == 0);
	close(go[1]);
	CHECK(waitpid(other, &status, 0) == other && status == 0);
	store_close(&v);
}

/* D19 */
static void a_reader_meets_half_a_state(void)
{
	struct state s = { .state = VM_RUNNING, .ready = 1 }, seen;
	struct vmref v = VMREF_NONE;
	struct err e = ERR_NONE;
	unsigned bad = 0, reads = 0;
	int status;
	pid_t pid;

	CHECK(store_find(&v, &home, "two", &e) == 0 && store_lock(&v, &e) == 0);
	CHECK(state_write(&s, &v, &e) == 0);
	pid = fork();
	if (pid == 0) {
		for (unsigned i = 1; i <= 1000; i++) {
			/* Long and short ones by turns, each sentence of one letter. */
			memset(s.detail, 'a' + (int)(i % 26), sizeof(s.detail) - 1);
			s.detail[i % 2 ? sizeof(s.detail) - 1 : 3] = '\0';
			s.cpus = i;
			if (state_write(&s, &v, &e) < 0)
				_exit(1);
		}
		_exit(0);
	}
	do {
		if (state_read(&seen, &v, &e) < 0 || seen.state != VM_RUNNING ||
		    (seen.cpus && seen.detail[0] != 'a' + (int)(seen.cpus % 26)) ||
		    (seen.cpus &&
		     strlen(seen.detail) != (seen.cpus % 2 ? sizeof(s.detail) - 1 : 3)))
			bad++;
		reads++;
	} while (waitpid(pid, &status, WNOHANG) == 0);
	printf("# %u reads\n", reads);
	CHECK(status == 0 && bad == 0 && reads > 100 && seen.cpus > 0);
	store_close(&v);
}

int main(void)
{
	if (!mkdtemp(place) || setenv("VMTOOL_HOME", place, 1) < 0 ||
	    home_open(&home, 1, &none) < 0)
		return 1;
	TEST(an_id_changes_or_is_missing);
	TEST(a_folder_without_an_owner_is_nobodys);
	TEST(an_id_finds_another_vm);
	TEST(a_vm_is_named_twice);
	TEST(a_rename_overwrites_or_loses_the_lock);
	TEST(nobody_knows_who_has_it);
	TEST(a_lock_that_is_let_go_is_not_seen);
	TEST(a_lock_that_goes_behind_its_news_is_not_seen);
	TEST(one_that_runs_is_seized);
	TEST(whoever_has_the_number_now_is_killed);
	TEST(a_reader_meets_half_a_state);
	home_close(&home);
	path_remove_tree(AT_FDCWD, place, &none);
	return check_done();
}
