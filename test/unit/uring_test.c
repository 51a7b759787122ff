/* One io_uring over files in memory: what it does, and what it must not do whoever asks. */
#include "vmm/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "check.h"

enum { BYTES = 8192 };

static struct uring u;
static int files[2], told;

static int file_of(char letter)
{
	char bytes[BYTES];
	int fd = memfd_create("file", MFD_CLOEXEC);

	memset(bytes, letter, sizeof(bytes));
	CHECK(write(fd, bytes, sizeof(bytes)) == BYTES);
	return fd;
}

static void begin(void)
{
	files[0] = file_of('a');
	files[1] = file_of('b');
	told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(uring_open(&u, files, COUNT(files), told) == 0);
}

static void end(void)
{
	CHECK(u.in_flight == 0);
	uring_close(&u);
	close(files[0]);
	close(files[1]);
	close(told);
}

/* Of one that was noted: what it comes to. */
static int result_of(void *whose)
{
	int result = -ENODATA;

	uring_start(&u);
	CHECK(uring_take_back(&u) == NULL);
	CHECK(uring_wait(&u) == 0);
	CHECK(uring_next(&u, &result) == whose && uring_next(&u, &(int){ 0 }) == NULL);
	return result;
}

static void bytes_go_elsewhere(void)
{
	for (int may_block = 0; may_block <= 1; may_block++) {
		char x[100] = "", y[50] = "", got[4];
		struct iovec spans[2] = { { x, sizeof(x) }, { y, sizeof(y) } };
		uint64_t count;

		begin();
		CHECK(uring_put(&u, URING_READ, 1, spans, 2, BYTES - 120, may_block, x));
		CHECK(u.in_flight == 1);
		CHECK(result_of(x) == 120 && x[0] == 'b' && y[19] == 'b' && y[20] == 0);
		CHECK(read(told, &count, sizeof(count)) == sizeof(count));
		CHECK(uring_put(&u, URING_READ, 0, spans, 2, BYTES, may_block, x) &&
		      result_of(x) == 0);
		CHECK(uring_put(&u, URING_WRITE, 0, &(struct iovec){ "new", 3 }, 1, 10, may_block,
				y));
		CHECK(result_of(y) == 3);
		CHECK(pread(files[0], got, 4, 10) == 4 && !memcmp(got, "newa", 4));
		CHECK(uring_put(&u, URING_SYNC, 0, spans, 2, 0, may_block, y) && result_of(y) == 0);
		CHECK(uring_put(&u, URING_READ, 0, &(struct iovec){ (void *)8, 8 }, 1, 0, may_block,
				x));
		CHECK(result_of(x) == -EFAULT);
		end();
	}
}

static void more_than_it_holds_is_taken(void)
{
	static char bytes[URING_DEPTH];
	static struct iovec span[URING_DEPTH];
	unsigned seen = 0;
	char *whose;
	int result;

	begin();
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < URING_DEPTH; i++) {
			span[i] = (struct iovec){ bytes + i, 1 };
			CHECK(uring_put(&u, URING_READ, 1, &span[i], 1, i, 0, bytes + i));
		}
		CHECK(!uring_put(&u, URING_READ, 1, span, 1, 0, 0, bytes));
		/* What was not begun comes back, whosever it is; the others are done. */
		CHECK(uring_take_back(&u) == bytes + URING_DEPTH - 1 &&
		      u.in_flight == URING_DEPTH - 1);
		memset(bytes, 0, sizeof(bytes));
		uring_start(&u);
		CHECK(uring_take_back(&u) == NULL);
		for (unsigned i = 0; i + 1 < URING_DEPTH; i++) {
			while (!(whose = uring_next(&u, &result)))
				CHECK(uring_wait(&u) == 0);
			CHECK(result == 1 && *whose == 'b');
			*whose = 0; /* each once */
			seen++;
		}
	}
	CHECK(seen == 3 * (URING_DEPTH - 1));
	end();
}

