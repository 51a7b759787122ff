/*
 * files - file copies, each in a child process: the agent's part is the hand-over.
 */
#include "guest/files.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/spawn.h"
#include "guest/filed.h"

static void ended(struct child *c, const struct exec_status *s)
{
	(void)c; /* its place is free: reap has made pid 0 */
	log_debug("files: copy ended status=%d", exec_status_code(s));
}

void files_init(struct files *f, struct reap *r)
{
	f->reap = r;
	for (size_t i = 0; i < FILES_MAX; i++)
		f->children[i] = (struct child){ .ended = ended };
}

static struct child *free_place(struct files *f)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (f->children[i].pid == 0)
			return &f->children[i];
	return NULL;
}

static pid_t start(int conn, const struct frame *request, const struct copy_req *q)
{
	const char *what = request->type == FRAME_COPY_PUT ? "put" : "get";
	char flags[8];
	char *argv[] = { (char *)"vmtool", (char *)"filed", (char *)what, (char *)"--", flags,
			 (char *)q->user,  (char *)q->path, NULL };
	const struct fdmap fds[] = { { conn, FILED_FD } };
	const struct spawn s = {
		.path = "/proc/self/exe",
		.argv = argv,
		.fds = fds,
		.nfds = 1,
		.new_session = 1,
	};

	snprintf(flags, sizeof(flags), "%u", q->flags);
	return spawn(&s, NULL);
}

int files_take(struct files *f, int conn, const struct frame *request, struct refusal *no)
{
	struct child *c = free_place(f);
	struct copy_req q;
	pid_t pid;

	if (copy_req_decode(&q, request->data, request->len) < 0)
		return -EPROTO;
	if (!c) {
		*no = (struct refusal){ REFUSED_LIMIT, 0,
					"the guest has as many file copies as it runs at once" };
		return -EREMOTEIO;
	}
	pid = start(conn, request, &q);
	if (pid < 0) {
		*no = (struct refusal){ REFUSED_FAILED, (uint32_t)-pid,
					"the guest cannot start a process for the copy" };
		return -EREMOTEIO;
	}
	reap_add(f->reap, c, pid);
	return 0;
}
