/*
 * Forwards: what arrives, what is waited for, what is refused, and what is left behind.
 */
#include <sys/prctl.h>

#include "forward_world.h"

enum { MANY = 600 }; /* FORWARDS=20000 ASAN_OPTIONS=quarantine_size_mb=0 for a long run */

/* --- ways there --- */

static void a_destination_is_out_of_reach(void)
{
	char path[64], rule[200];
	struct hostaddr a;
	struct err e = ERR_NONE;
	unsigned port;
	int tcp = listen_here(SOCK_STREAM, &port), local, fd;
	const struct forward *f = forward_to(port, "");

	CHECK(hostaddr_port(&f->host) > 0);
	CHECK(is_served(f, tcp));
	/* A unix socket of the host's, to tcp; and tcp to one of the guest's. */
	snprintf(rule, sizeof(rule), "unix:%s/front:127.0.0.1:%u", folder, port);
	CHECK(add(rule) == 0);
	CHECK(is_served(latest(), tcp));
	snprintf(path, sizeof(path), "%s/inner", folder);
	hostaddr_unix(&a, path);
	local = hostaddr_listen(&a, 0, &e);
	snprintf(rule, sizeof(rule), "inner=:unix:%s", path);
	CHECK(add(rule) == 0);
	CHECK(forwards_find(&fs, "inner") == latest() && is_served(latest(), local));
	/* A vsock port of the guest's own. */
	CHECK(add("vsock:70") == 0);
	fd = client(latest());
	CHECK(is_heard(fd, "hello"));
	close(fd);
	unlink(path);
	close(local);
	close(tcp);
}

static void a_half_close_becomes_a_full_one(void)
{
	unsigned port;
	int listener = listen_here(SOCK_STREAM, &port), fd, inner;
	const struct forward *f = forward_to(port, "");

	CHECK(is_served(f, listener));
	/* The guest ends first. */
	fd = client(f);
	inner = accept_one(listener);
	CHECK(say(inner, "greeting"));
	shutdown(inner, SHUT_WR);
	CHECK(is_heard(fd, "greeting") && say(fd, "and "));
	CHECK(wait_for(inner, POLLIN) && say(fd, "thanks"));
	shutdown(fd, SHUT_WR);
	CHECK(is_heard(inner, "and thanks"));
	close(inner);
	close(fd);
	/* The whole question and its end are there before the guest's end is. */
	kill(guest, SIGSTOP);
	fd = client(f);
	CHECK(say(fd, "early"));
	shutdown(fd, SHUT_WR);
	pass_time(50);
	kill(guest, SIGCONT);
	inner = accept_one(listener);
	CHECK(is_heard(inner, "early") && say(inner, "late"));
	close(inner);
	CHECK(is_heard(fd, "late"));
	close(fd);
	CHECK(all_ended(f));
	close(listener);
}

