/* A disk's file: one writes it, or several read it, and who is slow to let go of it is waited for. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "host/filelock.h"

static char path[] = "/tmp/filelock.XXXXXX";

static int opened(void)
{
	return open(path, O_RDWR | O_CLOEXEC);
}

static void two_have_what_is_ones(void)
{
	static const struct {
		enum filelock has, wants;
		int rc;
	} cases[] = {
		{ FILELOCK_ALONE, FILELOCK_ALONE, -EAGAIN },
		{ FILELOCK_ALONE, FILELOCK_SHARED, -EAGAIN },
		{ FILELOCK_SHARED, FILELOCK_ALONE, -EAGAIN },
		{ FILELOCK_SHARED, FILELOCK_SHARED, 0 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int a = opened(), b = opened();

		CHECK(filelock_take(a, cases[i].has) == 0);
		CHECK(filelock_take(b, cases[i].wants) == cases[i].rc);
		fd_close(&a);
		CHECK(filelock_take(b, cases[i].wants) == 0);
		fd_close(&b);
	}
}

/* The lock goes with the last descriptor, not with the first. */
static void a_lock_goes_too_early(void)
{
	int a = opened(), inherited = dup(a), b = opened();

	CHECK(filelock_take(a, FILELOCK_ALONE) == 0);
	fd_close(&a);
	CHECK(filelock_take(b, FILELOCK_ALONE) == -EAGAIN);
	fd_close(&inherited);
	CHECK(filelock_take(b, FILELOCK_ALONE) == 0);
	fd_close(&b);
}

static void *lets_go(void *arg)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	fd_close(arg);
	return NULL;
}

static void who_is_slow_is_not_waited_for(void)
{
	int a = opened(), b = opened();
	pthread_t thread;

	CHECK(filelock_take(a, FILELOCK_ALONE) == 0);
	CHECK(pthread_create(&thread, NULL, lets_go, &a) == 0);
	CHECK(filelock_take_over(b, FILELOCK_ALONE) == 0);
	pthread_join(thread, NULL);
	fd_close(&b);
}

static void who_stays_is_waited_for_for_ever(void)
{
	int a = opened(), b = opened();

	CHECK(filelock_take(a, FILELOCK_SHARED) == 0);
	CHECK(filelock_take_over(b, FILELOCK_ALONE) == -EAGAIN);
	CHECK(filelock_take_over(b, FILELOCK_SHARED) == 0);
	fd_close(&a);
	fd_close(&b);
}

static void what_is_no_file_is_locked(void)
{
	CHECK(filelock_take(-1, FILELOCK_ALONE) == -EBADF);
	CHECK(filelock_take_over(-1, FILELOCK_ALONE) == -EBADF);
}

int main(void)
{
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	fd_close(&fd);
	TEST(two_have_what_is_ones);
	TEST(a_lock_goes_too_early);
	TEST(who_is_slow_is_not_waited_for);
	TEST(who_stays_is_waited_for_for_ever);
	TEST(what_is_no_file_is_locked);
	unlink(path);
	return check_done();
}
