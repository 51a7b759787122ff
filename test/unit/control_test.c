/* Clients of agent.sock that talk too much, too little, or not the language. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "host/control.h"
#include "host/timeline.h"
#include "turn.h"

static char folder[] = "/tmp/control_test.XXXXXX";
static char path[64];
static struct loop loop;
static struct control control;

static struct vmref vm = { .name = "web", .dir = -1, .lock = -1 };
static struct timeline tl = { .file = -1, .leash = -1 };

static void request(struct client *c, const json_t *r)
{
	struct err e = ERR_NONE;

	if (json_object_get(r, "since"))
		client_stream(c, eventstream_open(
					 &vm,
					 (uint64_t)json_integer_value(json_object_get(r, "since")),
					 json_is_true(json_object_get(r, "follow")), &e));
	else if (json_object_get(r, "wait"))
		client_waits(c);
	else
		client_answer(c, json_pack("{s:O}", "echo", json_object_get(r, "n")));
}

static void world_open(void)
{
	struct err e = ERR_NONE;
	int fd;

	loop = LOOP_INIT;
	unlink(path);
	fd = unix_listen(path, 64, &e);
	CHECK(fd >= 0 && loop_open(&loop) == 0);
	CHECK(control_start(&control, &loop, fd, request) == 0);
}

static void world_close(void)
{
	control_stop(&control);
	loop_close(&loop);
}

/* What came for us; "" when nothing did, NULL when we were dropped. */
static const char *answer(int fd)
{
	static char text[CONTROL_ANSWER_MAX];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n == 0)
		return NULL;
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void say(int fd, const char *text)
{
	CHECK(fd_write_all(fd, text, strlen(text)) == 0);
	turn(&loop);
}

static void a_request_gets_no_answer(void)
{
	int a, b;

	world_open();
	a = unix_connect(path, 0);
	b = unix_connect(path, 0);
	say(a, "{\"n\":1}\n{\"n\":2}\n{\"n\"");
	CHECK(!strcmp(answer(a), "{\"echo\":1}\n{\"echo\":2}\n"));
	say(b, "{\"n\":3}\n");
	CHECK(!strcmp(answer(b), "{\"echo\":3}\n"));
	say(a, ":4}\n");
	CHECK(!strcmp(answer(a), "{\"echo\":4}\n"));
	close(a);
	close(b);
	world_close();
}

static void nonsense_goes_unanswered(void)
{
	static const char *const lines[] = {
		"\n", "hello\n", "[]\n", "3\n", "{\"n\"\n", "\"x\"\n"
	};
	int fd;

	world_open();
	fd = unix_connect(path, 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *got;

		say(fd, lines[i]);
		got = answer(fd);
		CHECK(got && strstr(got, "\"ok\":false"));
	}
	close(fd);
	world_close();
}

static void a_line_without_end_is_kept(void)
{
	char text[2 * CONTROL_LINE_MAX];
	int fd;

	world_open();
	fd = unix_connect(path, 0);
	memset(text, ' ', sizeof(text));
	CHECK(fd_write_all(fd, text, sizeof(text)) == 0);
	turn(&loop);
	CHECK(control.clients[0].peer.fd < 0);
	close(fd);
	world_close();
}

static void one_that_does_not_read_is_waited_for(void)
{
	int fd, sent = 0;

	world_open();
	fd = unix_connect(path, 1);
	while (control.clients[0].peer.fd >= 0 || sent == 0) {
		sent += fd_write(fd, "{\"n\":1}\n", 8) > 0;
		loop_wait(&loop);
		loop_dispatch(&loop);
		if (sent > 1000000)
			break;
	}
	CHECK(control.clients[0].peer.fd < 0);
	close(fd);
	world_close();
}

static void many_clients_keep_others_out_for_good(void)
{
	int fds[CONTROL_CLIENTS + 1];

	world_open();
	for (int i = 0; i <= CONTROL_CLIENTS; i++)
		fds[i] = unix_connect(path, 0);
	turn(&loop);
	say(fds[CONTROL_CLIENTS], "{\"n\":5}\n");
	CHECK(!strcmp(answer(fds[CONTROL_CLIENTS]), ""));
	close(fds[0]);
	turn(&loop);
	CHECK(!strcmp(answer(fds[CONTROL_CLIENTS]), "{\"echo\":5}\n"));
	for (int i = 1; i <= CONTROL_CLIENTS; i++)
		close(fds[i]);
	world_close();
}

static void those_who_wait_are_forgotten(void)
{
	int waits, not ;

	world_open();
	waits = unix_connect(path, 0);
	not = unix_connect(path, 0);
	say(waits, "{\"wait\":1}\n");
	turn(&loop);
	control_tell_waiting(&control, json_pack("{s:b}", "ended", 1));
	CHECK(!strcmp(answer(waits), "{\"ended\":true}\n"));
	CHECK(!strcmp(answer(not ), ""));
	close(waits);
	close(not );
	world_close();
}

/* --- events --- */

static void kept(struct timeline *t)
{
	(void)t;
	control_events(&control);
}

