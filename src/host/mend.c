/*
 * mend - a state.json that is damaged: who knows better writes it anew.
 */
#include "host/mend.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/spawn.h"
#include "host/config.h"
#include "host/console.h"
#include "host/history.h"
#include "host/lock.h"
#include "host/news.h"
#include "host/orphan.h"
#include "host/vmmfile.h"

enum { ANSWER_MS = 2000 };

/* Its agent has all of it in memory. As state_read(), in the end. */
static int ask_agent(struct state *s, struct vmref *v, struct err *e)
{
	int64_t deadline_ms = clock_ms() + ANSWER_MS;
	struct news n = NEWS_NONE;
	struct procid who;
	int rc = news_open(&n, v), fd = store_holder(v, &who) < 0 ? -1 : procid_open(&who);

	if (rc == 0 && fd >= 0 && pidfd_signal(fd, MEND_SIG) == 0)
		do {
			*e = ERR_NONE;
			rc = state_read(s, v, e);
		} while (rc == -EPROTO && news_wait(&n, deadline_ms) == 0);
	else
		rc = -EPROTO;
	fd_close(&fd);
	news_close(&n);
	if (rc == 0)
		fprintf(stderr, "%s: its state.json was damaged; its agent has written it anew\n",
			v->name);
	return rc;
}

/* The boot of the latest event. 0, or -ENOENT: nothing tells. */
static int recall_boot(struct state *s, const struct vmref *v)
{
	static struct history h; /* large */
	struct err untold = ERR_NONE;
	struct event x;

	h = (struct history)HISTORY_NONE;
	if (history_open(&h, v, &untold) < 0)
		return -ENOENT;
	while (history_next(&h, v, &x) > 0) {
		if (x.json && event_text(&x, "boot"))
			snprintf(s->boot, sizeof(s->boot), "%s", event_text(&x, "boot"));
		event_drop(&x);
	}
	history_close(&h);
	return s->boot[0] ? 0 : -ENOENT;
}

/* Who it is, and since when: for what began with it. 0 or a negative errno. */
static int recall_machine(struct state *s, const struct vmref *v)
{
	struct timespec now;
	struct vmmwords w;
	pid_t pid;
	int fd = vmmfile_process(v, &pid, 0), rc;

	if (fd < 0)
		return fd;
	rc = procid_of(&s->vmm, pid);
	fd_close(&fd);
	if (rc < 0)
		return rc;
	/* Ticks since the host's boot, which go on while it sleeps; ours do not. */
	clock_gettime(CLOCK_BOOTTIME, &now);
	s->started_ms = clock_ms() - (int64_t)now.tv_sec * 1000 - now.tv_nsec / 1000000 +
			(int64_t)(s->vmm.start * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));
	fd = vmmfile_open(v);
	vmmfile_read(&w, fd);
	fd_close(&fd);
	s->state = w.paused ? VM_PAUSED : VM_RUNNING;
	return w.ran ? 0 : -EAGAIN;
}

/* A machine that runs without an agent: what lies around it tells whose it is, and what holds of it
 * the next agent will see. 0, or negative: something is missing. */
static int tell_again(struct state *s, struct vmref *v)
{
	static struct config c; /* large */
	struct err untold = ERR_NONE;
	char sock[PATH_ROOM];
	struct stat log;
	int rc;

	*s = (struct state){ .state = VM_RUNNING };
	conditions_init(&s->conditions);
	rc = recall_machine(s, v);
	if (rc == 0)
		rc = recall_boot(s, v);
	if (rc == 0)
		rc = home_sockets(s->sockets, v->home, v->name, &untold);
	if (rc == 0)
		rc = path_fmt(sock, &untold, "%s/vsock.sock", s->sockets);
	if (rc == 0 && access(sock, F_OK) < 0)
		rc = -errno;
	if (rc < 0)
		return rc;
	if (config_load(&c, v, NULL, &untold) == 0)
		s->cpus = c.cpus, s->memory_bytes = c.memory_bytes;
	/* Where its part of the console begins is not known: from here on it is all its own. */
	s->console_from = fstatat(v->dir, console_file, &log, AT_SYMLINK_NOFOLLOW) == 0 ? log.st_size : 0;
	host_boot_id(s->host_boot);
	condition_turn(&s->conditions.list[VM_ALIVE], 1, "its machine runs");
	rc = state_write(s, v, &untold);
	if (rc == 0)
		state_settle(s, v);
	return rc;
}

/* Of what it was there is only this to say. Ours is the lock: nobody else begins meanwhile. */
static int begin_anew(struct state *s, struct vmref *v, struct err *e)
{
	struct err unwritten = ERR_NONE;
	int rc;

	*e = ERR_NONE;
	rc = state_read(s, v, e);
	if (rc != -EPROTO)
		return rc; /* somebody was faster */
	if (vmmfile_is_held(v) > 0 && tell_again(s, v) == 0) {
		fprintf(stderr, "%s: its state.json was damaged; its machine runs, and gets another agent\n",
			v->name);
		*e = ERR_NONE;
		return 0;
	}
	if (vmmfile_is_held(v) > 0)
		return err_set(e, rc,
			       "%s: state.json is damaged, and its machine runs without an agent\n"
			       "  try: vmtool rm -f %s, which ends it",
			       v->name, v->name);
	*s = (struct state){ .state = VM_FAILED, .reason = "damaged" };
	conditions_init(&s->conditions);
	snprintf(s->detail, sizeof(s->detail),
		 "its state.json was damaged: what became of it is not known, what it is made of is kept");
	if (orphan_end(v, s, 0, &unwritten) == 0)
		fprintf(stderr, "%s: its state.json was damaged, and is begun anew\n", v->name);
	*e = ERR_NONE;
	return 0;
}

int mend_read(struct state *s, struct vmref *v, struct err *e)
{
	struct err busy = ERR_NONE;
	int rc = state_read(s, v, e);

	if (rc != -EPROTO)
		return rc;
	if (v->lock >= 0)
		return begin_anew(s, v, e);
	if (store_lock(v, &busy) < 0)
		return busy.code == -EBUSY ? ask_agent(s, v, e) : rc;
	rc = begin_anew(s, v, e);
	fd_close(&v->lock);
	return rc;
}
