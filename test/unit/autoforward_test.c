/*
 * What listens in the guest is forwarded by itself: what comes and goes with it, and what happens
 * to it when the guest's agent starts again.
 */
#include "forward_world.h"

/* The guest listens on 127.0.0.1:port of tcp, or does so no more. */
static void guest_listens(unsigned port, int does)
{
	struct agent_ports next = *guest_ports;
	struct port p = {
		.proto = PORT_TCP, .family = 4, .port = (uint16_t)port, .addr = { 127, 0, 0, 1 }
	};
	uint32_t kept = 0;

	for (uint32_t i = 0; i < next.count; i++)
		if (next.port[i].port != port)
			next.port[kept++] = next.port[i];
	next.count = kept;
	if (does)
		next.port[next.count++] = p;
	*guest_ports = next;
}

static const struct forward *forward_of(unsigned port)
{
	const struct forward *f = fs.first;

	while (f && f->to.port != port)
		f = f->next;
	return f;
}

/* Turns the loop until the guest's port is forwarded, or is not. */
static int becomes_forwarded(unsigned port, int wanted)
{
	for (int64_t end = clock_ms() + WAIT_MS; clock_ms() < end; turn())
		if (!forward_of(port) == !wanted)
			return 1;
	return 0;
}

static unsigned count(void)
{
	unsigned n = 0;

	for (const struct forward *f = fs.first; f; f = f->next)
		n++;
	CHECK(n == fs.count);
	return n;
}

/* A port that nothing on this machine has, so that the host's side of it is free, too. */
static unsigned free_port(void)
{
	unsigned port;

	close(listen_here(SOCK_STREAM, &port));
	return port;
}