static void events_open(void)
{
	struct err e = ERR_NONE;

	world_open();
	unlinkat(vm.dir, timeline_file, 0);
	CHECK(timeline_open(&tl, &vm, "boot", 0, &e) == 0);
	tl.kept = kept;
}

static void events_close(void)
{
	timeline_close(&tl);
	world_close();
}

/* The numbers of the events that come, which must follow each other; 0 at the end of the stream. */
struct hearing {
	int fd;
	size_t have;
	long long seq;
	int ended;
	char text[8192];
};

static void hear(struct hearing *h)
{
	for (;;) {
		ssize_t n = recv(h->fd, h->text + h->have, sizeof(h->text) - h->have, MSG_DONTWAIT);
		char *end;

		h->ended = n == 0;
		if (n <= 0)
			return;
		h->have += (size_t)n;
		while ((end = memchr(h->text, '\n', h->have))) {
			long long seq = 0;

			CHECK(sscanf(h->text, "{\"seq\":%lld,", &seq) == 1);
			if (h->seq && seq != h->seq + 1)
				check_failed(__FILE__, __LINE__, "an event was left out");
			h->seq = seq;
			h->have -= (size_t)(end + 1 - h->text);
			memmove(h->text, end + 1, h->have);
		}
	}
}

static void follow(struct hearing *h, const char *ask)
{
	*h = (struct hearing){ .fd = unix_connect(path, 0) };
	say(h->fd, ask);
}

static void a_follower_misses_an_event(void)
{
	struct hearing a, b;

	events_open();
	for (int i = 0; i < 5; i++)
		timeline_ready(&tl);
	follow(&a, "{\"since\":1,\"follow\":true}\n");
	follow(&b, "{\"since\":7,\"follow\":true}\n");
	hear(&a);
	hear(&b);
	CHECK(a.seq == 5 && b.seq == 0 && !a.ended && !b.ended);
	for (int i = 0; i < 3; i++)
		timeline_ready(&tl);
	hear(&a);
	hear(&b);
	CHECK(a.seq == 8 && b.seq == 8);
	close(b.fd);
	turn(&loop);
	CHECK(!control.clients[1].stream);
	/* It has nothing more to say, and goes on hearing. */
	shutdown(a.fd, SHUT_WR);
	turn(&loop);
	timeline_ready(&tl);
	hear(&a);
	CHECK(a.seq == 9 && !a.ended);
	/* The end of the VM is the last that is told. */
	timeline_ready(&tl);
	control_stop(&control);
	hear(&a);
	CHECK(a.seq == 10 && a.ended);
	close(a.fd);
	events_close();
}

static void the_past_has_no_end(void)
{
	struct hearing a;
	int fd;

	events_open();
	fd = openat(vm.dir, timeline_file, O_WRONLY | O_APPEND);
	for (int i = 0; i < 1000; i++) {
		CHECK(fd_write_all(fd, "rubbish\n{\"seq\":0}\n", 18) == 0);
		timeline_ready(&tl);
	}
	close(fd);
	follow(&a, "{\"since\":2}\n");
	while (!a.ended) {
		hear(&a);
		turn(&loop);
	}
	CHECK(a.seq == 1000);
	CHECK(!control.clients[0].stream);
	close(a.fd);
	events_close();
}

static void one_that_does_not_read_holds_up_others(void)
{
	struct hearing slow, quick;

	events_open();
	follow(&slow, "{\"since\":1,\"follow\":true}\n");
	follow(&quick, "{\"since\":1,\"follow\":true}\n");
	for (int i = 0; i < 20000; i++) {
		timeline_ready(&tl);
		hear(&quick);
	}
	CHECK(quick.seq == 20000);
	CHECK(control.clients[0].silent.at_ms > 0 && control.clients[1].silent.at_ms == 0);
	/* It may still come back, and has missed nothing. */
	for (hear(&slow); slow.seq < 20000 && !slow.ended; hear(&slow)) {
		loop_wait(&loop);
		loop_dispatch(&loop);
	}
	turn(&loop);
	CHECK(slow.seq == 20000 && control.clients[0].silent.at_ms == 0);
	for (int i = 0; i < 5000; i++)
		timeline_ready(&tl);
	CHECK(control.clients[0].silent.at_ms > 0);
	control.clients[0].silent.due(&control.clients[0].silent);
	CHECK(control.clients[0].peer.fd < 0 && !control.clients[0].stream);
	close(slow.fd);
	close(quick.fd);
	events_close();
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/s", folder);
	TEST(a_request_gets_no_answer);
	TEST(nonsense_goes_unanswered);
	TEST(a_line_without_end_is_kept);
	TEST(one_that_does_not_read_is_waited_for);
	TEST(many_clients_keep_others_out_for_good);
	TEST(those_who_wait_are_forgotten);
	vm.dir = open(folder, O_RDONLY | O_DIRECTORY);
	TEST(a_follower_misses_an_event);
	TEST(the_past_has_no_end);
	TEST(one_that_does_not_read_holds_up_others);
	unlinkat(vm.dir, timeline_file, 0);
	unlink(path);
	rmdir(folder);
	return check_done();
}
