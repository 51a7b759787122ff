/*
 * loop - the one event loop: descriptors, timers, signals.
 *
 * A loop belongs to the thread that runs it. loop_wake() is the only call
 * another thread may make. Child exits are watched as pidfds.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

/* Embed one per descriptor; find yourself again with CONTAINER(). */
struct watch {
	int fd; /* borrowed: the embedding struct closes it */
	void (*ready)(struct watch *w, uint32_t events);
};

struct timer {
	int64_t at_ms; /* monotonic; 0 while idle */
	void (*due)(struct timer *t);
	struct timer *next; /* the loop's */
};

struct loop {
	int epfd;   /* owned; -1 while closed */
	int wakefd; /* owned */
	int sigfd;  /* owned */
	int running, status;
	int has_blocked; /* signals, which were as `before` */
	sigset_t before;
	struct timer *timers;	      /* soonest first; borrowed */
	struct epoll_event batch[32]; /* loop_del() clears what is left */
	int batch_at, batch_len;
	/* Called for each signal that arrived; NULL: signals are left unread. */
	void (*signalled)(struct loop *l, const struct signalfd_siginfo *si);
};

#define LOOP_INIT ((struct loop){ .epfd = -1, .wakefd = -1, .sigfd = -1 })

/* Blocks every signal but the faults in the calling thread (so: before other threads start)
 * and reads them from a signalfd. 0 or a negative errno. */
int loop_open(struct loop *l);
void loop_close(struct loop *l);

/* For who goes on after loop_close(): signals are as they were, and a SIGPIPE of our own stdout that may be
 * pending is dropped, and ignored from now on. */
void loop_unblock(struct loop *l);

/* events: EPOLLIN, EPOLLOUT, or 0 to hear of hang-ups only. The fd must be non-blocking.
 * 0 or a negative errno. */
int loop_add(struct loop *l, struct watch *w, uint32_t events);
void loop_mod(struct loop *l, struct watch *w, uint32_t events);

/* After this returns, w->ready is never called again: w may be freed. No-op for fd -1. */
void loop_del(struct loop *l, struct watch *w);

/* Arming an armed timer moves it. */
void loop_after(struct loop *l, struct timer *t, unsigned ms);
void loop_cancel(struct loop *l, struct timer *t);

/* Runs handlers until loop_stop(); returns the status given there. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int status);
void loop_wake(struct loop *l);

/* The two halves of one turn of loop_run, for a caller that does something between them. */
void loop_wait(struct loop *l);
void loop_dispatch(struct loop *l);

#endif
