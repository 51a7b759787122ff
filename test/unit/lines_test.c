/* Lines of a file, whatever their length. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/lines.h"
#include "check.h"

static char path[] = "/tmp/lines_test.XXXXXX";

static void write_file(const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	CHECK(fd_write_all(fd, text, len) == 0);
	close(fd);
}

static void a_line_is_lost(void)
{
	struct lines l = LINES_INIT;
	char *line;

	write_file("one\n\nthree", 10);
	CHECK(lines_open(&l, path) == 0);
	line = lines_next(&l);
	CHECK(line && !strcmp(line, "one"));
	line = lines_next(&l);
	CHECK(line && !strcmp(line, ""));
	line = lines_next(&l);
	CHECK(line && !strcmp(line, "three"));
	CHECK(!lines_next(&l));
	lines_close(&l);
	write_file("", 0);
	CHECK(lines_open(&l, path) == 0 && !lines_next(&l));
	lines_close(&l);
	CHECK(lines_open(&l, "/no/such/file") < 0);
}

static void the_tail_of_a_long_line_is_a_line(void)
{
	enum { LONG = 3 * LINES_ROOM + 17 };
	struct lines l = LINES_INIT;
	char *text = malloc(LONG + 20), *line;

	memset(text, 'x', LONG);
	memcpy(text + LONG, "root:x:0\nnext\n", 14);
	write_file(text, LONG + 14);
	CHECK(lines_open(&l, path) == 0);
	line = lines_next(&l);
	CHECK(line && strlen(line) == LINES_ROOM - 1);
	line = lines_next(&l);
	CHECK(line && !strcmp(line, "next"));
	CHECK(!lines_next(&l));
	lines_close(&l);
	free(text);
}

int main(void)
{
	close(mkstemp(path));
	TEST(a_line_is_lost);
	TEST(the_tail_of_a_long_line_is_a_line);
	unlink(path);
	return check_done();
}
