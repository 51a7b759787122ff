/*
 * filelock - a disk's file is one machine's: a lock that belongs to the open file, not to a process, so that it goes
 * to the vmm with the descriptor and ends with the last one. QEMU and others take locks of the same kind.
 */
#ifndef HOST_FILELOCK_H
#define HOST_FILELOCK_H

enum filelock { FILELOCK_SHARED, FILELOCK_ALONE };

/* 0; -EAGAIN: another has it, and such a lock does not say who; or another negative errno. */
int filelock_take(int fd, enum filelock kind);

/* The same of a file that nobody should have who is alive. What a process that was killed had under way with an
 * io_uring the host's kernel still writes, and lets go of the file when that is done; nothing tells when. Waits
 * up to two seconds for it. */
int filelock_take_over(int fd, enum filelock kind);

#endif
