/* state.json after a crash of the host: whatever of it is left, it is read or refused, and never half believed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"
#include "check.h"
#include "host/state.h"

static char place[] = "/tmp/state_test.XXXXXX";
static struct home home = { .vms = -1 };
static struct vmref vm = { .dir = -1, .lock = -1 };
static char whole[64 * 1024];
static size_t whole_len;

static void put(const char *data, size_t len)
{
	int fd = openat(vm.dir, "state.json", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && fd_write_all(fd, data, len) == 0);
	fd_close(&fd);
}

/* A VM that was running when the power failed. */
static void write_whole(void)
{
	struct state s = { .state = VM_RUNNING, .ready = 1, .cpus = 2, .memory_bytes = 1u << 28, .started_ms = 4711 };
	struct err e = ERR_NONE;
	ssize_t n;

	conditions_init(&s.conditions);
	condition_turn(&s.conditions.list[VM_ALIVE], 1, "its first \"instruction\" runs");
	snprintf(s.boot, sizeof(s.boot), "12a2768b-c669-4e51-8bf1-6def6b74ab63");
	snprintf(s.host_boot, sizeof(s.host_boot), "another boot of the host");
	snprintf(s.reason, sizeof(s.reason), "none yet");
	snprintf(s.detail, sizeof(s.detail), "br{ackets} and \"quotes\"");
	CHECK(state_write(&s, &vm, &e) == 0);
	n = fd_slurp(vm.dir, "state.json", whole, sizeof(whole));
	CHECK(n > 0);
	whole_len = (size_t)n;
}

static int is_refused(void)
{
	struct err e = ERR_NONE;
	struct state s;

	return state_read(&s, &vm, &e) == -EPROTO && strstr(e.text, "web: state.json is damaged") &&
	       strstr(e.text, "try: ");
}

/* What a listing sees at a glance it must not have of half a state either. */
static int is_believed_at_a_glance(void)
{
	struct state s;

	return state_glance(&s, &home, "web");
}

static void a_glance_shows_another_state(void)
{
	struct err e = ERR_NONE;
	struct state s = { 0 }, seen = { 0 };

	put(whole, whole_len);
	CHECK(state_read(&s, &vm, &e) == 0 && state_glance(&seen, &home, "web") == 1);
	CHECK(seen.state == s.state && seen.ready == s.ready && seen.cpus == s.cpus);
	CHECK(seen.memory_bytes == s.memory_bytes && seen.started_ms == s.started_ms);
	CHECK(strcmp(seen.reason, s.reason) == 0 && strcmp(s.reason, "none yet") == 0);
	/* Of one that lives by its state, and whose lock nobody holds, it says nothing. */
	fd_close(&vm.lock);
	CHECK(!is_believed_at_a_glance());
	CHECK(store_lock(&vm, &e) == 0 && is_believed_at_a_glance());
	CHECK(renameat(home.vms, "web", home.vms, "real") == 0);
	CHECK(symlinkat("real", home.vms, "web") == 0);
	CHECK(!is_believed_at_a_glance());
	CHECK(unlinkat(home.vms, "web", 0) == 0);
	CHECK(renameat(home.vms, "real", home.vms, "web") == 0);
}

static void a_state_that_is_cut_off_is_believed(void)
{
	/* Without its last brace there is no object; behind it there is nothing to lose. */
	for (size_t len = 0; len < whole_len; len++) {
		put(whole, len);
		if (!is_refused())
			printf("# cut to %zu of %zu bytes\n", len, whole_len);
		CHECK(is_refused());
		CHECK(!is_believed_at_a_glance());
	}
}

/* Blocks that were never written read as zeros, at the end or in the middle. */
static void a_state_with_lost_blocks_is_believed(void)
{
	static char text[sizeof(whole)];

	for (size_t at = 0; at < whole_len; at++) {
		size_t len = MIN(whole_len - at, 512);

		memcpy(text, whole, whole_len);
		memset(text + at, 0, len);
		put(text, whole_len);
		CHECK(is_refused());
		CHECK(!is_believed_at_a_glance());
	}
}

/* The rename did not happen: the old state is true, and the new one's beginning nobody's. */
static void half_a_state_stays(void)
{
	struct err e = ERR_NONE;
	struct state s;
	int fd = openat(vm.dir, ".state.json.4711", O_WRONLY | O_CREAT, 0600);

	CHECK(fd >= 0 && fd_write_all(fd, whole, whole_len / 2) == 0);
	fd_close(&fd);
	put(whole, whole_len);
	CHECK(state_read(&s, &vm, &e) == 0);
	state_sweep(&vm);
	CHECK(faccessat(vm.dir, ".state.json.4711", F_OK, 0) < 0);
	CHECK(faccessat(vm.dir, "state.json", F_OK, 0) == 0);
}

/* It was running in a boot of the host that is over. */
static void a_crash_of_the_host_is_told_as_another(void)
{
	struct err e = ERR_NONE;
	struct state s;

	put(whole, whole_len);
	fd_close(&vm.lock);
	CHECK(state_read(&s, &vm, &e) == 0);
	CHECK(s.orphan == ORPHAN_DIED);
	CHECK(s.state == VM_FAILED && !s.ready);
	CHECK(strcmp(s.reason, "host_reboot") == 0);
	CHECK(!state_holds(&s, VM_ALIVE));
	CHECK(store_lock(&vm, &e) == 0);
}

int main(void)
{
	struct err e = ERR_NONE;

	if (!mkdtemp(place) || setenv("VMTOOL_HOME", place, 1) < 0 || home_open(&home, 1, &e) < 0 ||
	    store_own(&vm, &home, "web", &e) != 1)
		return 1;
	write_whole();
	TEST(a_glance_shows_another_state);
	TEST(a_state_that_is_cut_off_is_believed);
	TEST(a_state_with_lost_blocks_is_believed);
	TEST(half_a_state_stays);
	TEST(a_crash_of_the_host_is_told_as_another);
	store_close(&vm);
	home_close(&home);
	path_remove_tree(AT_FDCWD, place, &e);
	return check_done();
}
