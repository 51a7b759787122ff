/* Errors: what is set is what is read. */
#include <errno.h>

#include "base/err.h"
#include "check.h"

static void outer_context_comes_first(void)
{
	struct err e = ERR_NONE;

	CHECK(err_set(&e, -EINVAL, "memory: %s is not a size", "x") == -EINVAL);
	err_in(&e, "start web");
	if (strcmp(e.text, "start web: memory: x is not a size") != 0)
		printf("# got: %s\n", e.text);
	CHECK(strcmp(e.text, "start web: memory: x is not a size") == 0);
}

static void a_system_call_adds_its_reason(void)
{
	struct err e = ERR_NONE;

	errno = ENOENT;
	CHECK(err_sys(&e, "open %s", "vmlinux") == -ENOENT);
	CHECK(strcmp(e.text, "open vmlinux: No such file or directory") == 0);
}

int main(void)
{
	TEST(outer_context_comes_first);
	TEST(a_system_call_adds_its_reason);
	return check_done();
}