static void a_reset_looks_like_an_end(void)
{
	const struct linger at_once = { 1, 0 };
	unsigned port;
	int listener = listen_here(SOCK_STREAM, &port), fd, inner;
	const struct forward *f = forward_to(port, "");

	fd = client(f);
	inner = accept_one(listener);
	CHECK(say(inner, "x") && wait_for(fd, POLLIN));
	CHECK(recv(fd, last_word, 1, 0) == 1);
	setsockopt(inner, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(inner);
	CHECK(is_heard(fd, "!"));
	close(fd);
	fd = client(f);
	inner = accept_one(listener);
	CHECK(say(fd, "x") && wait_for(inner, POLLIN) && recv(inner, last_word, 1, 0) == 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
	CHECK(is_heard(inner, "!") || send(inner, "x", 1, MSG_NOSIGNAL) < 0 ||
	      !wait_for(inner, POLLOUT) || send(inner, "x", 1, MSG_NOSIGNAL) < 0);
	close(inner);
	CHECK(all_ended(f) && f->refused == 0 && f->unreachable == 0);
	close(listener);
}

static void a_refusal_is_an_end_or_is_not_counted(void)
{
	unsigned port;
	int listener = listen_here(SOCK_STREAM, &port), fd;
	const struct forward *f = forward_to(port, "");

	close(listener);
	fd = client(f);
	CHECK(is_heard(fd, "!"));
	close(fd);
	CHECK(f->refused == 1 && f->taken == 1 && f->open == 0);
	CHECK(strstr(f->last_error, "Connection refused"));
	/* A vsock port where nobody listens: an answer, once the guest is up. */
	CHECK(add("vsock:71") == 0);
	forwards_guest_is_up(&fs, 1);
	fd = client(latest());
	CHECK(is_heard(fd, "!") && latest()->refused == 1);
	close(fd);
	forwards_guest_is_up(&fs, 0);
	fd = client(latest());
	CHECK(is_heard(fd, "!") && latest()->refused == 1 && latest()->unreachable == 1);
	close(fd);
}

/* --- the guest comes and goes --- */

static void an_old_forward_leads_to_a_dead_agent(void)
{
	unsigned port;
	int listener = listen_here(SOCK_STREAM, &port), fd, inner;
	const struct forward *f = forward_to(port, "");

	CHECK(is_served(f, listener));
	fd = client(f);
	inner = accept_one(listener);
	guest_stop();
	CHECK(is_heard(fd, "!")); /* what went through the old one is over */
	close(fd);
	close(inner);
	for (int i = 0; i < 3; i++) {
		guest_start();
		CHECK(is_served(f, listener));
		guest_stop();
	}
	/* Who comes meanwhile is held, and served by the next one. */
	fd = client(f);
	CHECK(say(fd, "patience"));
	pass_time(HOLD_MS / 4);
	guest_start();
	inner = accept_one(listener);
	CHECK(inner >= 0 && say(inner, "is rewarded"));
	close(inner);
	CHECK(wait_for(fd, POLLIN) && recv(fd, last_word, 11, 0) == 11);
	close(fd);
	CHECK(f->unreachable == 0);
	close(listener);
}

static void a_guest_that_is_not_there_is_waited_for_without_end(void)
{
	unsigned port;
	int listener = listen_here(SOCK_STREAM, &port), fd;
	const struct forward *f = forward_to(port, "");
	int64_t began;

	guest_stop();
	began = clock_ms();
	fd = client(f);
	CHECK(is_heard(fd, "!"));
	CHECK(clock_ms() - began >= HOLD_MS / 2 && f->unreachable == 1 && f->open == 0);
	close(fd);
	/* A client that gives up earlier is not kept. */
	fd = client(f);
	CHECK(wait_for(fd, POLLOUT));
	pass_time(20);
	CHECK(f->open == 1);
	{
		const struct linger at_once = { 1, 0 };

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	}
	close(fd);
	CHECK(all_ended(f) && f->unreachable == 1);
	guest_start();
	close(listener);
}

static void a_frozen_guest_holds_up_others(void)
{
	unsigned port;
	int listener = listen_here(SOCK_STREAM, &port), fd[8];
	const struct forward *f = forward_to(port, "");
	int64_t longest = 0;

	CHECK(is_served(f, listener));
	kill(guest, SIGSTOP);
	for (size_t i = 0; i < COUNT(fd); i++)
		fd[i] = client(f);
	/* The loop turns on: nothing in it waits for the guest. */
	for (int64_t end = clock_ms() + 200; clock_ms() < end;) {
		int64_t began = clock_ms();

		turn();
		longest = MAX(longest, clock_ms() - began);
	}
	printf("# the longest turn took %d ms\n", (int)longest);
	CHECK(longest < 150 && f->open == COUNT(fd));
	for (size_t i = 0; i < COUNT(fd); i++) {
		CHECK(is_heard(fd[i], "!"));
		close(fd[i]);
	}
	CHECK(f->unreachable == COUNT(fd));
	kill(guest, SIGCONT);
	CHECK(is_served(f, listener));
	close(listener);
}

/* --- the end --- */

/* Somebody who tries again at once, as a client does whose connection was lost. */
static unsigned tries;

static void try_again(struct dialling *x, int fd, const struct err *why)
{
	CHECK(fd == -ESHUTDOWN && why->code == -ESHUTDOWN && tries < 10);
	if (tries++ < 10)
		CHECK(dialler_dial(&fs.dialler, x, x->to, try_again) == -ESHUTDOWN);
}

static void something_is_dialled_after_the_end(void)
{
	static const struct destination nowhere = { .kind = TO_VSOCK, .port = 72 };
	static struct dialling mine;
	unsigned port;
	int listener = listen_here(SOCK_STREAM, &port), dialling, talking, inner, knocking;
	const struct forward *f = forward_to(port, "");

	talking = client(f);
	inner = accept_one(listener);
	kill(guest, SIGSTOP);
	dialling = client(f);
	for (int64_t end = clock_ms() + WAIT_MS; f->open < 2 && clock_ms() < end;)
		turn();
	tries = 0;
	CHECK(dialler_dial(&fs.dialler, &mine, &nowhere, try_again) == 0);
	knocking = client(f); /* in the backlog: nobody has taken it in yet */
	forwards_close(&fs);
	CHECK(!fs.first && !fs.leaving && !fs.dialler.first && tries == 1);
	kill(guest, SIGCONT);
	CHECK(is_heard(dialling, "!") && is_heard(talking, "!") && is_heard(knocking, "!"));
	pass_time(50);
	CHECK(poll(&(struct pollfd){ listener, POLLIN, 0 }, 1, 0) == 0);
	close(inner);
	close(talking);
	close(dialling);
	close(knocking);
	close(listener);
	host_start();
}

static void a_forward_that_is_removed_cuts_what_is_connected(void)
{
	unsigned port;
	int listener = listen_here(SOCK_STREAM, &port), fd, inner;
	const struct forward *f = forward_to(port, "");
	struct hostaddr a = f->host;
	char which[16];

	fd = client(f);
	inner = accept_one(listener);
	snprintf(which, sizeof(which), "%u", hostaddr_port(&a));
	CHECK(forwards_remove(&fs, which, &last_error) == 0 && said == 2);
	CHECK(forwards_remove(&fs, which, &last_error) == -ENOENT);
	CHECK(say(fd, "still here"));
	shutdown(fd, SHUT_WR);
	CHECK(is_heard(inner, "still here"));
	close(inner);
	CHECK(is_heard(fd, ""));
	close(fd);
	fd = client_of(&a, SOCK_STREAM);
	CHECK(fd < 0 || is_heard(fd, "!"));
	fd_close(&fd);
	for (int64_t end = clock_ms() + WAIT_MS; fs.leaving && clock_ms() < end;)
		turn();
	CHECK(!fs.leaving);
	close(listener);
}

/* --- listening --- */

static void a_busy_port_is_announced(void)
{
	unsigned port;
	int taken = listen_here(SOCK_STREAM, &port);
	char rule[64], owner[80], name[16] = "";

	snprintf(rule, sizeof(rule), "%u:80", port);
	prctl(PR_GET_NAME, name);
	snprintf(owner, sizeof(owner), "is in use by %s (pid %d)", name, (int)getpid());
	CHECK(add(rule) == -EADDRINUSE && said == 0 && failed == 1 && !fs.first);
	if (!strstr(last_error.text, owner))
		printf("# %s\n", last_error.text);
	CHECK(strstr(last_error.text, owner) && !strcmp(last_word, last_error.text));
	close(taken);
	CHECK(add(rule) == 0 && said == 1);
	CHECK(add(rule) == -EADDRINUSE);
	CHECK(strstr(last_error.text, "this VM has such a forward already"));
	/* 0.0.0.0 would take it as well; another address would not. */
	snprintf(rule, sizeof(rule), "0.0.0.0:%u:80", port);
	CHECK(add(rule) == -EADDRINUSE);
	snprintf(rule, sizeof(rule), "127.0.0.2:%u:80", port);
	CHECK(add(rule) == 0);
	snprintf(rule, sizeof(rule), "%u:80/udp", port);
	CHECK(add(rule) == 0);
	CHECK(add("192.0.2.1:8080:80") == -EADDRNOTAVAIL);
	CHECK(strstr(last_error.text, "this host has no such address"));
}

static void half_a_range_is_left(void)
{
	unsigned port;
	int taken = listen_here(SOCK_STREAM, &port);
	char rule[64];

	snprintf(rule, sizeof(rule), "%u-%u:80-83", port - 2, port + 1);
	CHECK(add(rule) == -EADDRINUSE && !fs.first && fs.count == 0);
	close(taken);
	CHECK(add(rule) == 0 && fs.count == 4);
	CHECK(latest()->to.port == 83 && hostaddr_port(&latest()->host) == port + 1);
}

static void a_file_is_removed_that_is_not_ours(void)
{
	struct err e = ERR_NONE;
	char path[64], rule[100];
	struct hostaddr a;
	int fd;

	snprintf(path, sizeof(path), "%s/front2", folder);
	snprintf(rule, sizeof(rule), "unix:%s:80", path);
	/* No socket. */
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	CHECK(add(rule) < 0 && access(path, F_OK) == 0);
	unlink(path);
	/* A live one, a dead one. */
	hostaddr_unix(&a, path);
	fd = hostaddr_listen(&a, 0, &e);
	CHECK(add(rule) == -EADDRINUSE);
	close(fd);
	CHECK(add(rule) == 0);
	CHECK(forwards_remove(&fs, rule, &e) == -ENOENT);
	snprintf(rule, sizeof(rule), "unix:%s", path);
	CHECK(forwards_remove(&fs, rule, &e) == 0 && access(path, F_OK) < 0);
	/* Another in its place. */
	snprintf(rule, sizeof(rule), "unix:%s:80", path);
	CHECK(add(rule) == 0);
	unlink(path);
	fd = hostaddr_listen(&a, 0, &e);
	snprintf(rule, sizeof(rule), "unix:%s", path);
	CHECK(forwards_remove(&fs, rule, &e) == 0 && access(path, F_OK) == 0);
	unlink(path);
	close(fd);
}

static void a_port_changes_at_the_next_start(void)
{
	struct err e = ERR_NONE;
	struct portbook book = PORTBOOK_NONE;
	const struct portbook_row *row;
	struct hostaddr taken;
	uint16_t ssh, other;
	int fd;

	forwards_close(&fs);
	vm.dir = folder_fd;
	host_start();
	CHECK(add("ssh") == 0 && add(":80") == 0);
	ssh = hostaddr_port(&forwards_find(&fs, "ssh")->host);
	other = hostaddr_port(&latest()->host);
	host_stop();
	CHECK(portbook_read(&book, &vm, &e) == 0);
	row = portbook_find(&book, &(struct portbook_row){ .name = "ssh" });
	CHECK(row && row->port == ssh);
	portbook_close(&book);
	/* In another order, and the same ports. */
	host_start();
	CHECK(add(":80") == 0 && hostaddr_port(&latest()->host) == other);
	CHECK(add("ssh") == 0 && hostaddr_port(&latest()->host) == ssh);
	host_stop();
	/* Somebody has it now: another, and that is told. */
	hostaddr_ip(&taken, "127.0.0.1");
	hostaddr_set_port(&taken, ssh);
	fd = hostaddr_listen(&taken, 0, &e);
	CHECK(fd >= 0);
	host_start();
	CHECK(add("ssh") == 0 && hostaddr_port(&latest()->host) != ssh);
	CHECK(strstr(last_word, "not the port of last time") && strstr(last_word, "is in use by"));
	host_stop();
	close(fd);
	/* A file that a crash cut is no file. */
	fd = openat(folder_fd, "forwards.json", O_WRONLY | O_TRUNC | O_CLOEXEC);
	CHECK(write(fd, "[{\"name\": \"ssh\"", 15) == 15);
	close(fd);
	host_start();
	CHECK(add("ssh") == 0);
	host_stop();
	unlinkat(folder_fd, "forwards.json", 0);
	vm.dir = -1;
	host_start();
}

/* --- many --- */

static void connections_leave_something_behind(void)
{
	unsigned rounds = getenv("FORWARDS") ? (unsigned)atoi(getenv("FORWARDS")) : MANY, ours,
		 port;
	int listener = listen_here(SOCK_STREAM, &port);
	const struct forward *f = forward_to(port, "");

	CHECK(is_served(f, listener) && all_ended(f));
	guest_is_idle();
	ours = fds_of(getpid());
	for (unsigned i = 0; i < rounds; i++) {
		int fd = client(f), inner = accept_one(listener);

		if (fd < 0 || inner < 0 || !say(fd, "x")) {
			CHECK(!"a connection");
			break;
		}
		if (i % 3)
			shutdown(fd, SHUT_WR);
		close(i % 2 ? fd : inner);
		close(i % 2 ? inner : fd);
	}
	CHECK(all_ended(f) && guest_fds_are_idle());
	printf("# %u connections; %u descriptors before, %u after\n", rounds, ours,
	       fds_of(getpid()));
	CHECK(fds_of(getpid()) == ours && f->taken == rounds + 1);
	close(listener);
}

static void more_than_there_are_places_are_turned_away(void)
{
	static int fd[TUNNELS_MAX + 1], inner[TUNNELS_MAX + 1];
	unsigned port, places = TUNNELS_MAX - TUNNELS_MAX / 8;
	int listener = listen_here(SOCK_STREAM, &port), other;
	const struct forward *f = forward_to(port, ""), *g = forward_to(port, "");

	if (fd_allow(4096) < 4096)
		SKIP("needs 4096 descriptors");
	guest_is_idle();
	for (unsigned i = 0; i < places; i++) {
		fd[i] = client(f);
		inner[i] = accept_one(listener);
		CHECK(inner[i] >= 0);
	}
	/* This forward's are all taken; another still has some. */
	fd[places] = client(f);
	pass_time(20);
	CHECK(f->open == places && is_served(g, listener));
	for (unsigned i = places + 1; i < TUNNELS_MAX + 1; i++) {
		fd[i] = client(g);
		inner[i] = accept_one(listener);
		CHECK(inner[i] >= 0);
	}
	/* And now nobody has. Who comes waits, and is served when one leaves. */
	other = client(g);
	pass_time(20);
	CHECK(fs.is_full && f->open + g->open == TUNNELS_MAX);
	close(fd[3]);
	close(inner[3]);
	inner[places] = accept_one(listener);
	close(fd[TUNNELS_MAX]);
	close(inner[TUNNELS_MAX]);
	inner[TUNNELS_MAX] = accept_one(listener);
	CHECK(inner[places] >= 0 && inner[TUNNELS_MAX] >= 0);
	fd[TUNNELS_MAX] = other;
	for (unsigned i = 0; i < TUNNELS_MAX + 1; i++) {
		if (i == 3)
			continue;
		close(fd[i]);
		close(inner[i]);
	}
	CHECK(all_ended(f) && all_ended(g) && !fs.is_full && guest_fds_are_idle());
	CHECK(is_served(f, listener));
	close(listener);
}

/* --- udp --- */

static void datagrams_run_together_or_change_clients(void)
{
	static const size_t sizes[] = { 5, 0, 1, 1400, 65507, 3 };
	static uint8_t block[STREAM_DATAGRAM_MAX], got[STREAM_DATAGRAM_MAX + 1];
	unsigned port;
	int server = listen_here(SOCK_DGRAM, &port), fd[2];
	const struct forward *f = forward_to(port, "/udp");
	struct hostaddr from;
	socklen_t len;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 2654435761u >> 13);
	fd[0] = client(f);
	fd[1] = client(f);
	for (size_t i = 0; i < COUNT(sizes) * 2; i++) {
		size_t want = sizes[i / 2];
		ssize_t n;

		CHECK(send(fd[i % 2], block, want, 0) == (ssize_t)want);
		CHECK(wait_for(server, POLLIN));
		len = sizeof(from);
		n = recvfrom(server, got, sizeof(got), MSG_DONTWAIT, &from.any, &len);
		CHECK(n == (ssize_t)want && !memcmp(got, block, want));
		CHECK(sendto(server, block, want, 0, &from.any, len) == n);
		CHECK(wait_for(fd[i % 2], POLLIN));
		CHECK(recv(fd[i % 2], got, sizeof(got), MSG_DONTWAIT) == n &&
		      !memcmp(got, block, want));
		CHECK(recv(fd[!(i % 2)], got, sizeof(got), MSG_DONTWAIT) < 0);
	}
	CHECK(f->taken == 2 && f->open == 2 && f->dropped == 0);
	/* Several before the guest's end is there. */
	close(fd[0]);
	fd[0] = client(f);
	kill(guest, SIGSTOP);
	for (int i = 1; i <= 20; i++)
		CHECK(send(fd[0], block, (size_t)i, 0) == i);
	pass_time(30);
	kill(guest, SIGCONT);
	for (int i = 1; i <= 20; i++)
		CHECK(wait_for(server, POLLIN) && recv(server, got, sizeof(got), 0) == i);
	/* The guest's agent starts again: the next datagram finds the new one. */
	guest_stop();
	guest_start();
	for (int i = 0; i < 200; i++) {
		struct pollfd p = { server, POLLIN, 0 };

		CHECK(say(fd[1], "again"));
		pass_time(10);
		if (poll(&p, 1, 0) == 1)
			break;
	}
	CHECK(recv(server, got, sizeof(got), MSG_DONTWAIT) == 5);
	close(fd[0]);
	close(fd[1]);
	close(server);
}

static void flows_never_end(void)
{
	unsigned port;
	int server = listen_here(SOCK_DGRAM, &port), fd[FLOWS_MAX + 10];
	const struct forward *f = forward_to(port, "/udp");

	guest_is_idle();
	/* More clients than there is room for: the one that was silent for longest goes. */
	for (size_t i = 0; i < COUNT(fd); i++) {
		fd[i] = client(f);
		CHECK(say(fd[i], "x") && wait_for(server, POLLIN));
		CHECK(recv(server, last_word, sizeof(last_word), 0) == 1);
		if (f->open != MIN(i + 1, FLOWS_MAX))
			break;
	}
	CHECK(f->taken == COUNT(fd) && f->open == FLOWS_MAX);
	/* Silence ends all of them. */
	flows_close(fs.flows);
	fs.flows = flows_open(&fs.dialler, 200);
	CHECK(f->open == 0 && say(fd[0], "x") && wait_for(server, POLLIN) && f->open == 1);
	CHECK(all_ended(f) && guest_fds_are_idle());
	/* Nobody is there: the guest says so, and the flow is over at once. */
	close(server);
	CHECK(say(fd[0], "x"));
	for (int64_t end = clock_ms() + WAIT_MS; f->refused == 0 && clock_ms() < end;)
		turn();
	CHECK(f->refused == 1 && f->open == 0);
	for (size_t i = 0; i < COUNT(fd); i++)
		close(fd[i]);
}

int main(void)
{
	if (world_open() < 0)
		return 1;
	WITH_HOST(a_destination_is_out_of_reach);
	WITH_HOST(a_half_close_becomes_a_full_one);
	WITH_HOST(a_reset_looks_like_an_end);
	WITH_HOST(a_refusal_is_an_end_or_is_not_counted);
	WITH_HOST(an_old_forward_leads_to_a_dead_agent);
	WITH_HOST(a_guest_that_is_not_there_is_waited_for_without_end);
	WITH_HOST(a_frozen_guest_holds_up_others);
	WITH_HOST(something_is_dialled_after_the_end);
	WITH_HOST(a_forward_that_is_removed_cuts_what_is_connected);
	WITH_HOST(a_busy_port_is_announced);
	WITH_HOST(half_a_range_is_left);
	WITH_HOST(a_file_is_removed_that_is_not_ours);
	WITH_HOST(a_port_changes_at_the_next_start);
	WITH_HOST(connections_leave_something_behind);
	WITH_HOST(more_than_there_are_places_are_turned_away);
	WITH_HOST(datagrams_run_together_or_change_clients);
	WITH_HOST(flows_never_end);
	return world_close();
}
