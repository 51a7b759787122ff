/* Who sees a shutdown to its end, in a mount namespace of the test's own: its disk is a tmpfs whose source
 * is called as one. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/lines.h"
#include "base/util.h"
#include "check.h"
#include "guest/mounts.h"
#include "guest/witness.h"
#include "own_mounts.h"
#include "proto/frame.h"

static char folder[] = "/tmp/witness_test.XXXXXX";
static int asker; /* our end of the connection over which the poweroff was asked for */

/* Of this machine's disks nobody in here may see one that can be written to. */
static void make_others_readonly(void)
{
	struct lines l = LINES_INIT;
	char *line;

	CHECK(lines_open(&l, "/proc/mounts") == 0);
	while ((line = lines_next(&l))) {
		const char *source = strsep(&line, " "), *target = strsep(&line, " ");

		if (target && !strncmp(source, "/dev/", 5))
			CHECK(mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
	}
	lines_close(&l);
}

static int set_disk(unsigned long flags)
{
	return mount("/dev/disk", folder, "tmpfs", flags, "");
}

/* The agent leaves somebody behind, and is ended with the other services. */
static void ask(void)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	witness_leave(pair[0]);
	close(pair[0]);
	asker = pair[1];
}

static int hears(int ms)
{
	struct pollfd p = { asker, POLLIN, 0 };

	return poll(&p, 1, ms) == 1;
}

static int is_over(void)
{
	int status;

	return waitpid(-1, &status, 0) > 0 && WIFEXITED(status);
}

static void open_disk(void)
{
	make_others_readonly();
	CHECK(set_disk(0) == 0 && mounts_are_written());
}

static void body_told_too_early(void)
{
	uint8_t head[FRAME_HEADER];

	open_disk();
	ask();
	CHECK(!hears(300));
	CHECK(set_disk(MS_REMOUNT | MS_RDONLY) == 0 && !mounts_are_written());
	CHECK(hears(5000) && fd_read(asker, head, sizeof(head)) == sizeof(head));
	CHECK(head[0] == FRAME_SYNCED);
	close(asker);
	CHECK(is_over());
}

static void body_gone_with_the_mount(void)
{
	open_disk();
	ask();
	CHECK(!hears(100) && umount2(folder, 0) == 0 && hears(5000));
	close(asker);
	CHECK(is_over());
}

static void body_stays(void)
{
	open_disk();
	ask();
	close(asker);
	CHECK(is_over());
}

/* What systemd-shutdown spares is told by the first letter of its name. */
static void body_is_not_spared(void)
{
	char path[64], text[256] = "", children[64] = "";
	pid_t pid;

	open_disk();
	ask();
	CHECK(!hears(100)); /* it has changed its name by now, or never will */
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	CHECK(fd_slurp(AT_FDCWD, path, children, sizeof(children)) > 0);
	pid = atoi(children);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	CHECK(fd_slurp(AT_FDCWD, path, text, sizeof(text)) > 0 && text[0] == '@');
	CHECK(getsid(pid) == pid);
	close(asker);
	CHECK(is_over());
}

/* In a child: its mounts are gone with it, and so is the witness, whatever became of it. */
static void in_own_mounts(void (*body)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		alarm(20);
		if (own_mounts() != 0)
			_exit(1);
		body();
		fflush(stdout);
		_exit(check.failed > 0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

#define IN_OWN_MOUNTS(body) \
	do { \
		const char *lack = own_mounts_lack(); \
\
		if (lack) \
			SKIP(lack); \
		in_own_mounts(body); \
	} while (0)

static void the_disks_are_called_settled_before_they_are(void)
{
	IN_OWN_MOUNTS(body_told_too_early);
}

static void a_disk_that_was_unmounted_is_waited_for(void)
{
	IN_OWN_MOUNTS(body_gone_with_the_mount);
}

static void it_outlives_who_asked(void)
{
	IN_OWN_MOUNTS(body_stays);
}

static void it_is_ended_with_the_rest(void)
{
	IN_OWN_MOUNTS(body_is_not_spared);
}

int main(void)
{
	CHECK(mkdtemp(folder));
	TEST(the_disks_are_called_settled_before_they_are);
	TEST(a_disk_that_was_unmounted_is_waited_for);
	TEST(it_outlives_who_asked);
	TEST(it_is_ended_with_the_rest);
	rmdir(folder);
	return check_done();
}
