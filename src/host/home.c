/*
 * home - where vmtool keeps what it knows (contracts.md, "Places").
 */
#include "host/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/text.h"

static const char *set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value ? value : NULL;
}

static int choose(char out[PATH_ROOM], struct err *e)
{
	const char *at;

	if ((at = set("VMTOOL_HOME")))
		return path_fmt(out, e, "%s", at);
	if ((at = set("XDG_STATE_HOME")))
		return path_fmt(out, e, "%s/vmtool", at);
	if ((at = set("HOME")))
		return path_fmt(out, e, "%s/.local/state/vmtool", at);
	return err_set(e, -ENOENT, "no place for state: set VMTOOL_HOME to a folder");
}

/* The agent runs in another folder than its starter, so a relative path must not outlive here. */
static int make_absolute(char path[PATH_ROOM], struct err *e)
{
	char cwd[PATH_ROOM], given[PATH_ROOM];
	int rc;

	if (path[0] == '/')
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return err_sys(e, "find the current folder");
	rc = path_fmt(given, e, "%s", path);
	return rc < 0 ? rc : path_fmt(path, e, "%s/%s", cwd, given);
}

/* It stands in state.json, where JSON takes nothing else. */
static int check_text(const char *path, struct err *e)
{
	char clean[PATH_ROOM];

	if (strcmp(text_clean(clean, sizeof(clean), path, strlen(path)), path) == 0)
		return 0;
	return err_usage(e, "the state folder %s: its path is not clean UTF-8 text", clean);
}

int home_open(struct home *h, int make, struct err *e)
{
	char vms[PATH_ROOM];
	int rc;

	rc = choose(h->path, e);
	if (rc == 0)
		rc = make_absolute(h->path, e);
	if (rc == 0)
		rc = check_text(h->path, e);
	if (rc == 0)
		rc = path_fmt(vms, e, "%s/vms", h->path);
	if (rc == 0 && make)
		rc = path_mkdirs(vms, e);
	if (rc < 0)
		return rc;
	h->vms = open(vms, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->vms < 0 && (make || errno != ENOENT))
		return err_sys(e, "open folder %s", vms);
	return 0;
}

void home_close(struct home *h)
{
	fd_close(&h->vms);
}

DIR *home_list(const struct home *h, struct err *e)
{
	int fd = h->vms < 0 ? -1 : openat(h->vms, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && h->vms >= 0) {
		err_sys(e, "read folder %s/vms", h->path);
		fd_close(&fd);
	}
	return dir;
}

int home_sockets(char out[PATH_ROOM], const struct home *h, const char *name, struct err *e)
{
	const char *run = set("XDG_RUNTIME_DIR");

	if (run && run[0] == '/' && access(run, W_OK | X_OK) == 0)
		return path_fmt(out, e, "%s/vmtool/%s", run, name);
	return path_fmt(out, e, "%s/run/%s", h->path, name);
}
