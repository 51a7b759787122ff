/*
 * procnet - which sockets listen, from /proc/net/{tcp,tcp6,udp,udp6}.
 */
#include "guest/procnet.h"

#include <errno.h>
#include <string.h>

#include "base/lines.h"
#include "base/log.h"
#include "base/util.h"

enum {
	/* Of include/net/tcp_states.h. A socket of udp that is bound but not connected "is closed". */
	STATE_LISTEN = 0x0a,
	STATE_CLOSE = 0x07,
	/* Rows of one file that are looked at: nobody in this loop waits for a million of them. */
	ROWS_MAX = 16384,
};

/* Where the text goes on; NULL once something was wrong, and it stays that. */
struct text {
	const char *at;
};

static void skip_blanks(struct text *t)
{
	if (t->at)
		t->at += strspn(t->at, " ");
}

static void expect(struct text *t, char c)
{
	if (t->at)
		t->at = *t->at == c ? t->at + 1 : NULL;
}

/* A word of any characters but blanks, at least one. */
static void skip_word(struct text *t)
{
	size_t len;

	skip_blanks(t);
	len = t->at ? strcspn(t->at, " ") : 0;
	t->at = len ? t->at + len : NULL;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Exactly so many digits. */
static uint32_t hex(struct text *t, unsigned digits)
{
	uint32_t v = 0;

	for (unsigned i = 0; t->at && i < digits; i++) {
		int d = digit(*t->at);

		t->at = d < 0 ? NULL : t->at + 1;
		v = v << 4 | (uint32_t)(d & 15);
	}
	return v;
}

static uint32_t decimal(struct text *t)
{
	uint64_t v = 0;

	skip_blanks(t);
	if (t->at && (*t->at < '0' || *t->at > '9'))
		t->at = NULL;
	while (t->at && *t->at >= '0' && *t->at <= '9') {
		v = v * 10 + (uint64_t)(*t->at++ - '0');
		if (v > UINT32_MAX)
			t->at = NULL;
	}
	return (uint32_t)v;
}

/* Each 32-bit word of the address is printed as a number of this machine's order. */
static void address(struct text *t, uint8_t addr[16], uint8_t family)
{
	memset(addr, 0, 16);
	for (unsigned i = 0; i < (family == 4 ? 1u : 4u); i++) {
		uint32_t word = hex(t, 8);

		memcpy(addr + sizeof(word) * i, &word, sizeof(word));
	}
}

int procnet_row(struct port *p, const char *line, uint8_t proto, uint8_t family)
{
	struct text t = { line };
	uint8_t remote[16];
	uint32_t state;

	skip_blanks(&t);
	if (!strncmp(t.at, "sl ", 3))
		return 0;
	decimal(&t); /* "  12: 0100007F:1F90 00000000:0000 0A tx:rx tr:when retrnsmt uid ..." */
	expect(&t, ':');
	skip_blanks(&t);
	address(&t, p->addr, family);
	expect(&t, ':');
	p->port = (uint16_t)hex(&t, 4);
	expect(&t, ' ');
	address(&t, remote, family);
	expect(&t, ':');
	hex(&t, 4);
	expect(&t, ' ');
	state = hex(&t, 2);
	expect(&t, ' ');
	skip_word(&t);
	skip_word(&t);
	skip_word(&t);
	p->uid = decimal(&t);
	p->proto = proto;
	p->family = family;
	if (!t.at)
		return -EPROTO;
	return state == (proto == PORT_TCP ? STATE_LISTEN : STATE_CLOSE) && p->port != 0;
}

static void scan_file(struct agent_ports *out, const char *path, uint8_t proto, uint8_t family)
{
	struct lines l = LINES_INIT;
	unsigned rows = 0;
	struct port p;
	char *line;

	if (lines_open(&l, path) < 0)
		return;
	while ((line = lines_next(&l))) {
		int rc = procnet_row(&p, line, proto, family);

		if (rc < 0)
			log_debug("procnet: a line that cannot be file=%s", path);
		/* The kernel lists who listens on tcp before all connections, which may be many. */
		if (rc == 0 && proto == PORT_TCP && rows > 0)
			break;
		if (rows++ == ROWS_MAX || (rc > 0 && out->count == PORTS_MAX)) {
			out->truncated = 1;
			break;
		}
		if (rc > 0)
			out->port[out->count++] = p;
	}
	lines_close(&l);
}

void procnet_scan(struct agent_ports *out)
{
	static const struct {
		const char *path;
		uint8_t proto, family;
	} files[] = {
		{ "/proc/net/tcp", PORT_TCP, 4 },
		{ "/proc/net/tcp6", PORT_TCP, 6 },
		{ "/proc/net/udp", PORT_UDP, 4 },
		{ "/proc/net/udp6", PORT_UDP, 6 },
	};

	out->count = 0;
	out->truncated = 0;
	for (size_t i = 0; i < COUNT(files); i++)
		scan_file(out, files[i].path, files[i].proto, files[i].family);
	agent_ports_sort(out);
}