/* As somebody would who has taken the process over. */
static void it_does_whatever_it_is_asked(void)
{
	static const struct io_uring_sqe bad[] = {
		{ .opcode = IORING_OP_NOP, .flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t) "/" },
		{ .opcode = IORING_OP_OPENAT, .flags = IOSQE_FIXED_FILE, .addr = (uintptr_t) "/" },
		{ .opcode = IORING_OP_SOCKET, .flags = IOSQE_FIXED_FILE, .fd = 2, .off = 1 },
		{ .opcode = IORING_OP_CLOSE, .flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_OP_FALLOCATE, .flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_OP_URING_CMD, .flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_OP_READV, .fd = 0 }, /* a descriptor of the process's */
		{ .opcode = IORING_OP_READV, .flags = IOSQE_FIXED_FILE | IOSQE_IO_DRAIN },
	};
	static const unsigned registers[] = {
		IORING_REGISTER_FILES,	  IORING_REGISTER_FILES_UPDATE, IORING_REGISTER_BUFFERS,
		IORING_REGISTER_EVENTFD,  IORING_UNREGISTER_EVENTFD,	IORING_REGISTER_PERSONALITY,
		IORING_REGISTER_RESTRICTIONS,
	};
	int fd = 0;

	begin();
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct io_uring_sqe *at = &u.entries[*u.tail % URING_DEPTH];
		int result;

		CHECK(uring_put(&u, URING_SYNC, 0, NULL, 0, 0, 0, &u));
		*at = bad[i];
		at->user_data = (uintptr_t)&u;
		result = result_of(&u);
		if (result != -EACCES)
			printf("# entry %zu: %d\n", i, result);
		CHECK(result == -EACCES);
	}
	CHECK(uring_put(&u, URING_READ, 2, &(struct iovec){ &fd, 1 }, 1, 0, 0, &u) &&
	      result_of(&u) == -EBADF);
	for (size_t i = 0; i < COUNT(registers); i++)
		CHECK(syscall(SYS_io_uring_register, u.fd, registers[i], &fd, 1) < 0 && errno == EACCES);
	end();
}

/* A ring's own end is not its close(2): the kernel comes round to it later. */
static void a_closed_ones_files_stay_locked(void)
{
	for (unsigned i = 0; i < 20; i++) {
		struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		char path[32];
		int other;

		begin();
		snprintf(path, sizeof(path), "/proc/self/fd/%d", files[0]);
		other = open(path, O_RDWR | O_CLOEXEC);
		CHECK(fcntl(files[0], F_OFD_SETLK, &all) == 0);
		CHECK(fcntl(other, F_OFD_SETLK, &all) < 0 && errno == EAGAIN);
		CHECK(uring_put(&u, URING_WRITE, 0, &(struct iovec){ path, 1 }, 1, 0, 1, &u) && result_of(&u) == 1);
		end();
		CHECK(fcntl(other, F_OFD_SETLK, &all) == 0);
		close(other);
	}
}

static void a_refusal_leaves_something_open(void)
{
	int none = -1, next = dup(0);

	close(next);
	CHECK(uring_open(&u, &none, 1, -1) < 0); /* no such eventfd */
	CHECK(u.fd == -1 && !u.rings && !u.entries && u.in_flight == 0);
	CHECK(dup(0) == next);
	close(next);
}

int main(void)
{
	struct io_uring_params p = { 0 };
	int fd = (int)syscall(SYS_io_uring_setup, 1, &p);

	if (fd < 0) {
		printf("1..0 # SKIP this host's kernel gives no io_uring: %s\n", strerror(errno));
		return 0;
	}
	close(fd);
	TEST(bytes_go_elsewhere);
	TEST(more_than_it_holds_is_taken);
	TEST(it_does_whatever_it_is_asked);
	TEST(a_closed_ones_files_stay_locked);
	TEST(a_refusal_leaves_something_open);
	return check_done();
}
