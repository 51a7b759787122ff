/* Scripts of a boot: in order, once where that was asked, and their ends told as they were. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/path.h"
#include "fake_vsock.h"
#include "host/provision.h"

static char folder[] = "/tmp/provision_test.XXXXXX";
static struct vmref vm;
static struct loop loop;
static struct timeline tl;
static struct script_wishes wishes;
static struct strings bag;
static struct provision p;
static int over, changes;

/* --- a guest that really runs what it is given --- */

static struct {
	struct exec_req q;
	uint8_t mem[FRAME_CHUNK];
	int input;
} job;

static void run_child(int out)
{
	lseek(job.input, 0, SEEK_SET);
	dup2(job.input, 0);
	dup2(out, 1);
	dup2(out, 2);
	execvp(job.q.argv[0], (char *const *)job.q.argv);
	_exit(127);
}

static void run_it(struct fake_conn *c)
{
	char output[4096];
	int out[2], status;
	ssize_t n, used = 0;
	pid_t pid;

	CHECK(pipe(out) == 0);
	pid = fork();
	if (pid == 0)
		run_child(out[1]);
	close(out[1]);
	while ((n = read(out[0], output + used, sizeof(output) - 1 - (size_t)used)) > 0)
		used += n;
	output[used] = '\0';
	close(out[0]);
	waitpid(pid, &status, 0);
	close(job.input);
	fake_exits(c, (uint8_t)WEXITSTATUS(status), output);
}

static void runs(struct fake_conn *c, const struct frame *f)
{
	if (f->type == FRAME_EXEC) {
		memcpy(job.mem, f->data, f->len);
		CHECK(exec_req_decode(&job.q, job.mem, f->len) == 0);
		job.input = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	} else if (f->type == FRAME_STDIN && f->len) {
		CHECK(write(job.input, f->data, f->len) == (ssize_t)f->len);
	} else if (f->type == FRAME_STDIN) {
		run_it(c);
	}
}

/* --- the world --- */

static void changed(struct provision *x)
{
	(void)x;
	changes++;
}

static void is_over(struct provision *x)
{
	(void)x;
	over++;
	loop_stop(&loop, 0);
}

static void world_open(void)
{
	struct err e = ERR_NONE;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/vsock.sock", folder);
	unlink(path);
	loop = LOOP_INIT;
	fd = unix_listen(path, 8, &e);
	CHECK(fd >= 0 && loop_open(&loop) == 0);
	fake_open(&loop, fd);
	fake.frame = runs;
	memset(&wishes, 0, sizeof(wishes));
	bag.used = 0;
	tl = TIMELINE_NONE;
	tl.vm = "test";
	tl.boot = "";
	p = PROVISION_NONE;
	over = changes = 0;
}

static void want(const char *text)
{
	struct err e = ERR_NONE;

	CHECK(scripts_add(&wishes, &bag, "script", text, &e) == 0);
}

static void give_up(struct timer *t)
{
	(void)t;
	CHECK(!"it never ended");
	loop_stop(&loop, 1);
}

/* A boot: 1 when all has ended. */
static int boot(void)
{
	static struct timer late = { .due = give_up };
	struct err e = ERR_NONE;

	p = PROVISION_NONE;
	over = changes = 0;
	CHECK(provision_load(&p, &wishes, &vm, &e) == 0);
	p.changed = changed;
	p.over = is_over;
	loop_after(&loop, &late, 20000);
	provision_start(&p, &loop, &tl, vm.dir);
	if (!over)
		loop_run(&loop);
	loop_cancel(&loop, &late);
	provision_stop(&p);
	return over == 1;
}

static void world_close(void)
{
	unlinkat(vm.dir, "provisioned", 0);
	fake_shut();
	loop_close(&loop);
}

static void write_file(const char *name, const char *text)
{
	struct err e = ERR_NONE;

	CHECK(path_replace(vm.dir, name, text, strlen(text), 0600, &e) == 0);
}

static const char *log_text(void)
{
	static char text[4096];

	return fd_slurp(vm.dir, "provision.log", text, sizeof(text)) < 0 ? "" : text;
}

/* --- the tests --- */

static void scripts_run_in_another_order(void)
{
	world_open();
	want("sh echo one; echo aside >&2");
	want("sh echo two; exit 3");
	want("sh echo three");
	CHECK(boot());
	CHECK(!strcmp(log_text(), "one\naside\ntwo\nthree\n"));
	CHECK(p.reports.list[0].state == SCRIPT_DONE && p.reports.list[0].code == 0);
	CHECK(p.reports.list[1].state == SCRIPT_FAILED && p.reports.list[1].code == 3);
	CHECK(!strcmp(p.reports.list[1].said, "two") && p.reports.list[2].state == SCRIPT_DONE);
	CHECK(provision_failure(&p) == &p.reports.list[1]);
	CHECK(changes == 6); /* each began and ended */
	world_close();
}

