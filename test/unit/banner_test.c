/* The identification string of a server, as RFC 4253 has it and as others bend it. */
#include <stdlib.h>

#include "base/util.h"
#include "check.h"
#include "ssh/banner.h"

/* Text with a length of its own: NULs may be in it. */
#define TEXT(literal) (literal), sizeof(literal) - 1

static const struct {
	const char *why;
	const char *text;
	size_t len;
	enum banner_verdict verdict;
	const char *says; /* the identification; or a part of the reason */
} cases[] = {
	{ "CR LF", TEXT("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), BANNER_OK,
	  "SSH-2.0-OpenSSH_9.2p1 Debian-2" },
	{ "a bare LF", TEXT("SSH-2.0-dropbear_2022.83\n"), BANNER_OK, "SSH-2.0-dropbear_2022.83" },
	{ "1.99 is 2.0 with the old one", TEXT("SSH-1.99-Cisco-1.25\n"), BANNER_OK,
	  "SSH-1.99-Cisco-1.25" },
	{ "lines may come before", TEXT("Welcome\r\n\r\nto \xc3\xa4 host\nSSH-2.0-x\r\n"),
	  BANNER_OK, "SSH-2.0-x" },
	{ "SSH without a dash is such a line", TEXT("SSH\nSSHD is here\nSSH-2.0-x\n"), BANNER_OK,
	  "SSH-2.0-x" },
	{ "a tab in one", TEXT("a\tb\nSSH-2.0-x\n"), BANNER_OK, "SSH-2.0-x" },
	{ "not yet whole", TEXT("SSH-2.0-Open"), BANNER_MORE, "" },
	{ "nothing", TEXT(""), BANNER_MORE, "" },
	{ "2.1", TEXT("SSH-2.1-next\r\n"), BANNER_UNSUPPORTED, "version 2.1 of SSH" },
	{ "3.0", TEXT("SSH-3.0-next\r\n"), BANNER_UNSUPPORTED, "version 3.0 of SSH" },
	{ "1.5", TEXT("SSH-1.5-old\n"), BANNER_UNSUPPORTED, "version 1.5 of SSH" },
	{ "1.990 is not 1.99", TEXT("SSH-1.990-x\n"), BANNER_UNSUPPORTED, "version 1.990 " },
	{ "20.0 is not 2.0", TEXT("SSH-20.0-x\n"), BANNER_UNSUPPORTED, "version 20.0 " },
	{ "no version", TEXT("SSH-two-x\n"), BANNER_NOT_SSH, "'SSH-two-x'" },
	{ "no software", TEXT("SSH-2.0-\r\n"), BANNER_NOT_SSH, "'SSH-2.0-'" },
	{ "no second dash", TEXT("SSH-2.0\r\n"), BANNER_NOT_SSH, "'SSH-2.0'" },
	{ "a NUL", TEXT("SSH-2.0-a\0b\r\n"), BANNER_NOT_SSH, "a NUL byte: 'SSH-2.0-a\\x00'" },
	{ "a NUL first", TEXT("\0"), BANNER_NOT_SSH, "a NUL byte: '\\x00'" },
	{ "an escape sequence before", TEXT("\033[2Jhello\n"), BANNER_NOT_SSH, "'\\x1b'" },
	{ "a CR inside a line", TEXT("SSH-2.0-a\rb\n"), BANNER_NOT_SSH, "control bytes" },
	{ "bytes above ASCII in it", TEXT("SSH-2.0-\xc3\xa4\n"), BANNER_NOT_SSH, "\\xc3\\xa4" },
	{ "TLS: an alert", TEXT("\x15\x03\x01\x00\x02\x02\x46"), BANNER_NOT_SSH, "a TLS record" },
	{ "TLS: a handshake", TEXT("\x16\x03\x03"), BANNER_NOT_SSH, "a TLS record" },
	{ "TLS or not: one byte more", TEXT("\x16"), BANNER_MORE, "" },
	{ "not TLS after all", TEXT("\x16S"), BANNER_NOT_SSH, "control bytes: '\\x16S'" },
	{ "HTTP", TEXT("HTTP/1.1 400 Bad Request\r\nServer: x\r\n"), BANNER_NOT_SSH,
	  "an HTTP answer: 'HTTP/1.1 400 Bad Request'" },
};

static void an_answer_is_judged_wrongly(void)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct banner b = BANNER_INIT;
		const char *text;

		banner_take(&b, cases[i].text, cases[i].len);
		text = b.verdict == BANNER_OK ? b.line : b.why;
		if (b.verdict != cases[i].verdict || !strstr(text, cases[i].says))
			printf("# %s: %d '%s'\n", cases[i].why, b.verdict, text);
		CHECK(b.verdict == cases[i].verdict);
		CHECK(strstr(text, cases[i].says));
	}
}

