/*
 * uring - one io_uring: transfers and syncs of a few files, begun together, told of by an eventfd.
 */
#include "vmm/uring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

static const uint8_t ops[] = {
	[URING_READ] = IORING_OP_READV,
	[URING_WRITE] = IORING_OP_WRITEV,
	[URING_SYNC] = IORING_OP_FSYNC,
};

enum {
	/* One mapping for both rings; what is done is never dropped; iovecs are read at once; and those who
	 * wait for files are threads of this process (5.12), under its limits. */
	WANTED = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
		 IORING_FEAT_NATIVE_WORKERS,

	WORKERS = 8, /* of the host's kernel, for the whole process */
};

/* --- its making ----------------------------------------------------------------------------- */

static int register_with(const struct uring *u, unsigned what, const void *arg, unsigned n)
{
	return syscall(SYS_io_uring_register, u->fd, what, arg, n) < 0 ? -errno : 0;
}

/* The last that can be registered. */
static int lock_up(const struct uring *u)
{
	struct io_uring_restriction only[COUNT(ops) + 3] = { 0 };

	for (unsigned i = 0; i < COUNT(ops); i++) {
		only[i].opcode = IORING_RESTRICTION_SQE_OP;
		only[i].sqe_op = ops[i];
	}
	only[COUNT(ops)].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	only[COUNT(ops)].sqe_flags = IOSQE_FIXED_FILE | IOSQE_ASYNC;
	only[COUNT(ops) + 1].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
	only[COUNT(ops) + 1].sqe_flags = IOSQE_FIXED_FILE;
	only[COUNT(ops) + 2].opcode = IORING_RESTRICTION_REGISTER_OP;
	only[COUNT(ops) + 2].register_op = IORING_UNREGISTER_FILES;
	return register_with(u, IORING_REGISTER_RESTRICTIONS, only, COUNT(only));
}

static int bind_and_enable(const struct uring *u, const int *files, unsigned nfiles, int eventfd)
{
	static const unsigned workers[2] = { WORKERS, WORKERS };
	int rc = register_with(u, IORING_REGISTER_FILES, files, nfiles);

	if (rc == 0)
		rc = register_with(u, IORING_REGISTER_EVENTFD, &eventfd, 1);
	if (rc == 0) /* since 5.15; before, it is four for each CPU */
		(void)register_with(u, IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2);
	if (rc == 0)
		rc = lock_up(u);
	return rc == 0 ? register_with(u, IORING_REGISTER_ENABLE_RINGS, NULL, 0) : rc;
}

static void *map(const struct uring *u, size_t len, off_t what)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd, what);

	return p == MAP_FAILED ? NULL : p;
}

static int map_rings(struct uring *u, const struct io_uring_params *p)
{
	size_t entries = p->sq_off.array + URING_DEPTH * sizeof(unsigned);
	size_t done = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	unsigned *order;
	uint8_t *at;

	u->rings_len = entries > done ? entries : done;
	u->rings = map(u, u->rings_len, IORING_OFF_SQ_RING);
	u->entries = map(u, URING_DEPTH * sizeof(*u->entries), IORING_OFF_SQES);
	if (!u->rings || !u->entries)
		return -ENOMEM;
	at = u->rings;
	u->head = (unsigned *)(void *)(at + p->sq_off.head);
	u->tail = (unsigned *)(void *)(at + p->sq_off.tail);
	u->done_head = (unsigned *)(void *)(at + p->cq_off.head);
	u->done_tail = (unsigned *)(void *)(at + p->cq_off.tail);
	u->done = (struct io_uring_cqe *)(void *)(at + p->cq_off.cqes);
	u->done_mask = p->cq_entries - 1;
	order = (unsigned *)(void *)(at + p->sq_off.array);
	for (unsigned i = 0; i < URING_DEPTH; i++)
		order[i] = i;
	return 0;
}

int uring_open(struct uring *u, const int *files, unsigned nfiles, int eventfd)
{
	struct io_uring_params p = { .flags = IORING_SETUP_R_DISABLED };
	int rc;

	*u = URING_NONE;
	u->fd = (int)syscall(SYS_io_uring_setup, URING_DEPTH, &p);
	if (u->fd < 0)
		return -errno;
	rc = (p.features & WANTED) == WANTED && p.sq_entries == URING_DEPTH ? 0 : -ENOSYS;
	if (rc == 0)
		rc = map_rings(u, &p);
	if (rc == 0)
		rc = bind_and_enable(u, files, nfiles, eventfd);
	if (rc < 0)
		uring_close(u);
	return rc;
}

/* The kernel is done with a ring some time after its process has ended; with the files, locks on them included,
 * it would be as late. */
void uring_close(struct uring *u)
{
	if (u->fd >= 0)
		(void)register_with(u, IORING_UNREGISTER_FILES, NULL, 0);
	if (u->rings)
		munmap(u->rings, u->rings_len);
	if (u->entries)
		munmap(u->entries, URING_DEPTH * sizeof(*u->entries));
	fd_close(&u->fd);
	*u = URING_NONE;
}

/* --- its use -------------------------------------------------------------------------------- */

/* The kernel's end of a ring, and ours. */
static unsigned theirs(const unsigned *end)
{
	return __atomic_load_n(end, __ATOMIC_ACQUIRE);
}

static void publish(unsigned *end, unsigned at)
{
	__atomic_store_n(end, at, __ATOMIC_RELEASE);
}

int uring_put(struct uring *u, enum uring_op op, unsigned file, const struct iovec *iov,
	      unsigned nspans, uint64_t at, int may_block, void *whose)
{
	if (u->in_flight == URING_DEPTH)
		return 0;
	u->entries[*u->tail % URING_DEPTH] = (struct io_uring_sqe){
		.opcode = ops[op],
		.flags = (uint8_t)(IOSQE_FIXED_FILE | (may_block ? IOSQE_ASYNC : 0)),
		.fd = (int32_t)file,
		.off = at,
		/* Of a sync these would be something else. */
		.addr = op == URING_SYNC ? 0 : (uintptr_t)iov,
		.len = op == URING_SYNC ? 0 : nspans,
		.fsync_flags = op == URING_SYNC ? IORING_FSYNC_DATASYNC : 0,
		.user_data = (uintptr_t)whose,
	};
	publish(u->tail, *u->tail + 1);
	u->in_flight++;
	return 1;
}

static int enter(const struct uring *u, unsigned begin, unsigned await)
{
	long rc;

	do
		rc = syscall(SYS_io_uring_enter, u->fd, begin, await,
			     await ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : (int)rc;
}

void uring_start(struct uring *u)
{
	unsigned left;

	while ((left = *u->tail - theirs(u->head)) > 0 && enter(u, left, 0) > 0)
		;
}

void *uring_take_back(struct uring *u)
{
	if (*u->tail == theirs(u->head))
		return NULL;
	publish(u->tail, *u->tail - 1);
	u->in_flight--;
	return (void *)(uintptr_t)u->entries[*u->tail % URING_DEPTH].user_data;
}

void *uring_next(struct uring *u, int *result)
{
	const struct io_uring_cqe *c = &u->done[*u->done_head & u->done_mask];
	void *whose;

	if (*u->done_head == theirs(u->done_tail))
		return NULL;
	whose = (void *)(uintptr_t)c->user_data;
	*result = c->res;
	publish(u->done_head, *u->done_head + 1);
	u->in_flight--;
	return whose;
}

int uring_wait(struct uring *u)
{
	int rc = enter(u, 0, 1);

	return rc < 0 ? rc : 0;
}
