/*
 * uring - one io_uring: transfers and syncs of a few files, begun together, told of by an eventfd.
 *
 * By the system calls themselves (io_uring(7)). The ring is bound to its files and locked up before a
 * guest runs: it does reads, writes and syncs of these files, and nothing else, whoever has taken the
 * process over, and nothing more can be registered with it, only the files be let go. So no filter of system calls
 * is got round.
 */
#ifndef VMM_URING_H
#define VMM_URING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { URING_DEPTH = 64 };

enum uring_op { URING_READ, URING_WRITE, URING_SYNC };

struct uring {
	int fd; /* owned; -1 while closed */
	unsigned in_flight;
	void *rings; /* owned mappings */
	size_t rings_len;
	struct io_uring_sqe *entries;
	unsigned *head, *tail;		 /* of the entries: the kernel moves head */
	unsigned *done_head, *done_tail; /* of what is done: we move head */
	struct io_uring_cqe *done;
	unsigned done_mask;
};

#define URING_NONE ((struct uring){ .fd = -1 })

/* What is done adds to the eventfd. 0, or a negative errno where the host's kernel has none, refuses it,
 * or is too old to lock it up: u is URING_NONE then. */
int uring_open(struct uring *u, const int *files, unsigned nfiles, int eventfd);

/* What is in flight writes to memory until it is done: nothing may be. */
void uring_close(struct uring *u);

/* Notes one for uring_start(). `file` is an index; iov, of a transfer, must stay until it is done. Nonzero: it has; 0: so many
 * are in flight. may_block: it is not tried on this thread first. */
int uring_put(struct uring *u, enum uring_op op, unsigned file, const struct iovec *iov,
	      unsigned nspans, uint64_t at, int may_block, void *whose);

/* Has what was noted begun. Some may be left over, where the host's kernel lacks memory: uring_take_back() gives
 * them back until there is none, and must be asked. */
void uring_start(struct uring *u);
void *uring_take_back(struct uring *u);

/* One that is done: whose, and bytes or a negative errno. NULL: there is none. */
void *uring_next(struct uring *u, int *result);

/* Returns when one is done. 0 or a negative errno. */
int uring_wait(struct uring *u);

#endif