static void single_bytes_are_judged_otherwise(void)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct banner b = BANNER_INIT;

		for (size_t at = 0; at < cases[i].len; at++)
			banner_take(&b, cases[i].text + at, 1);
		CHECK(b.verdict == cases[i].verdict);
	}
}

/* An identification of `len` characters, its end not counted. */
static enum banner_verdict of_length(size_t len, const char *end)
{
	struct banner b = BANNER_INIT;
	char text[400];

	memset(text, 'x', sizeof(text));
	memcpy(text, "SSH-2.0-", 8);
	banner_take(&b, text, len);
	banner_take(&b, end, strlen(end));
	return b.verdict;
}

static void the_256th_character_is_taken(void)
{
	CHECK(of_length(253, "\r\n") == BANNER_OK);
	CHECK(of_length(254, "\n") == BANNER_OK);
	CHECK(of_length(254, "\r\n") == BANNER_NOT_SSH);
	CHECK(of_length(255, "\n") == BANNER_NOT_SSH);
	CHECK(of_length(254, "") == BANNER_MORE);
	CHECK(of_length(255, "") == BANNER_NOT_SSH); /* not read on for a newline */
}

/* `count` lines of `len` bytes each, newline included, and then the identification. */
static enum banner_verdict behind(unsigned count, size_t len)
{
	struct banner b = BANNER_INIT;
	char *line = malloc(len);

	memset(line, 'x', len);
	line[len - 1] = '\n';
	for (unsigned i = 0; i < count; i++)
		banner_take(&b, line, len);
	banner_take(&b, "SSH-2.0-x\r\n", 11);
	free(line);
	return b.verdict;
}

static void a_talkative_server_is_heard_for_ever(void)
{
	CHECK(behind(50, 2) == BANNER_OK);
	CHECK(behind(51, 2) == BANNER_NOT_SSH);
	CHECK(behind(1, 8192) == BANNER_OK);
	CHECK(behind(1, 8193) == BANNER_NOT_SSH);
	CHECK(behind(8, 1024) == BANNER_OK);
	CHECK(behind(9, 1024) == BANNER_NOT_SSH);
}

static void what_follows_is_taken_with_it(void)
{
	static const char text[] = "SSH-2.0-x\r\n\0\0\1\4KEXINIT";
	struct banner b = BANNER_INIT;

	CHECK(banner_take(&b, text, sizeof(text) - 1) == 11);
	CHECK(banner_take(&b, text + 11, 4) == 0);
	CHECK(b.verdict == BANNER_OK && b.len == 9);
}

static void a_sample_drives_the_terminal(void)
{
	struct banner b = BANNER_INIT;
	char sample[64];

	banner_sample(&b, sample, sizeof(sample));
	CHECK(!strcmp(sample, ""));
	banner_take(&b, "\xffhello", 6);
	banner_sample(&b, sample, sizeof(sample));
	CHECK(!strcmp(sample, "'\\xffhello'"));
}

int main(void)
{
	TEST(an_answer_is_judged_wrongly);
	TEST(single_bytes_are_judged_otherwise);
	TEST(the_256th_character_is_taken);
	TEST(a_talkative_server_is_heard_for_ever);
	TEST(what_follows_is_taken_with_it);
	TEST(a_sample_drives_the_terminal);
	return check_done();
}
