/*
 * check - unit tests that print TAP, in one header.
 *
 * A test is a function named after what would be broken if it failed; main() names
 * each with TEST() and returns check_done(). Print a "# why" line beside a failing
 * CHECK() where the expression alone does not say which case it was.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <string.h>

static struct {
	int tests, failed_tests;
	int failed;	     /* checks of the running test */
	const char *skipped; /* the reason, once SKIP() was called */
} check;

#define CHECK(expr) ((expr) ? (void)0 : check_failed(__FILE__, __LINE__, #expr))

/* Leave the running test: the reason says what this machine lacks. */
#define SKIP(reason) \
	do { \
		check.skipped = (reason); \
		return; \
	} while (0)

#define TEST(function) check_run(#function, function)

static inline void check_failed(const char *file, int line, const char *expr)
{
	check.failed++;
	printf("# %s:%d: %s\n", file, line, expr);
}

static inline void check_run(const char *name, void (*function)(void))
{
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* a crash must not eat what was said */
	check.failed = 0;
	check.skipped = NULL;
	function();
	printf("%sok %d - ", check.failed ? "not " : "", ++check.tests);
	for (; *name; name++)
		putchar(*name == '_' ? ' ' : *name);
	if (check.skipped)
		printf(" # SKIP %s", check.skipped);
	putchar('\n');
	check.failed_tests += check.failed > 0;
}

/* The plan, and main()'s exit status. */
static inline int check_done(void)
{
	printf("1..%d\n", check.tests);
	return check.failed_tests > 0;
}

#endif
