/*
 * freezer - boots an emulated KVM host and leaves it frozen, for runners to go on from.
 *
 *	freezer QEMU KERNEL FOLDER CLOCK
 *
 * FOLDER has its initrd, and gets ram, state and console.log. test/lab/image.sh calls it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "machine.h"
#include "wire.h"

enum {
	STATUS_LAB_FAILED = 125,
	BOOT_MS = 300000, /* two busy cores need ten seconds, or forty */
};

/* It is up, or says why not. 0, or negative with *e filled. */
static int heard(const struct frame *f, struct err *e)
{
	return f->type == WIRE_HELLO
		       ? 0
		       : err_set(e, -EPROTO, "the emulated host gave up: %.*s",
				 f->type == WIRE_FAILED ? (int)f->len : 0, (const char *)f->data);
}

static int await_hello(struct machine *m, struct err *e)
{
	static uint8_t room[1 << 16];
	struct inbox in;
	struct frame f;
	ssize_t n = 1;
	int rc;

	inbox_init(&in, room, sizeof(room));
	while (n > 0 && (rc = frame_next(&in, &f)) == 0) {
		struct pollfd port = { .fd = m->port[PORT_CONTROL], .events = POLLIN };

		if (poll(&port, 1, BOOT_MS) == 0)
			return err_set(e, -ETIMEDOUT, "the emulated host does not come up (%d s)",
				       BOOT_MS / 1000);
		n = inbox_fill(&in, m->port[PORT_CONTROL]);
	}
	return n > 0 && rc > 0 ? heard(&f, e) : err_set(e, -EPIPE, "the emulated host died");
}

int main(int argc, char **argv)
{
	struct machine m = MACHINE_INIT;
	struct machine_parts parts = { 0 };
	struct err e = ERR_NONE;
	char console[4096];
	int rc;

	if (argc != 5) {
		fprintf(stderr, "usage: freezer QEMU KERNEL FOLDER CLOCK\n");
		return 2;
	}
	snprintf(console, sizeof(console), "%s/console.log", argv[3]);
	parts.emulator = argv[1];
	parts.kernel = argv[2];
	parts.folder = argv[3];
	parts.console = console;
	rc = machine_clock_parse(&parts.clock, argv[4], &e);
	if (rc == 0)
		rc = machine_boot(&m, &parts, &e);
	if (rc == 0)
		rc = await_hello(&m, &e);
	if (rc == 0)
		rc = machine_freeze(&m, &parts, &e);
	if (rc == 0)
		return 0;
	machine_kill(&m);
	fprintf(stderr, "lab: %s\n", e.text);
	if (m.console >= 0)
		machine_print_console(&m);
	return m.console < 0 ? e.exit : STATUS_LAB_FAILED;
}
