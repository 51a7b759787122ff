/* Lines of known_hosts, their patterns and hashes, base64, and what is said of a key. */
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "check.h"
#include "ssh/base64.h"
#include "ssh/knownhosts.h"

#define KEY_A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define KEY_B "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define KEY_C "ssh-other AAAACXNzaC1vdGhlcgAAAAEA"

static void base64_has_two_ways_to_say_a_thing(void)
{
	static const struct {
		const char *text;
		long len;
	} cases[] = {
		{ "", -1 },
		{ "QQ==", 1 },
		{ "QUI=", 2 },
		{ "QUJD", 3 },
		{ "QR==", -1 },
		{ "QUJ=", -1 },
		{ "Q===", -1 },
		{ "====", -1 },
		{ "QUI", -1 },
		{ "QU-D", -1 },
		{ "QUJDQQ", -1 },
		{ "QQ==QUJD", -1 },
		{ "QUJDQUJDQUJD", -1 }, /* more than there is room for */
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t out[8];
		char again[16];
		long len = base64_take(out, sizeof(out), cases[i].text, strlen(cases[i].text));

		if (len != cases[i].len)
			printf("# '%s': %ld\n", cases[i].text, len);
		CHECK(len == cases[i].len);
		if (len < 0)
			continue;
		base64_put(again, out, (size_t)len);
		CHECK(!strcmp(again, cases[i].text));
	}
}

