/* The same done to several VMs: none is forgotten, none speaks for another. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "host/batch.h"

static int told;
static char last[1024];

static void tell(const struct err *e, void *arg)
{
	(void)arg;
	told++;
	snprintf(last, sizeof(last), "%s", e->text);
}

/* The name says what to do. */
static int act(const char *name, void *arg, struct err *e)
{
	if (!strncmp(name, "exit", 4))
		return atoi(name + 4);
	if (!strncmp(name, "late", 4))
		return err_deadline(e, "%s: too late", name);
	if (!strncmp(name, "bad", 3))
		return err_set(e, -EIO, "%s: bad", name);
	if (!strncmp(name, "die", 3))
		raise(SIGKILL);
	if (!strncmp(name, "meet", 4)) { /* only when all are there can any of them go on */
		char c = 0;
		int *pipes = arg;

		return write(pipes[1], "", 1) == 1 && read(pipes[2], &c, 1) == 1 ? 0 : 1;
	}
	return 0;
}

static int run(const char *const *list, int n, void *arg)
{
	char name[200][VM_NAME_ROOM];
	struct names names = { (size_t)n, name, 200 };
	struct batch b = { act, arg, tell, NULL, 0 };
	struct err e = ERR_NONE;

	for (int i = 0; i < n; i++)
		snprintf(name[i], VM_NAME_ROOM, "%s", list[i]);
	told = 0;
	return batch_run(&b, &names, &e);
}

#define RUN(...) \
	run((const char *const[]){ __VA_ARGS__ }, \
	    (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)), NULL)

static void a_failure_keeps_others_or_is_forgotten(void)
{
	CHECK(RUN("a", "b", "c") == 0 && told == 0);
	CHECK(RUN("a", "bad", "c") == 1 && told == 1 && !strcmp(last, "bad: bad"));
	CHECK(RUN("bad1", "bad2", "c") == 1 && told == 2);
}

static void codes_are_mixed_up(void)
{
	CHECK(RUN("a", "exit7") == 7);
	CHECK(RUN("late1", "late2", "a") == 124 && told == 2);
	CHECK(RUN("late1", "bad") == 1);
	CHECK(RUN("exit3", "exit3") == 3);
	CHECK(RUN("exit3", "exit4") == 1);
}

static void one_alone_is_told_twice(void)
{
	CHECK(RUN("bad") == -EIO && told == 0);
	CHECK(RUN("exit5") == 5);
}

static void one_that_dies_is_a_success(void)
{
	CHECK(RUN("a", "die", "b") == 1 && told == 1);
	printf("# %s\n", last);
	CHECK(strstr(last, "die: was given up") != NULL);
}

/* Each waits until all are there. */
static void they_come_one_after_the_other(void)
{
	static const char *const list[] = { "meet1", "meet2", "meet3", "meet4", "meet5", "meet6" };
	int there[2], go[2], pipes[3];
	pid_t usher;

	CHECK(pipe(there) == 0 && pipe(go) == 0);
	pipes[0] = there[0];
	pipes[1] = there[1];
	pipes[2] = go[0];
	usher = fork();
	if (usher == 0) {
		char all[6];

		alarm(20);
		for (size_t n = 0; n < sizeof(all); n++)
			if (read(there[0], all + n, 1) != 1)
				_exit(1);
		_exit(write(go[1], all, sizeof(all)) != sizeof(all));
	}
	close(go[1]); /* so that nobody waits for ever when the usher gives up */
	close(there[0]);
	CHECK(run(list, 6, pipes) == 0);
	close(there[1]);
	close(go[0]);
}

static void more_than_have_room_are_left_out(void)
{
	static char text[150][24];
	const char *list[150];

	for (int i = 0; i < 150; i++) {
		snprintf(text[i], sizeof(text[i]), "%s%d", i % 10 ? "ok" : "bad", i);
		list[i] = text[i];
	}
	CHECK(run(list, 150, NULL) == 1 && told == 15);
}

int main(void)
{
	TEST(a_failure_keeps_others_or_is_forgotten);
	TEST(codes_are_mixed_up);
	TEST(one_alone_is_told_twice);
	TEST(one_that_dies_is_a_success);
	TEST(they_come_one_after_the_other);
	TEST(more_than_have_room_are_left_out);
	return check_done();
}
