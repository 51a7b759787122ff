/*
 * mend - a state.json that is damaged: who knows better writes it anew.
 */
#include "host/mend.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/spawn.h"
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

/* Of what it was there is only this to say. Ours is the lock: nobody else begins meanwhile. */
static int begin_anew(struct state *s, struct vmref *v, struct err *e)
{
	struct err unwritten = ERR_NONE;
	int rc;

	*e = ERR_NONE;
	rc = state_read(s, v, e);
	if (rc != -EPROTO)
		return rc; /* somebody was faster */
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
