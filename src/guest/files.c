/*
 * files - file copies, and what else is asked about files, each in a child process: the agent's part
 * is the hand-over.
 */
#include "guest/files.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/spawn.h"
#include "guest/fileconn.h"
#include "proto/copy.h"
#include "proto/fs.h"

static void ended(struct child *c, const struct exec_status *s)
{
	(void)c; /* its place is free: reap has made pid 0 */
	log_debug("files: a child ended status=%d", exec_status_code(s));
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

/* The child's words. They borrow from the request. */
struct job {
	char *argv[10];
	int argc;
	char numbers[3][8];
	int count; /* of the numbers */
};

static void say(struct job *j, const char *word)
{
	j->argv[j->argc++] = (char *)word;
}

static void say_number(struct job *j, unsigned n)
{
	char *text = j->numbers[j->count++];

	snprintf(text, sizeof(j->numbers[0]), "%u", n);
	say(j, text);
}

static int copy_job(struct job *j, const struct frame *f)
{
	const char *what = f->type == FRAME_COPY_PUT ? "put" : "get";
	struct copy_req q;

	if (copy_req_decode(&q, f->data, f->len) < 0)
		return -EPROTO;
	say(j, "filed");
	say(j, what);
	say(j, "--");
	say_number(j, q.flags);
	say(j, q.user);
	say(j, q.path);
	return 0;
}

static int fs_job(struct job *j, const struct frame *f)
{
	struct fs_req q;

	if (fs_req_decode(&q, f->data, f->len) < 0)
		return -EPROTO;
	say(j, "fsd");
	say(j, "--");
	say_number(j, q.op);
	say_number(j, q.flags);
	say_number(j, q.mode);
	say(j, q.user);
	say(j, q.path);
	say(j, q.to);
	return 0;
}

static pid_t start(int conn, struct job *j)
{
	const struct fdmap fds[] = { { conn, FILECONN_FD } };
	const struct spawn s = {
		.path = "/proc/self/exe",
		.argv = j->argv,
		.fds = fds,
		.nfds = 1,
		.new_session = 1,
	};

	return spawn(&s, NULL);
}

int files_take(struct files *f, int conn, const struct frame *request, struct refusal *no)
{
	struct child *c = free_place(f);
	struct job job = { .argv = { (char *)"vmtool" }, .argc = 1 };
	pid_t pid;
	int rc;

	rc = request->type == FRAME_FS ? fs_job(&job, request) : copy_job(&job, request);
	if (rc < 0)
		return rc;
	if (!c) {
		*no = (struct refusal){ REFUSED_LIMIT, 0,
					"the guest has as many file copies as it runs at once" };
		return -EREMOTEIO;
	}
	pid = start(conn, &job);
	if (pid < 0) {
		*no = (struct refusal){ REFUSED_FAILED, (uint32_t)-pid,
					"the guest cannot start a process for its files" };
		return -EREMOTEIO;
	}
	reap_add(f->reap, c, pid);
	return 0;
}