static void a_shebang_is_not_honoured(void)
{
	char path[96], text[128];

	world_open();
	snprintf(path, sizeof(path), "%s/tool.sh", folder);
	write_file("tool.sh", "#! /bin/sed -nf\ns/never/x/\n");
	want(path);
	/* What reads its stdin gets none: the rest of the script is not its food. */
	snprintf(text, sizeof(text), "#!/bin/sh -e\ncat\necho after\nfalse\necho not");
	want(text);
	want("#!/usr/bin/env bash\necho \"${BASH_VERSION:+bash} $#\"\n");
	want("#!/no/such/interpreter\n");
	CHECK(boot());
	CHECK(p.reports.list[0].code == 0 && !strcmp(p.reports.list[0].name, "tool.sh"));
	CHECK(p.reports.list[1].code == 1 && !strcmp(p.reports.list[1].said, "after"));
	CHECK(p.reports.list[2].code == 0 && !strcmp(p.reports.list[2].said, "bash 0"));
	CHECK(p.reports.list[3].code == 127);
	unlinkat(vm.dir, "tool.sh", 0);
	world_close();
}

static void what_was_done_once_is_done_again(void)
{
	world_open();
	want("once sh echo first >>/dev/stderr");
	want("sh echo each");
	want("once sh echo bad; test -e done.$PPID");
	CHECK(boot() && !strcmp(log_text(), "first\neach\nbad\n"));
	/* One that failed was not done. */
	CHECK(boot() && !strcmp(log_text(), "each\nbad\n"));
	CHECK(p.reports.list[0].state == SCRIPT_SKIPPED);
	CHECK(p.reports.list[2].state == SCRIPT_FAILED);
	/* Another script is another. */
	memset(&wishes, 0, sizeof(wishes));
	want("once sh echo second");
	CHECK(boot() && !strcmp(log_text(), "second\n"));
	CHECK(boot() && !strcmp(log_text(), ""));
	world_close();
}

/* The record is of a fixed length, and may have been cut or be anything. */
static void a_record_of_many_is_lost(void)
{
	world_open();
	for (int i = 0; i < 70; i++) {
		char text[32];

		memset(&wishes, 0, sizeof(wishes));
		snprintf(text, sizeof(text), "once sh echo %d", i);
		want(text);
		CHECK(boot() && p.reports.list[0].state == SCRIPT_DONE);
	}
	CHECK(boot() && p.reports.list[0].state == SCRIPT_SKIPPED);
	write_file("provisioned", "nonsense");
	CHECK(boot() && p.reports.list[0].state == SCRIPT_DONE);
	CHECK(boot() && p.reports.list[0].state == SCRIPT_SKIPPED);
	world_close();
}

static void a_script_larger_than_a_frame_is_cut(void)
{
	char *text = malloc(ERRAND_INPUT_MAX + 2), path[96];
	struct err e = ERR_NONE;
	size_t at = 0;

	world_open();
	snprintf(path, sizeof(path), "%s/large", folder);
	while (at < ERRAND_INPUT_MAX - 32)
		at += (size_t)sprintf(text + at, "# padding\n");
	sprintf(text + at, "echo the end");
	write_file("large", text);
	want(path);
	CHECK(boot() && p.reports.list[0].code == 0);
	CHECK(!strcmp(p.reports.list[0].said, "the end"));
	memset(text, '#', ERRAND_INPUT_MAX + 1);
	text[ERRAND_INPUT_MAX + 1] = '\0';
	write_file("large", text);
	p = PROVISION_NONE;
	CHECK(provision_load(&p, &wishes, &vm, &e) == -EFBIG && strstr(e.text, "larger than"));
	provision_stop(&p);
	unlinkat(vm.dir, "large", 0);
	free(text);
	world_close();
}

static void dies(struct fake_conn *c, const struct frame *f)
{
	(void)f;
	fake_close(c);
}

static void a_guest_that_goes_is_a_success(void)
{
	world_open();
	want("sh true");
	fake.frame = dies;
	CHECK(boot() && p.reports.list[0].state == SCRIPT_FAILED);
	CHECK(p.reports.list[0].code == 125 && strstr(p.reports.list[0].said, "exec server"));
	world_close();
}

static void a_missing_script_is_a_surprise(void)
{
	static const struct {
		const char *text, *sentence;
	} bad[] = {
		{ "/no/such/script", "open /no/such/script: No such file" },
		{ "/dev/null", "is not a regular file" },
		{ "/proc/self/comm", "is empty" }, /* so says its size */
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e = ERR_NONE;

		world_open();
		want(bad[i].text);
		CHECK(provision_load(&p, &wishes, &vm, &e) < 0);
		if (!strstr(e.text, bad[i].sentence))
			printf("# %s\n", e.text);
		CHECK(strstr(e.text, bad[i].sentence));
		provision_stop(&p);
		world_close();
	}
}

static void a_wrong_wish_is_taken(void)
{
	static const char *const bad[] = { "", "once", "once ", "relative/path", "echo hi", "sh" };

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e = ERR_NONE;

		CHECK(scripts_add(&wishes, &bag, "script", bad[i], &e) < 0 && e.exit == 2);
	}
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	vm = VMREF_NONE;
	vm.dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	TEST(scripts_run_in_another_order);
	TEST(a_shebang_is_not_honoured);
	TEST(what_was_done_once_is_done_again);
	TEST(a_record_of_many_is_lost);
	TEST(a_script_larger_than_a_frame_is_cut);
	TEST(a_guest_that_goes_is_a_success);
	TEST(a_missing_script_is_a_surprise);
	TEST(a_wrong_wish_is_taken);
	unlinkat(vm.dir, "vsock.sock", 0);
	unlinkat(vm.dir, "provision.log", 0);
	close(vm.dir);
	rmdir(folder);
	return check_done();
}
