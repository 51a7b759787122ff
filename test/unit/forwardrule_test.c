/* What people write to have something forwarded: what it means, and what is refused. */
#include <arpa/inet.h>

#include "base/util.h"
#include "check.h"
#include "host/forwardrule.h"

/* The rule as one line: "NAME=HOST COUNT GUEST/PROTO". */
static const char *meant(const char *text)
{
	static char out[1100];
	char host[HOSTADDR_TEXT], to[DESTINATION_TEXT];
	struct err e = ERR_NONE;
	struct forwardrule r;

	if (forwardrule_parse(&r, "--publish", text, &e) < 0) {
		CHECK(e.exit == 2);
		snprintf(out, sizeof(out), "%s", e.text);
	} else if (r.is_auto) {
		snprintf(out, sizeof(out), "auto%s", r.is_udp ? "/udp" : "");
	} else {
		snprintf(out, sizeof(out), "%s=%s %u %s%s", r.name, hostaddr_text(host, &r.host),
			 r.count, destination_text(to, &r.to), r.is_udp ? "/udp" : "");
	}
	return out;
}

static void a_rule_means_something_else(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "80", "=127.0.0.1:0 1 localhost:80" },
		{ ":80", "=127.0.0.1:0 1 localhost:80" },
		{ "8080:80", "=127.0.0.1:8080 1 localhost:80" },
		{ "8080:80/tcp", "=127.0.0.1:8080 1 localhost:80" },
		{ "53:53/udp", "=127.0.0.1:53 1 localhost:53/udp" },
		{ "0.0.0.0:8080:80", "=0.0.0.0:8080 1 localhost:80" },
		{ "localhost:8080:80", "=127.0.0.1:8080 1 localhost:80" },
		{ "127.0.0.2::80", "=127.0.0.2:0 1 localhost:80" },
		{ "[::1]:8080:80", "=[::1]:8080 1 localhost:80" },
		{ "[::]:8080:[fe80::2]:80", "=[::]:8080 1 [fe80::2]:80" },
		{ "8080:10.0.0.5:80", "=127.0.0.1:8080 1 10.0.0.5:80" },
		{ "127.0.0.1:5432:db.internal:5432", "=127.0.0.1:5432 1 db.internal:5432" },
		{ "8000-8010:9000-9010", "=127.0.0.1:8000 11 localhost:9000" },
		{ ":9000-9002/udp", "=127.0.0.1:0 3 localhost:9000/udp" },
		{ "9000-9002", "=127.0.0.1:0 3 localhost:9000" },
		{ "unix:/run/web.sock:80", "=unix:/run/web.sock 1 localhost:80" },
		{ "unix:/run/a=b:[::1]:80", "=unix:/run/a=b 1 [::1]:80" },
		{ "unix:/run/d.sock:unix:/run/docker.sock",
		  "=unix:/run/d.sock 1 unix:/run/docker.sock" },
		{ "2375:unix:/run/docker.sock", "=127.0.0.1:2375 1 unix:/run/docker.sock" },
		{ ":unix:/run/udp", "=127.0.0.1:0 1 unix:/run/udp" },
		{ "2375:unix:/with:colon/tcp", "=127.0.0.1:2375 1 unix:/with:colon" },
		{ "2222:vsock:22", "=127.0.0.1:2222 1 vsock:22" },
		{ "vsock:22", "=127.0.0.1:0 1 vsock:22" },
		{ "vsock:4294967294", "=127.0.0.1:0 1 vsock:4294967294" },
		{ "ssh", "ssh=127.0.0.1:0 1 localhost:22" },
		{ "ssh=2222:22", "ssh=127.0.0.1:2222 1 localhost:22" },
		{ "web-1=unix:/run/x:80", "web-1=unix:/run/x 1 localhost:80" },
		{ "auto", "auto" },
		{ "auto/udp", "auto/udp" },
		{ "auto:3000-3999,~3306,8080", "auto" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *got = meant(cases[i].text);

		if (strcmp(got, cases[i].want) != 0)
			printf("# %s: got \"%s\", not \"%s\"\n", cases[i].text, got, cases[i].want);
		CHECK(!strcmp(got, cases[i].want));
	}
}

