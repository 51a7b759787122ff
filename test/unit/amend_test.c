/* What is kept of a forward stands in vm.ini, and what a person wrote there stays. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "check.h"
#include "host/amend.h"
#include "host/forwardops.h"

static char place[] = "/tmp/amend_test.XXXXXX";
static struct home home = { .vms = -1 };
static struct vmref vm = { .dir = -1, .lock = -1 };
static struct loop loop = { .epfd = -1, .wakefd = -1, .sigfd = -1 };
static struct forwards fs;

static void write_ini(const char *text)
{
	struct err e = ERR_NONE;

	CHECK(path_replace(vm.dir, "vm.ini", text, strlen(text), 0600, &e) == 0);
}

static int ini_is(const char *want)
{
	char got[4096];

	if (fd_slurp(vm.dir, "vm.ini", got, sizeof(got)) < 0)
		got[0] = '\0';
	if (strcmp(got, want) != 0)
		printf("# vm.ini is\n%s# and not\n%s", got, want);
	return strcmp(got, want) == 0;
}

static int publish(const char *rule)
{
	struct err e = ERR_NONE;

	return amend_add(&vm, KEY_PUBLISH, rule, &e);
}

static int is(const char *value, const void *arg)
{
	return strcmp(value, arg) == 0;
}

static int withdraw(const char *rule)
{
	struct err e = ERR_NONE;

	return amend_remove(&vm, KEY_PUBLISH, is, rule, &e);
}

static void what_a_person_wrote_is_lost(void)
{
	write_ini("; mine\n[vm]\ncpus = 2   ; two\n\n[forward]\n# the web\npublish = 8080:80\n\n[guest]\nhostname = a");
	CHECK(publish("b=8081:81") == 1);
	CHECK(ini_is("; mine\n[vm]\ncpus = 2   ; two\n\n[forward]\n# the web\npublish = 8080:80\npublish = "
		     "b=8081:81\n\n[guest]\nhostname = a"));
	CHECK(publish("8080:80") == 0);
	CHECK(withdraw("8080:80") == 1 && withdraw("8080:80") == 0);
	CHECK(ini_is("; mine\n[vm]\ncpus = 2   ; two\n\n[forward]\n# the web\npublish = b=8081:81\n\n[guest]\nhostname = a"));
	CHECK(withdraw("b=8081:81") == 1);
	CHECK(publish("8080:80") == 1);
	CHECK(ini_is("; mine\n[vm]\ncpus = 2   ; two\n\n[forward]\n# the web\n\n[guest]\nhostname = a\n[forward]\n"
		     "publish = 8080:80\n"));
}

static void a_vm_without_a_file_keeps_nothing(void)
{
	unlinkat(vm.dir, "vm.ini", 0);
	CHECK(publish("8080:80") == 1);
	CHECK(ini_is("[forward]\npublish = 8080:80\n"));
}

static void what_others_share_is_changed(void)
{
	struct err e = ERR_NONE;
	int fd = openat(vm.dir, "shared.ini", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd_write_all(fd, "[forward]\npublish = 9090:90\n", 27) == 0);
	close(fd);
	write_ini("include = shared.ini\n");
	CHECK(amend_remove(&vm, KEY_PUBLISH, is, "9090:90", &e) < 0);
	CHECK(strstr(e.text, "shared.ini, line 2"));
	CHECK(publish("9090:90") == 0 && publish("9091:91") == 1 && withdraw("9091:91") == 1);
	CHECK(ini_is("include = shared.ini\n[forward]\n"));
}

static void a_broken_file_is_made_worse(void)
{
	write_ini("[forward]\npublish = 8080:80\nno line\n");
	CHECK(publish("8081:81") < 0 && withdraw("8080:80") < 0);
	CHECK(ini_is("[forward]\npublish = 8080:80\nno line\n"));
}

/* 1: done; 0: refused. */
static int asked(json_t *(*op)(struct forwards *fs, const json_t *request), const char *key,
		 const char *text)
{
	json_t *request = json_pack("{s:s, s:b}", key, text, "save", 1);
	json_t *answer = op(&fs, request);
	int done = json_is_true(json_object_get(answer, "ok"));

	json_decref(request);
	json_decref(answer);
	return done;
}

static void a_rule_is_kept_that_cannot_be(void)
{
	char a[128], b[128], both[300];

	write_ini("");
	snprintf(a, sizeof(a), "unix:%s/a.sock:80", place);
	snprintf(b, sizeof(b), "other=unix:%s/a.sock:81", place); /* taken by then */
	CHECK(asked(forwardops_add, "rule", a));
	snprintf(both, sizeof(both), "[forward]\npublish = %s\n", a);
	CHECK(ini_is(both));
	CHECK(!asked(forwardops_add, "rule", b) && ini_is(both));
	CHECK(!asked(forwardops_rm, "which", "nobody") && ini_is(both));
	snprintf(b, sizeof(b), "unix:%s/a.sock", place);
	CHECK(asked(forwardops_rm, "which", b) && ini_is("[forward]\n"));
	CHECK(!forwards_meant(&fs, b));
}

static void one_of_a_range_is_taken_out(void)
{
	struct err e = ERR_NONE;
	struct forwardrule r;

	write_ini("[forward]\npublish = 127.0.0.1:46123-46124:80-81\n");
	CHECK(forwardrule_parse(&r, "rule", "127.0.0.1:46123-46124:80-81", &e) == 0);
	if (forwards_add(&fs, &r, &e) < 0)
		SKIP("ports 46123 and 46124 are taken here");
	CHECK(!asked(forwardops_rm, "which", "46123"));
	CHECK(forwards_meant(&fs, "46123") && ini_is("[forward]\npublish = 127.0.0.1:46123-46124:80-81\n"));
}

static void unheard(struct forwards *all, const struct forward *f, const char *detail)
{
	(void)all, (void)f, (void)detail;
}

int main(void)
{
	static const struct forwards_news news = { unheard, unheard };
	struct err e = ERR_NONE;

	CHECK(mkdtemp(place) && setenv("VMTOOL_HOME", place, 1) == 0);
	CHECK(home_open(&home, 1, &e) == 0 && store_own(&vm, &home, "web", &e) == 1);
	CHECK(loop_open(&loop) == 0 && forwards_open(&fs, &loop, vm.dir, &vm, &news, &e) == 0);
	TEST(what_a_person_wrote_is_lost);
	TEST(a_vm_without_a_file_keeps_nothing);
	TEST(what_others_share_is_changed);
	TEST(a_broken_file_is_made_worse);
	TEST(a_rule_is_kept_that_cannot_be);
	TEST(one_of_a_range_is_taken_out);
	forwards_close(&fs);
	loop_close(&loop);
	CHECK(store_remove(&vm, &e) == 0);
	home_close(&home);
	CHECK(path_remove_tree(AT_FDCWD, place, &e) == 0);
	return check_done();
}
