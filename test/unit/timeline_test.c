/* Events in a file that outlives crashes. */
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "host/timeline.h"

static char place[] = "/tmp/timeline_test.XXXXXX";
static struct vmref vm = { .name = "web", .dir = -1, .lock = -1 };
static char text[128 * 1024];

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
		timeline_agent(&t, "guest", "lost");
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

/* What a crash, a bad disk or an editor may leave behind. */
static void rubbish_hides_the_last_number(void)
{
	static const char odd[] = "{\"seq\":-5}\n{\"seq\":\"12\"}\n[]\n\n";
	static char rubbish[5 * EVENT_MAX];
	struct timeline t = TIMELINE_NONE;
	struct err e = ERR_NONE;
	int fd = openat(vm.dir, "events.jsonl", O_WRONLY | O_APPEND);

	memset(rubbish, 'x', sizeof(rubbish));
	for (int i = 0; i < 3; i++)
		rubbish[EVENT_MAX / 2 + i * 9000] = '\n';
	CHECK(fd_write_all(fd, rubbish, sizeof(rubbish)) == 0);
	CHECK(timeline_open(&t, &vm, "boot", 0, &e) == 0);
	timeline_ready(&t);
	timeline_close(&t);
	reread();
	CHECK(last_seq() == 9);
	CHECK(fd_write_all(fd, odd, sizeof(odd) - 1) == 0);
	CHECK(timeline_open(&t, &vm, "boot", 0, &e) == 0);
	timeline_ready(&t);
	timeline_close(&t);
	reread();
	CHECK(last_seq() == 10);
	close(fd);
}

/* A file's size limit is a disk that is full: a write is cut short, and the next takes nothing. */
static void events_of_a_full_disk_are_lost_silently(void)
{
	struct timeline t = TIMELINE_NONE;
	struct err e = ERR_NONE;
	struct rlimit all, some;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	CHECK(timeline_open(&t, &vm, "boot", 0, &e) == 0);
	CHECK(fstatat(vm.dir, "events.jsonl", &st, 0) == 0 && getrlimit(RLIMIT_FSIZE, &all) == 0);
	some = (struct rlimit){ (rlim_t)st.st_size + 30, all.rlim_max };
	CHECK(setrlimit(RLIMIT_FSIZE, &some) == 0);
	for (int i = 0; i < 3; i++)
		timeline_ready(&t);
	CHECK(setrlimit(RLIMIT_FSIZE, &all) == 0);
	timeline_agent(&t, "guest", "lost");
	timeline_close(&t);
	reread();
	CHECK(strstr(text + st.st_size, "\"event\":\"lost\",\"count\":3,") != NULL);
	/* No half line in front of it, and no number twice. */
	CHECK(strncmp(text + st.st_size, "{\"seq\":14,", 10) == 0 && last_seq() == 15);
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
	TEST(rubbish_hides_the_last_number);
	TEST(events_of_a_full_disk_are_lost_silently);
	path_remove_tree(AT_FDCWD, place, &e);
	return check_done();
}
