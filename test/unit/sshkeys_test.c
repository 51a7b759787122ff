/* authorized_keys and sshd's lines, in a folder that stands for a guest's root. */
#include "guest/sshkeys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "check.h"

static char root[64], line[] = "ecdsa-sha2-nistp256 AAAA";
static struct desc_ssh want = { "guest", line, "PRIVATE\n" };
static struct err e;

static const char *at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s%s", root, name);
	return path;
}

static void put(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd_write_all(fd, text, strlen(text)) == 0);
	close(fd);
}

static int holds(const char *name, const char *text)
{
	char now[4096] = "";

	fd_slurp(AT_FDCWD, at(name), now, sizeof(now));
	if (strcmp(now, text) != 0)
		printf("# %s: '%s'\n", name, now);
	return !strcmp(now, text);
}

static mode_t mode(const char *name)
{
	struct stat st = { 0 };

	lstat(at(name), &st);
	return st.st_mode & 07777;
}

/* A guest with a user of our own number. */
static void make_root(void)
{
	char passwd[128];

	snprintf(root, sizeof(root), "/tmp/sshkeys_test.XXXXXX");
	CHECK(mkdtemp(root) != NULL);
	mkdir(at("/etc"), 0755);
	mkdir(at("/home"), 0755);
	snprintf(passwd, sizeof(passwd), "guest:x:%d:%d::/home/guest:/bin/sh\n", (int)getuid(),
		 (int)getgid());
	put("/etc/passwd", passwd);
	e = ERR_NONE;
}

static void drop_root(void)
{
	CHECK(path_remove_tree(AT_FDCWD, root, &e) == 0);
}

static void modes_are_not_what_strictmodes_wants(void)
{
	make_root();
	mkdir(at("/home/guest"), 0);
	chmod(at("/home/guest"), 0777);
	mkdir(at("/home/guest/.ssh"), 0);
	chmod(at("/home/guest/.ssh"), 0775);
	put("/home/guest/.ssh/authorized_keys", "");
	chmod(at("/home/guest/.ssh/authorized_keys"), 0666);
	CHECK(sshkeys_put(root, &want, &e) == 0);
	CHECK(mode("/home/guest") == 0755 && mode("/home/guest/.ssh") == 0700);
	CHECK(mode("/home/guest/.ssh/authorized_keys") == 0600);
	CHECK(mode("/etc/ssh/ssh_host_vmtool_key") == 0600);
	drop_root();
}

static void nothing_is_made_where_nothing_is(void)
{
	make_root();
	CHECK(sshkeys_put(root, &want, &e) == 0);
	CHECK(mode("/home/guest") == 0700);
	CHECK(holds("/home/guest/.ssh/authorized_keys", "ecdsa-sha2-nistp256 AAAA vmtool\n"));
	CHECK(holds("/etc/ssh/ssh_host_vmtool_key", "PRIVATE\n"));
	CHECK(holds("/etc/ssh/sshd_config.d/10-vmtool.conf",
		    "# vmtool writes this at each start\nPasswordAuthentication no\n"
		    "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
		    "HostKey /etc/ssh/ssh_host_vmtool_key\n"));
	CHECK(mode("/etc/ssh/sshd_config") == 0); /* nobody's to make */
	drop_root();
}

static void somebodys_lines_are_lost(void)
{
	make_root();
	mkdir(at("/home/guest"), 0700);
	mkdir(at("/home/guest/.ssh"), 0700);
	put("/home/guest/.ssh/authorized_keys",
	    "# vmtool\nssh-rsa X a\nssh-rsa OLD vmtool\n\nssh-rsa Y vmtools");
	for (int i = 0; i < 3; i++)
		CHECK(sshkeys_put(root, &want, &e) == 0);
	CHECK(holds("/home/guest/.ssh/authorized_keys",
		    "# vmtool\nssh-rsa X a\n\nssh-rsa Y vmtools\n"
		    "ecdsa-sha2-nistp256 AAAA vmtool\n"));
	drop_root();
}

static void sshd_does_not_read_our_lines(void)
{
	make_root();
	mkdir(at("/etc/ssh"), 0755);
	put("/etc/ssh/sshd_config", "#Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n");
	for (int i = 0; i < 2; i++)
		CHECK(sshkeys_put(root, &want, &e) == 0);
	CHECK(holds("/etc/ssh/sshd_config",
		    "Include /etc/ssh/sshd_config.d/*.conf\n"
		    "#Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n"));
	drop_root();
}

/* Process 1 may write everywhere, and the home is somebody else's. */
static void a_users_link_is_followed(void)
{
	make_root();
	mkdir(at("/home/guest"), 0700);
	mkdir(at("/victim"), 0711);
	CHECK(symlink("../../victim", at("/home/guest/.ssh")) == 0);
	CHECK(sshkeys_put(root, &want, &e) < 0 && strstr(e.text, ".ssh of guest"));
	CHECK(mode("/victim") == 0711);
	unlink(at("/home/guest/.ssh"));
	mkdir(at("/home/guest/.ssh"), 0700);
	put("/secret", "secret\n");
	CHECK(symlink("../../../secret", at("/home/guest/.ssh/authorized_keys")) == 0);
	CHECK(sshkeys_put(root, &want, &e) < 0);
	unlink(at("/home/guest/.ssh/authorized_keys"));
	{
		char from[256];

		snprintf(from, sizeof(from), "%s", at("/secret"));
		CHECK(link(from, at("/home/guest/.ssh/authorized_keys")) == 0);
		CHECK(sshkeys_put(root, &want, &e) < 0 && strstr(e.text, "alone"));
		unlink(at("/home/guest/.ssh/authorized_keys"));
		CHECK(link(from, at("/home/guest/.ssh/.authorized_keys.vmtool")) == 0);
		CHECK(sshkeys_put(root, &want, &e) == 0);
	}
	CHECK(holds("/secret", "secret\n") && mode("/secret") == 0644);
	drop_root();
}

static void a_user_who_is_missing_is_no_failure(void)
{
	struct desc_ssh nobody = { "nobody-such", line, "" };

	make_root();
	CHECK(sshkeys_put(root, &nobody, &e) == -ENOENT && strstr(e.text, "nobody-such"));
	drop_root();
}

int main(void)
{
	umask(022);
	TEST(modes_are_not_what_strictmodes_wants);
	TEST(nothing_is_made_where_nothing_is);
	TEST(somebodys_lines_are_lost);
	TEST(sshd_does_not_read_our_lines);
	TEST(a_users_link_is_followed);
	TEST(a_user_who_is_missing_is_no_failure);
	return check_done();
}
