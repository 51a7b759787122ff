/* Who says that a VM's machine is there, and what it said last. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "base/util.h"
#include "check.h"
#include "host/vmmfile.h"
#include "proto/frame.h"

static struct err none;
static char folder[] = "/tmp/vmmfile_test.XXXXXX";
static struct vmref vm = { .dir = -1, .lock = -1 };

/* A vmm that has its descriptor, and does what it is told to. */
static pid_t vmm(int status, const void *says, size_t len, int marks)
{
	struct flock mark = { .l_type = F_WRLCK, .l_start = VMM_MARK_AT, .l_len = 1 };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (marks)
		fcntl(status, F_SETLK, &mark);
	(void)fd_write_all(status, says, len);
	pause();
	_exit(0);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_machine_without_an_agent_is_not_found(void)
{
	static const uint8_t runs[FRAME_HEADER] = { FRAME_VMM_RUNNING };
	int fd = vmmfile_make(&vm, &none), process;
	pid_t pid, found = 0;

	CHECK(fd >= 0);
	pid = vmm(fd, runs, sizeof(runs), 1);
	fd_close(&fd); /* as an agent does, or its death */
	process = vmmfile_process(&vm, &found, 5000);
	CHECK(process >= 0 && found == pid && vmmfile_is_held(&vm) == 1);
	CHECK(vmmfile_make(&vm, &none) == -EBUSY); /* nobody starts a second one */
	fd_close(&process);
	CHECK(vmmfile_kill(&vm, 5000) == 0);
	waitpid(pid, NULL, 0);
	CHECK(vmmfile_is_held(&vm) == 0);
	CHECK(vmmfile_process(&vm, &found, 5000) == -ESRCH);
	CHECK(vmmfile_kill(&vm, 5000) == 0);
}

static void another_process_is_taken_for_it(void)
{
	int fd = vmmfile_make(&vm, &none);
	pid_t pid = vmm(fd, "", 0, 0), found = 0;

	fd_close(&fd);
	/* It has not marked itself: nobody may guess. */
	CHECK(vmmfile_is_held(&vm) == 1 && vmmfile_process(&vm, &found, 50) == -ETIMEDOUT);
	end(pid);
}

static void last_words_are_lost(void)
{
	struct vmm_exit x = { VMM_REBOOT, 1, 0, "because\n" };
	uint8_t says[2 * FRAME_HEADER + 200];
	struct vmmwords w;
	int fd = vmmfile_make(&vm, &none), reader = vmmfile_open(&vm);
	long len;
	pid_t pid;

	vmmfile_read(&w, reader);
	CHECK(!w.ran && !w.reason);
	frame_header(says, FRAME_VMM_RUNNING, 0);
	len = vmm_exit_encode(&x, says + 2 * FRAME_HEADER, 200);
	frame_header(says + FRAME_HEADER, FRAME_VMM_EXIT, (uint32_t)len);
	CHECK(fd_write_all(fd, says, FRAME_HEADER) == 0);
	vmmfile_read(&w, reader);
	CHECK(w.ran && !w.reason);
	pid = vmm(fd, says + FRAME_HEADER, FRAME_HEADER + (size_t)len, 1);
	fd_close(&fd);
	for (int i = 0; i < 500 && !w.reason; i++) {
		usleep(10000);
		vmmfile_read(&w, reader);
	}
	end(pid);
	CHECK(w.ran && w.reason && !strcmp(w.reason, "guest_reboot"));
	CHECK(!strncmp(w.detail, "because", 7));
	fd_close(&reader);
}

/* A vmm that its guest has taken over can write what it likes. */
static void nonsense_is_believed(void)
{
	static const uint8_t bad[][12] = {
		{ FRAME_VMM_EXIT, 0xff, 0xff, 0xff, 0xff },
		{ FRAME_VMM_EXIT, 0, 0, 0, 1, 77 },
		{ FRAME_VMM_EXIT, 0, 0, 0x0f, 0xf0, 1 },
		{ 0x99, 0, 0, 0, 2, 1, 1 },
		{ 0 },
	};
	struct vmmwords w;

	for (size_t i = 0; i < COUNT(bad); i++) {
		int fd = vmmfile_make(&vm, &none), reader = vmmfile_open(&vm);

		CHECK(fd_write_all(fd, bad[i], sizeof(bad[i])) == 0);
		vmmfile_read(&w, reader);
		CHECK(!w.ran && !w.reason);
		fd_close(&reader);
		fd_close(&fd);
	}
}

static void a_disks_trouble_is_lost_or_made_up(void)
{
	static const struct vmm_trouble none_such[] = { { SPEC_DISKS_MAX, 0, 5 }, { 0, VMM_WORKS, 5 } };
	struct vmm_trouble t = { 1, VMM_FLUSH, ENOSPC };
	uint8_t frame[FRAME_HEADER + VMM_TROUBLE_BYTES];
	int fd = vmmfile_make(&vm, &none), reader = vmmfile_open(&vm);
	struct vmmwords w;

	frame_header(frame, FRAME_VMM_TROUBLE, VMM_TROUBLE_BYTES);
	for (size_t i = 0; i < COUNT(none_such); i++) {
		vmm_trouble_encode(&none_such[i], frame + FRAME_HEADER);
		CHECK(fd_write_all(fd, frame, sizeof(frame)) == 0);
	}
	vmm_trouble_encode(&t, frame + FRAME_HEADER);
	CHECK(fd_write_all(fd, frame, sizeof(frame)) == 0);
	vmmfile_read(&w, reader);
	CHECK(w.troubles == 1 && w.trouble[0].disk == 1 && w.trouble[0].work == VMM_FLUSH &&
	      w.trouble[0].sys == ENOSPC);
	for (unsigned i = 0; i < 2 * VMM_TROUBLES_MAX; i++)
		CHECK(fd_write_all(fd, frame, sizeof(frame)) == 0);
	vmmfile_read(&w, reader);
	CHECK(w.troubles == VMM_TROUBLES_MAX);
	fd_close(&reader);
	fd_close(&fd);
}

int main(void)
{
	CHECK(mkdtemp(folder) != NULL);
	snprintf(vm.name, sizeof(vm.name), "web");
	vm.dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	TEST(a_machine_without_an_agent_is_not_found);
	TEST(another_process_is_taken_for_it);
	TEST(last_words_are_lost);
	TEST(nonsense_is_believed);
	TEST(a_disks_trouble_is_lost_or_made_up);
	path_remove_tree(AT_FDCWD, folder, &none);
	return check_done();
}