static void a_name_is_matched_wrongly(void)
{
	static const struct {
		const char *hosts, *name;
		int matches;
	} cases[] = {
		{ "web", "web", 1 },
		{ "web", "webs", 0 },
		{ "webs", "web", 0 },
		{ "WEB", "web", 1 },
		{ "a,web,b", "web", 1 },
		{ "*", "web", 1 },
		{ "w?b", "web", 1 },
		{ "w?b", "wb", 0 },
		{ "*.vm", "web.vm", 1 },
		{ "*.vm", "web.vm.example", 0 },
		{ "*a*b*c*", "xaxbxcx", 1 },
		{ "*a*b*c*", "xaxcxbx", 0 },
		{ "*,!web", "web", 0 },
		{ "!web,*", "web", 0 },
		{ "!web", "db", 0 },
		{ "!*b,*", "web", 0 },
		{ "[web]:2222", "[web]:2222", 1 },
		{ "[web]:2222", "web", 0 },
		{ "web", "[web]:2222", 0 },
		{ "[*]:2222", "[web]:2222", 1 },
		{ "", "", 0 },
		{ ",,", "web", 0 },
		{ "!", "", 0 },
		/* of a file of OpenSSH's format */
		{ "|1|pYMOrxcVmAxSDr2oPOFyx0P8F2g=|byO+JQeVuWcoF2wv1dJVHra5f4I=", "10.0.0.5", 1 },
		{ "|1|pYMOrxcVmAxSDr2oPOFyx0P8F2g=|byO+JQeVuWcoF2wv1dJVHra5f4I=", "10.0.0.6", 0 },
		{ "|1|pYMOrxcVmAxSDr2oPOFyx0P8F2g=|", "10.0.0.5", 0 },
		{ "|1|", "web", 0 },
		{ "|2|pYMOrxcVmAxSDr2oPOFyx0P8F2g=|byO+JQeVuWcoF2wv1dJVHra5f4I=", "10.0.0.5", 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct knownline l = { .kind = KNOWNLINE_KEY,
				       .hosts = { cases[i].hosts, strlen(cases[i].hosts) } };

		if (knownline_matches(&l, cases[i].name) != cases[i].matches)
			printf("# '%s' and '%s'\n", cases[i].hosts, cases[i].name);
		CHECK(knownline_matches(&l, cases[i].name) == cases[i].matches);
	}
}

/* One that goes back to every star takes longer than the universe. */
static void a_pattern_takes_for_ever(void)
{
	static const char pattern[] = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab";
	static char name[KNOWNNAME_ROOM];
	struct knownline l = { .hosts = { pattern, sizeof(pattern) - 1 } };

	memset(name, 'a', sizeof(name) - 1);
	CHECK(!knownline_matches(&l, name));
}

static void our_own_hash_is_not_found(void)
{
	char one[KNOWNHASH_ROOM], two[KNOWNHASH_ROOM];
	struct knownline l = { 0 };

	CHECK(knownname_hash(one, "web", 3) == 0 && knownname_hash(two, "web", 3) == 0);
	CHECK(strcmp(one, two) != 0); /* a salt of its own */
	l.hosts = (struct slice){ one, strlen(one) };
	CHECK(knownline_matches(&l, "web"));
	CHECK(!knownline_matches(&l, "web2"));
}

static void a_line_is_of_the_wrong_kind(void)
{
	static const struct {
		const char *text;
		enum knownline_kind kind;
	} cases[] = {
		{ "", KNOWNLINE_NOTE },
		{ " \t\r", KNOWNLINE_NOTE },
		{ "# web " KEY_A, KNOWNLINE_NOTE },
		{ "web " KEY_A, KNOWNLINE_KEY },
		{ "  web\t" KEY_A " a comment\r", KNOWNLINE_KEY },
		{ "@revoked web " KEY_A, KNOWNLINE_REVOKED },
		{ "@cert-authority *.vm " KEY_A, KNOWNLINE_CA },
		{ "@revoke web " KEY_A, KNOWNLINE_BROKEN },
		{ "web", KNOWNLINE_BROKEN },
		{ "web ssh-rsa", KNOWNLINE_BROKEN },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct knownline l;

		knownline_parse(&l, cases[i].text, strlen(cases[i].text));
		if (l.kind != cases[i].kind)
			printf("# '%s': %d\n", cases[i].text, l.kind);
		CHECK(l.kind == cases[i].kind);
	}
}

static enum known_verdict judge(const char *file, const char *key, unsigned *line)
{
	struct knownhosts k = KNOWNHOSTS_NONE;
	struct known_answer a;
	struct hostkey shown;

	k.text = strdup(file);
	k.len = strlen(file);
	CHECK(hostkey_from_text(&shown, key, strlen(key)) == 0);
	knownhosts_judge(&k, "web", &shown, &a);
	*line = a.line;
	knownhosts_close(&k);
	return a.verdict;
}

static void a_key_is_judged_wrongly(void)
{
	static const struct {
		const char *file;
		enum known_verdict verdict;
		unsigned line;
	} cases[] = {
		{ "", KNOWN_NEW, 0 },
		{ "db " KEY_A "\n", KNOWN_NEW, 0 },
		{ "web " KEY_A, KNOWN_MATCH, 1 },
		{ "web " KEY_B "\n", KNOWN_CHANGED, 1 },
		{ "web " KEY_C "\n", KNOWN_OTHER, 1 },
		{ "web " KEY_C "\nweb " KEY_B "\n", KNOWN_CHANGED, 2 },
		{ "web " KEY_B "\nweb " KEY_C "\n", KNOWN_CHANGED, 1 },
		{ "web " KEY_B "\nweb " KEY_A "\n", KNOWN_MATCH, 2 },
		{ "web " KEY_A "\nweb " KEY_B "\n", KNOWN_MATCH, 1 },
		{ "web " KEY_A "\n@revoked * " KEY_A "\n", KNOWN_REVOKED, 2 },
		{ "@revoked * " KEY_A "\nweb " KEY_A "\n", KNOWN_REVOKED, 1 },
		{ "@revoked * " KEY_B "\nweb " KEY_A "\n", KNOWN_MATCH, 2 },
		{ "@revoked db " KEY_A "\nweb " KEY_A "\n", KNOWN_MATCH, 2 },
		{ "@cert-authority * " KEY_A "\n", KNOWN_NEW, 0 },
		{ "web ssh-ed25519 AAAA\nweb " KEY_A "\n", KNOWN_MATCH, 2 },
		{ "*,!web " KEY_B "\n", KNOWN_NEW, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned line;
		enum known_verdict v = judge(cases[i].file, KEY_A, &line);

		if (v != cases[i].verdict || line != cases[i].line)
			printf("# %s# %d, line %u\n", cases[i].file, v, line);
		CHECK(v == cases[i].verdict);
		CHECK(line == cases[i].line);
	}
}

static void a_key_is_not_what_its_line_says(void)
{
	static const char *const bad[] = {
		"",
		"ssh-ed25519",
		"ssh-ed25519 ",
		"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",	/* a type and no key */
		"ssh-ed25519 AAAA/3NzaC1lZDI1NTE5AAAA", /* a length beyond the end */
		"ssh-ed25519 !!!!",
	};
	struct hostkey k;
	char print[HOSTKEY_PRINT_ROOM];

	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK(hostkey_from_text(&k, bad[i], strlen(bad[i])) < 0);
	CHECK(hostkey_from_text(&k, " \t" KEY_A "\tme\n", strlen(KEY_A) + 6) == 0);
	hostkey_print(print, &k);
	CHECK(strlen(print) == 50 && !strncmp(print, "SHA256:", 7));
}

int main(void)
{
	TEST(base64_has_two_ways_to_say_a_thing);
	TEST(a_name_is_matched_wrongly);
	TEST(a_pattern_takes_for_ever);
	TEST(our_own_hash_is_not_found);
	TEST(a_line_is_of_the_wrong_kind);
	TEST(a_key_is_judged_wrongly);
	TEST(a_key_is_not_what_its_line_says);
	return check_done();
}