static void nonsense_is_a_rule_or_has_no_sentence(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "the guest's side is missing" },
		{ ":", "the guest's side is missing" },
		{ "8080:", "the guest's side is missing" },
		{ "127.0.0.1:80", "the guest's side is missing" },
		{ "0", "the guest's port: '0'" },
		{ "65536", "the guest's port: '65536'" },
		{ "70000:80", "the host's port: '70000'" },
		{ "80:x", "the guest's port: 'x'" },
		{ "80:80/sctp", "the guest's port: '80/sctp'" },
		{ "90-80", "ends before it begins" },
		{ "1-2-3:1-2", "the host's port: '2-3'" },
		{ "-", "the guest's port: ''" },
		{ "8000-8010:80", "of the same length" },
		{ "8000:80-81", "of the same length" },
		{ "1-300:1-300", "at most 256 ports" },
		{ "web=80-90", "one name cannot" },
		{ "*:80:80", "write 0.0.0.0 or [::]" },
		{ "::1:80:80", "an IPv6 address in brackets" },
		{ "[::1:80:80", "the host's address" },
		{ "example.com:80:80", "the host's address" },
		{ "256.0.0.1:80:80", "the host's address" },
		{ "80:[::1:80", "an IPv6 address in brackets" },
		{ "80:[]:80", "an IPv6 address in brackets" },
		{ "80::80", "[HOST:]PORT" },
		{ "unix:x:80", "is absolute" },
		{ "unix:/x", "the guest's side is missing" },
		{ "unix:/x:80-81", "one socket cannot" },
		{ "unix:/x:53/udp", "no datagrams" },
		{ "80:unix:x", "is absolute" },
		{ "80:vsock:0", "the guest's vsock port" },
		{ "80:vsock:22/udp", "no datagrams" },
		{ "80:vsock:", "the guest's vsock port" },
		{ "web=auto", "has no name" },
		{ "auto:", "a port: ''" },
		{ "auto:1,,2", "a port: ''" },
		{ "auto:9-1", "ends before it begins" },
		{ "automatic", "the guest's side is missing" },
		{ "Web=80", "a name has 1 to 63" },
		{ "=80", "a name has 1 to 63" },
	};
	static char path[200], rule[300];

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *got = meant(cases[i].text);

		if (!strstr(got, cases[i].want))
			printf("# %s: got \"%s\", not \"%s\"\n", cases[i].text, got, cases[i].want);
		CHECK(strstr(got, cases[i].want));
	}
	memset(path, 'p', 108);
	snprintf(rule, sizeof(rule), "unix:/%s:80", path);
	CHECK(strstr(meant(rule), "107 bytes"));
	snprintf(rule, sizeof(rule), "80:unix:/%s", path);
	CHECK(strstr(meant(rule), "107 bytes"));
}

static void the_wrong_ports_follow_the_guest(void)
{
	static const struct {
		const char *text;
		uint16_t port;
		int is_in;
	} cases[] = {
		{ "auto", 1, 1 },
		{ "auto", 65535, 1 },
		{ "auto:~22", 22, 0 },
		{ "auto:~22", 23, 1 },
		{ "auto:3000-3999,~3306", 3000, 1 },
		{ "auto:3000-3999,~3306", 3999, 1 },
		{ "auto:3000-3999,~3306", 4000, 0 },
		{ "auto:3000-3999,~3306", 3306, 0 },
		{ "auto:~3300-3400,3000-3999", 3350, 0 },
		{ "auto:80,443", 443, 1 },
		{ "auto:80,443", 81, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = ERR_NONE;
		struct forwardrule r;

		CHECK(forwardrule_parse(&r, "publish", cases[i].text, &e) == 0);
		if (portset_has(&r.ports, cases[i].port) != cases[i].is_in)
			printf("# %s: %u\n", cases[i].text, cases[i].port);
		CHECK(portset_has(&r.ports, cases[i].port) == cases[i].is_in);
	}
}

int main(void)
{
	TEST(a_rule_means_something_else);
	TEST(nonsense_is_a_rule_or_has_no_sentence);
	TEST(the_wrong_ports_follow_the_guest);
	return check_done();
}