static void what_comes_and_goes_is_not_followed(void)
{
	unsigned ports[3] = { free_port(), free_port(), free_port() }, port;
	int listener = listen_here(SOCK_STREAM, &port);
	const struct forward *f;

	guest_ports->count = 0;
	forwards_guest_is_up(&fs, 1);
	guest_listens(ports[0], 1);
	CHECK(add("auto") == 0 && becomes_forwarded(ports[0], 1));
	f = forward_of(ports[0]);
	CHECK(f->is_auto && hostaddr_port(&f->host) == ports[0] && said == 1);
	CHECK(f->host.v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	guest_listens(ports[1], 1);
	guest_listens(ports[2], 1);
	CHECK(becomes_forwarded(ports[1], 1) && becomes_forwarded(ports[2], 1));
	guest_listens(ports[0], 0);
	CHECK(becomes_forwarded(ports[0], 0) && forward_of(ports[1]) && forward_of(ports[2]));
	CHECK(count() == 2);
	/* The host's port is somebody's (the guest's server is here, too): another one, and told. */
	guest_listens(port, 1);
	CHECK(becomes_forwarded(port, 1));
	f = forward_of(port);
	CHECK(hostaddr_port(&f->host) != port && strstr(last_word, "is in use by"));
	CHECK(is_served(f, listener));
	/* A person does not take back what the guest brings again. */
	CHECK(forwards_remove(&fs, strrchr(hostaddr_text(last_word, &f->host), ':') + 1,
			      &last_error) == -EBUSY);
	close(listener);
}

static void what_is_connected_ends_with_the_listening(void)
{
	unsigned port;
	int listener = listen_here(SOCK_STREAM, &port), fd, inner;

	guest_ports->count = 0;
	forwards_guest_is_up(&fs, 1);
	guest_listens(port, 1);
	CHECK(add("auto") == 0 && becomes_forwarded(port, 1));
	fd = client(forward_of(port));
	inner = accept_one(listener);
	close(listener); /* as a server does that wants one client only */
	guest_listens(port, 0);
	CHECK(becomes_forwarded(port, 0));
	CHECK(say(fd, "still here"));
	shutdown(fd, SHUT_WR);
	CHECK(is_heard(inner, "still here"));
	close(inner);
	CHECK(is_heard(fd, ""));
	close(fd);
}

static void a_guest_agent_that_starts_again_strands_or_doubles(void)
{
	unsigned gone = free_port(), port, late;
	int listener = listen_here(SOCK_STREAM, &port), again;
	const struct forward *f;
	uint32_t id;

	guest_ports->count = 0;
	forwards_guest_is_up(&fs, 1);
	guest_listens(port, 1);
	guest_listens(gone, 1);
	CHECK(add("auto") == 0 && becomes_forwarded(port, 1) && becomes_forwarded(gone, 1));
	f = forward_of(port);
	id = f->id;
	guest_stop();
	again = listen_here(SOCK_STREAM, &late);
	guest_listens(gone, 0); /* nobody is there to tell it */
	guest_listens(late, 1);
	guest_start();
	forwards_guest_is_up(&fs, 1);
	CHECK(becomes_forwarded(late, 1) && becomes_forwarded(gone, 0) && count() == 2);
	CHECK(forward_of(port) == f && f->id == id && is_served(f, listener));
	CHECK(is_served(forward_of(late), again));
	/* And once more without anybody saying so: it is noticed. */
	guest_stop();
	guest_listens(late, 0);
	guest_start();
	CHECK(becomes_forwarded(late, 0) && count() == 1 && forward_of(port) == f);
	close(again);
	close(listener);
}

static void a_rule_is_not_heeded(void)
{
	unsigned in = free_port(), out = free_port(), explicit = free_port();
	char rule[64];

	guest_ports->count = 0;
	forwards_guest_is_up(&fs, 1);
	guest_listens(in, 1);
	guest_listens(out, 1);
	guest_listens(explicit, 1);
	snprintf(rule, sizeof(rule), ":%u", explicit);
	CHECK(add(rule) == 0);
	snprintf(rule, sizeof(rule), "auto:~%u", out);
	CHECK(add(rule) == 0 && becomes_forwarded(in, 1));
	pass_time(50);
	CHECK(count() == 2 && !forward_of(explicit)->is_auto && !forward_of(out));
	/* The first snapshot was of tcp; udp is not meant unless it is said. */
	CHECK(add("auto/udp") == 0 && add("auto:1-2") == 0 && add("auto:3") == 0);
	CHECK(add("auto:4") < 0 && strstr(last_error.text, "more than 4 rules"));
	pass_time(50);
	CHECK(count() == 2);
}

/* Of 500 ports, so many at most; and after them the forwards that a person asks for. */
static void a_guest_takes_all_there_are(void)
{
	unsigned port;
	int listener = listen_here(SOCK_STREAM, &port);

	guest_ports->count = 0;
	forwards_guest_is_up(&fs, 1);
	for (unsigned i = 0; i < 500; i++)
		guest_listens(20000 + i, 1);
	CHECK(add("auto") == 0);
	for (int64_t end = clock_ms() + WAIT_MS; fs.count < AUTOFORWARDS_MAX && clock_ms() < end;)
		turn();
	pass_time(50);
	CHECK(count() == AUTOFORWARDS_MAX);
	CHECK(is_served(forward_to(port, ""), listener));
	guest_ports->count = 0;
	forwards_guest_is_up(&fs, 1);
	for (int64_t end = clock_ms() + WAIT_MS; fs.count > 1 && clock_ms() < end;)
		turn();
	CHECK(count() == 1);
	close(listener);
}

int main(void)
{
	if (world_open() < 0)
		return 1;
	WITH_HOST(what_comes_and_goes_is_not_followed);
	WITH_HOST(what_is_connected_ends_with_the_listening);
	WITH_HOST(a_guest_agent_that_starts_again_strands_or_doubles);
	WITH_HOST(a_rule_is_not_heeded);
	WITH_HOST(a_guest_takes_all_there_are);
	return world_close();
}
