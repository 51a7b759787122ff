/* Events in a file that outlives crashes. */
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "host/timeline.h"

static char place[] = "/tmp/timeline_test.XXXXXX";
static struct vmref vm = { .name = "web", .dir = -1, .lock = -1 };
static char text[64 * 1024];

static void reread(void)
{
	CHECK(fd_slurp(vm.dir, "events.jsonl", text, sizeof(text)) >= 0);
}

static long long last_seq(void)
{
	char *at = strrchr(text, '{');

	for (char *line = text; (line = strchr(line, '\n')); line++)
		if (line[1])
			at = line + 1;
	json_t *j = json_loads(at, 0, NULL);
	long long seq = json_integer_value(json_object_get(j, "seq"));

	json_decref(j);
	return seq;
}

static void numbers_begin_anew(void)
{
	struct timeline t = TIMELINE_NONE;
	struct err e = ERR_NONE;

	for (int boot = 0; boot < 3; boot++) {
		CHECK(timeline_open(&t, &vm, "boot", 0, &e) == 0);
		timeline_ready(&t);
		timeline_agent(&t, "lost");
		timeline_close(&t);
	}
	reread();
	CHECK(last_seq() == 6);
}

static void a_torn_line_swallows_the_next(void)
{
	struct timeline t = TIMELINE_NONE;
	struct err e = ERR_NONE;
	int fd = openat(vm.dir, "events.jsonl", O_WRONLY | O_APPEND);

	CHECK(fd_write_all(fd, "{\"seq\":7,\"ti", 12) == 0);
	close(fd);
	CHECK(timeline_open(&t, &vm, "boot", 0, &e) == 0);
	timeline_ready(&t);
	timeline_close(&t);
	reread();
	CHECK(last_seq() == 7);
	CHECK(strstr(text, "{\"seq\":7,\"ti\n{\"seq\":7,") != NULL);
}

static void a_long_text_is_lost_or_cut_in_two(void)
{
	struct timeline t = TIMELINE_NONE;
	struct err e = ERR_NONE;
	char detail[EVENT_MAX / 4];

	/* Newlines take two bytes each in JSON: the longest there can be of a clean text. */
	memset(detail, '\n', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	CHECK(timeline_open(&t, &vm, "boot", 0, &e) == 0);
	timeline_exit(&t, &(struct timeline_end){ .reason = "error", .detail = detail });
	timeline_close(&t);
	reread();
	CHECK(last_seq() == 8);
}

int main(void)
{
	struct err e = ERR_NONE;

	if (!mkdtemp(place))
		return 1;
	vm.dir = open(place, O_RDONLY | O_DIRECTORY);
	TEST(numbers_begin_anew);
	TEST(a_torn_line_swallows_the_next);
	TEST(a_long_text_is_lost_or_cut_in_two);
	path_remove_tree(AT_FDCWD, place, &e);
	return check_done();
}
