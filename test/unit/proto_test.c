/*
 * What the roles say to each other: each message comes back as it was, and every truncation of
 * it, and it with one byte more, is refused.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/util.h"
#include "check.h"
#include "proto/exec.h"
#include "proto/ready.h"
#include "proto/refusal.h"
#include "proto/spec.h"
#include "proto/stream.h"

#define BOOT "01234567-89ab-cdef-0123-456789abcdef"

enum { ROOM = 4096 };

/* Refuses all but the whole of mem[0..len). The copies are exact, so a sanitizer sees a read
 * beyond them. */
static void refuses_pieces(const uint8_t *mem, long len, int (*decode)(const void *, size_t))
{
	CHECK(len > 0 && decode(mem, (size_t)len) == 0);
	for (long cut = 0; cut <= len + 1; cut++) {
		uint8_t *piece = calloc(1, (size_t)cut + (cut == 0));

		memcpy(piece, mem, (size_t)MIN(cut, len));
		if ((decode(piece, (size_t)cut) == 0) != (cut == len))
			printf("# cut at %ld of %ld\n", cut, len);
		CHECK((decode(piece, (size_t)cut) == 0) == (cut == len));
		free(piece);
	}
}

static int decode_request(const void *data, size_t len)
{
	static struct exec_req q;

	return exec_req_decode(&q, data, len);
}

static int decode_status(const void *data, size_t len)
{
	struct exec_status s;

	return exec_status_decode(&s, data, len);
}

static int decode_refusal(const void *data, size_t len)
{
	struct refusal f;

	return refusal_decode(&f, data, len);
}

static int decode_stream(const void *data, size_t len)
{
	struct stream_req q;

	return stream_req_decode(&q, data, len);
}

static int decode_opened(const void *data, size_t len)
{
	struct stream_opened o;

	return stream_opened_decode(&o, data, len);
}

static int decode_hello(const void *data, size_t len)
{
	struct beacon_hello h;

	return beacon_hello_decode(&h, data, len);
}

static int decode_stage(const void *data, size_t len)
{
	struct beacon_stage s;

	return beacon_stage_decode(&s, data, len);
}

static int decode_spec(const void *data, size_t len)
{
	struct spec s;

	return spec_decode(&s, data, len);
}

static int decode_vmm_exit(const void *data, size_t len)
{
	struct vmm_exit x;

	return vmm_exit_decode(&x, data, len);
}

static void a_request_changes(void)
{
	static struct exec_req q, back;
	uint8_t mem[ROOM];
	long len;

	q = (struct exec_req){
		.flags = EXEC_STDIN | EXEC_MAIN | EXEC_TTY,
		.policy = EXEC_HOLD,
		.hold_ms = 5000,
		.id = "build-7.a",
		.rows = 24,
		.cols = 80,
		.drop_caps = 1ull << 40 | 1,
		.nrlimits = 2,
		.rlimits = { { 7, 1024, 4096 }, { 4, 0, EXEC_RLIM_INFINITY } },
		.ngroups = 2,
		.groups = { "wheel", "1000" },
		.npaths = 2,
		.paths = { { EXEC_READ_ONLY, "/" }, { EXEC_MASKED, "/proc/kcore" } },
		.user = "guest",
		.cwd = "/tmp",
		.argc = 4,
		.argv = { "sh", "", "two words", "new\nline \xff" },
		.envc = 2,
		.env = { "A=", "B=c=d" },
	};
	len = exec_req_encode(&q, mem, sizeof(mem));
	refuses_pieces(mem, len, decode_request);
	CHECK(exec_req_decode(&back, mem, (size_t)len) == 0);
	CHECK(back.flags == q.flags && !strcmp(back.user, "guest") && !strcmp(back.cwd, "/tmp"));
	CHECK(back.policy == EXEC_HOLD && back.hold_ms == 5000 && !strcmp(back.id, "build-7.a"));
	CHECK(back.rows == 24 && back.cols == 80 && back.drop_caps == q.drop_caps);
	CHECK(back.nrlimits == 2 && back.rlimits[0].resource == 7 && back.rlimits[1].soft == 0 &&
	      back.rlimits[1].hard == EXEC_RLIM_INFINITY);
	CHECK(back.ngroups == 2 && !strcmp(back.groups[1], "1000"));
	CHECK(back.npaths == 2 && back.paths[0].how == EXEC_READ_ONLY &&
	      !strcmp(back.paths[1].path, "/proc/kcore"));
	CHECK(back.argc == 4 && !back.argv[4] && back.envc == 2 && !back.env[2]);
	for (uint32_t i = 0; i < q.argc; i++)
		CHECK(!strcmp(back.argv[i], q.argv[i]));
	CHECK(!strcmp(back.env[1], "B=c=d"));
	CHECK(exec_req_encode(&q, mem, (size_t)len - 1) == -EMSGSIZE);
}

static void an_absurd_request_is_taken(void)
{
	static struct exec_req q;
	static uint8_t mem[64 * 1024];
	long len;

	q = (struct exec_req){ .id = "", .user = "", .cwd = "", .argc = 0 };
	len = exec_req_encode(&q, mem, sizeof(mem));
	CHECK(decode_request(mem, (size_t)len) == -EPROTO); /* no command */
	q.argc = 1;
	q.argv[0] = "";
	len = exec_req_encode(&q, mem, sizeof(mem));
	CHECK(decode_request(mem, (size_t)len) == -EPROTO); /* an empty name */
	q.argv[0] = "true";
	q.envc = 1;
	q.env[0] = "NOEQUALS";
	len = exec_req_encode(&q, mem, sizeof(mem));
	CHECK(decode_request(mem, (size_t)len) == -EPROTO);
	q.envc = 0;
	for (q.argc = 0; q.argc < EXEC_ARGS_MAX; q.argc++)
		q.argv[q.argc] = "a";
	len = exec_req_encode(&q, mem, sizeof(mem));
	CHECK(decode_request(mem, (size_t)len) == 0); /* as many as may be */
	/* The count of arguments, in its third byte: 256 more. Flags, policy, hold, id, size,
	 * capabilities, limits, groups, paths, user and folder lie before it. */
	mem[2 + 1 + 4 + 5 + 4 + 8 + 4 + 4 + 4 + 5 + 5 + 2] += 1;
	CHECK(decode_request(mem, (size_t)len) == -EPROTO);
}

static void a_request_at_odds_with_itself_is_refused(void)
{
	static const struct {
		const char *why;
		struct exec_req q;
		int rc;
	} cases[] = {
		{ "the least there is", { .id = "" }, 0 },
		{ "a terminal", { .id = "", .flags = EXEC_TTY, .rows = 1, .cols = 65535 }, 0 },
		{ "a terminal without a size", { .id = "", .flags = EXEC_TTY }, -EPROTO },
		{ "without its width", { .id = "", .flags = EXEC_TTY, .rows = 1 }, -EPROTO },
		{ "a size without a terminal", { .id = "", .rows = 24, .cols = 80 }, -EPROTO },
		{ "an unknown flag", { .id = "", .flags = EXEC_FLAGS + 1 }, -EPROTO },
		{ "an unknown policy", { .id = "", .policy = EXEC_DETACH + 1 }, -EPROTO },
		{ "a blank in the id", { .id = "a b" }, -EPROTO },
		{ "a slash in the id", { .id = "../a" }, -EPROTO },
		{ "soft above hard",
		  { .id = "", .nrlimits = 1, .rlimits = { { 7, 2, 1 } } },
		  -EPROTO },
		{ "no such limit",
		  { .id = "", .nrlimits = 1, .rlimits = { { 16, 1, 1 } } },
		  -EPROTO },
		{ "a path to be masked",
		  { .id = "", .npaths = 1, .paths = { { EXEC_MASKED, "/proc/kcore" } } },
		  0 },
		{ "a path that is not absolute",
		  { .id = "", .npaths = 1, .paths = { { EXEC_MASKED, "proc" } } },
		  -EPROTO },
		{ "a path for nothing", { .id = "", .npaths = 1, .paths = { { 0, "/" } } }, -EPROTO },
		{ "a path for something else",
		  { .id = "", .npaths = 1, .paths = { { EXEC_MASKED + 1, "/" } } },
		  -EPROTO },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		static struct exec_req q;
		uint8_t mem[256];
		long len;

		q = cases[i].q;
		q.user = q.cwd = "";
		q.argc = 1;
		q.argv[0] = "true";
		len = exec_req_encode(&q, mem, sizeof(mem));
		CHECK(decode_request(mem, (size_t)len) == cases[i].rc);
	}
}

static int decode_started(const void *data, size_t len)
{
	struct exec_started s;

	return exec_started_decode(&s, data, len);
}

static int decode_attach(const void *data, size_t len)
{
	struct exec_attach a;

	return exec_attach_decode(&a, data, len);
}

static void a_session_is_come_back_to(void)
{
	const struct exec_started started = { 42, "s1", 1, 1, 7, 1ull << 40, 5, EXEC_WINDOW };
	const struct exec_attach attach = { "s1", 7, EXEC_SEEN_ALL, 24, 80 };
	struct exec_started s;
	struct exec_attach a;
	uint16_t rows, cols;
	uint8_t mem[128], size[EXEC_SIZE_BYTES];
	long len;

	len = exec_started_encode(&started, mem, sizeof(mem));
	refuses_pieces(mem, len, decode_started);
	CHECK(exec_started_decode(&s, mem, (size_t)len) == 0);
	CHECK(s.pid == 42 && !strcmp(s.id, "s1") && s.attached && s.tty && s.out_at == 7 &&
	      s.err_at == 1ull << 40 && s.in_at == 5 && s.window == EXEC_WINDOW);
	len = exec_attach_encode(&attach, mem, sizeof(mem));
	refuses_pieces(mem, len, decode_attach);
	CHECK(exec_attach_decode(&a, mem, (size_t)len) == 0);
	CHECK(!strcmp(a.id, "s1") && a.out_seen == 7 && a.err_seen == EXEC_SEEN_ALL &&
	      a.rows == 24 && a.cols == 80);
	exec_size_encode(1, 65535, size);
	CHECK(exec_size_decode(&rows, &cols, size, sizeof(size)) == 0 && rows == 1 &&
	      cols == 65535);
	exec_size_encode(0, 80, size);
	CHECK(exec_size_decode(&rows, &cols, size, sizeof(size)) == -EPROTO);
	CHECK(!exec_id_is_valid("") && !exec_id_is_valid("a/b") && exec_id_is_valid("a"));
}

static void what_was_seen_changes(void)
{
	const struct exec_seen seen = { 1ull << 40, 7 };
	uint8_t mem[EXEC_SEEN_BYTES + 1] = { 0 };
	struct exec_seen s;

	exec_seen_encode(&seen, mem);
	CHECK(exec_seen_decode(&s, mem, EXEC_SEEN_BYTES) == 0 && s.out == seen.out && s.err == 7);
	CHECK(exec_seen_decode(&s, mem, EXEC_SEEN_BYTES - 1) == -EPROTO);
	CHECK(exec_seen_decode(&s, mem, EXEC_SEEN_BYTES + 1) == -EPROTO);
}

static void a_status_changes(void)
{
	static const struct {
		const char *why;
		struct exec_status s;
		int code; /* -1: refused */
	} cases[] = {
		{ "success", { EXEC_EXITED, 0, 0 }, 0 },
		{ "the largest code", { EXEC_EXITED, 255, 0 }, 255 },
		{ "a signal", { EXEC_SIGNALED, 9, 0 }, 137 },
		{ "lost is no success", { EXEC_LOST, 0, 0 }, 125 },
		{ "code beyond a byte", { EXEC_EXITED, 256, 0 }, -1 },
		{ "signal beyond all", { EXEC_SIGNALED, 128, 0 }, -1 },
		{ "lost with a code", { EXEC_LOST, 1, 0 }, -1 },
		{ "no such end", { 0, 0, 0 }, -1 },
		{ "no such end", { 4, 0, 0 }, -1 },
		{ "no such end", { 255, 0, 0 }, -1 },
		{ "a note nobody knows", { EXEC_EXITED, 0, EXEC_NOTES + 1 }, -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t mem[EXEC_STATUS_BYTES];
		struct exec_status back = { 0 };
		int rc;

		exec_status_encode(&cases[i].s, mem);
		rc = exec_status_decode(&back, mem, sizeof(mem));
		if (rc == 0)
			rc = exec_status_code(&back);
		else
			rc = -1;
		if (rc != cases[i].code)
			printf("# %s: %d\n", cases[i].why, rc);
		CHECK(rc == cases[i].code);
		if (rc >= 0)
			refuses_pieces(mem, sizeof(mem), decode_status);
	}
	CHECK(exec_status_from_wait(CLD_EXITED, 3).end == EXEC_EXITED);
	CHECK(exec_status_from_wait(CLD_DUMPED, SIGSEGV).end == EXEC_SIGNALED);
	CHECK(exec_status_from_wait(CLD_STOPPED, 0).end == EXEC_LOST);
}

static void a_refusal_changes(void)
{
	static const struct {
		uint16_t why;
		int code; /* -1: refused */
	} cases[] = {
		{ 0, -1 },
		{ REFUSED_NOT_FOUND, 127 },
		{ REFUSED_NOT_EXECUTABLE, 126 },
		{ REFUSED_BAD_USER, 125 },
		{ REFUSED_BAD_CWD, 125 },
		{ REFUSED_LIMIT, 125 },
		{ REFUSED_PROTOCOL, 125 },
		{ REFUSED_SHUTDOWN, 125 },
		{ REFUSED_FAILED, 125 },
		{ REFUSED_FAILED + 1, -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct refusal f = { cases[i].why, ENOENT, "a sentence" }, back;
		uint8_t mem[64];
		long len = refusal_encode(&f, mem, sizeof(mem));

		if (cases[i].code < 0) {
			CHECK(refusal_decode(&back, mem, (size_t)len) == -EPROTO);
			continue;
		}
		refuses_pieces(mem, len, decode_refusal);
		CHECK(refusal_decode(&back, mem, (size_t)len) == 0 && back.sys == ENOENT);
		CHECK(refusal_code(&back) == cases[i].code && !strcmp(back.text, f.text));
	}
}

static void the_beacon_changes(void)
{
	const struct beacon_hello h = { PROTOCOL_VERSION, BOOT, "1.0" };
	const struct beacon_hello short_boot = { PROTOCOL_VERSION, "0123", "1.0" };
	const struct beacon_stage s = { "mounts", STAGE_FAILED, 1ull << 40, "no proc" };
	static const struct {
		const char *why;
		struct beacon_stage s;
	} bad[] = {
		{ "no name", { "", STAGE_DONE, 0, "" } },
		{ "a long name", { "01234567890123456789012345678901", STAGE_DONE, 0, "" } },
		{ "no such state", { "a", 4, 0, "" } },
		{ "no state", { "a", 0, 0, "" } },
	};
	struct beacon_stage back;
	uint8_t mem[BEACON_FRAME_MAX];
	long len;

	refuses_pieces(mem, beacon_hello_encode(&h, mem, sizeof(mem)), decode_hello);
	len = beacon_hello_encode(&short_boot, mem, sizeof(mem));
	CHECK(decode_hello(mem, (size_t)len) == -EPROTO);
	len = beacon_stage_encode(&s, mem, sizeof(mem));
	refuses_pieces(mem, len, decode_stage);
	CHECK(beacon_stage_decode(&back, mem, (size_t)len) == 0 && back.guest_ms == s.guest_ms);
	for (size_t i = 0; i < COUNT(bad); i++) {
		len = beacon_stage_encode(&bad[i].s, mem, sizeof(mem));
		if (decode_stage(mem, (size_t)len) == 0)
			printf("# %s\n", bad[i].why);
		CHECK(decode_stage(mem, (size_t)len) == -EPROTO);
	}
}

/* What a search for trouble begins with must get past the first lines of the decoder. */
static void the_seeds_are_of_another_version(void)
{
	static const char *const seeds[] = { "test/fuzz/corpus/spec/bare", "test/fuzz/corpus/spec/whole" };
	uint8_t mem[ROOM];

	for (size_t i = 0; i < COUNT(seeds); i++) {
		FILE *f = fopen(seeds[i], "r");
		size_t len = f ? fread(mem, 1, sizeof(mem), f) : 0;

		CHECK(f && decode_spec(mem, len) == 0);
		if (f)
			fclose(f);
	}
}

static const struct spec good = {
	.cpus = 2,
	.memory_bytes = 512 << 20,
	.balloon_bytes = 64 << 20,
	.any_kvm = 1,
	.has_hvc = 1,
	.memory = SPEC_MEMORY_SMALL | SPEC_MEMORY_PREFAULT,
	.guest_cid = 3,
	.kvm_fd = 5,
	.kernel_fd = 6,
	.console_fd = 7,
	.line_fd = 15,
	.vsock_fd = 8,
	.vsock_messages_fd = 18,
	.vsock_path = "/run/v",
	.cmdline = "quiet",
	.ninitrds = 2,
	.initrd_fd = { 9, 10 },
	.nheld = 1,
	.held_fd = { 15 },
	.ndisks = 3,
	.disk = { { 11, -1, 0, 0, "", 0, 0 }, { 12, -1, 1, SPEC_AIO_THREADS, "12345678901234567890", 0, 0 },
		  { 13, 14, 1, SPEC_AIO_IO_URING, "", 1ull << 40, 500 } },
	.nnics = 2,
	.nic = { { 17, SPEC_NIC_TAP, { 2, 1, 2, 3, 4, 5 }, 1500, 0, 0, 18 },
		 { 16, SPEC_NIC_STREAM, { 2, 1, 2, 3, 4, 6 }, 65520, 1ull << 33, 1000, -1 } },
};

static void a_machines_description_changes(void)
{
	struct spec s = good, back;
	uint8_t mem[ROOM];
	long len = spec_encode(&s, mem, sizeof(mem));

	refuses_pieces(mem, len, decode_spec);
	CHECK(spec_decode(&back, mem, (size_t)len) == 0);
	CHECK(back.balloon_bytes == good.balloon_bytes && back.memory == good.memory);
	CHECK(back.has_hvc == good.has_hvc && back.any_kvm == good.any_kvm);
	CHECK(back.memory_bytes == good.memory_bytes && back.initrd_fd[1] == 10);
	CHECK(back.ndisks == 3 && back.disk[1].fd == 12 && back.disk[1].readonly == 1);
	CHECK(back.nheld == 1 && back.held_fd[0] == 15);
	CHECK(back.disk[1].overlay_fd == -1 && back.disk[2].overlay_fd == 14);
	CHECK(back.disk[1].aio == SPEC_AIO_THREADS && back.disk[2].aio == SPEC_AIO_IO_URING);
	CHECK(back.disk[2].rate == 1ull << 40 && back.disk[2].ops == 500);
	CHECK(back.nnics == 2 && back.nic[0].fd == 17 && back.nic[1].kind == SPEC_NIC_STREAM);
	CHECK(back.nic[1].mac[5] == 6 && back.nic[1].mtu == 65520 && back.nic[0].rate == 0);
	CHECK(back.nic[0].kind == SPEC_NIC_TAP && back.nic[0].vhost_fd == 18 && back.nic[1].vhost_fd == -1);
	CHECK(back.nic[1].rate == 1ull << 33 && back.nic[1].ops == 1000);
	CHECK(back.line_fd == 15 && back.vsock_fd == 8 && back.vsock_messages_fd == 18);
	s.line_fd = s.vsock_fd = s.vsock_messages_fd = -1;
	len = spec_encode(&s, mem, sizeof(mem));
	CHECK(spec_decode(&back, mem, (size_t)len) == 0 && back.line_fd == -1 && back.vsock_fd == -1 &&
	      back.vsock_messages_fd == -1);
}

static void a_machine_that_cannot_be_is_described(void)
{
	static char longest[SPEC_CMDLINE_MAX + 2];
	struct spec s;
	uint8_t mem[ROOM];
	long len;

#define REFUSES(change) \
	do { \
		s = good; \
		change; \
		len = spec_encode(&s, mem, sizeof(mem)); \
		CHECK(len > 0 && decode_spec(mem, (size_t)len) == -EPROTO); \
	} while (0)
	REFUSES(s.cpus = 0);
	REFUSES(s.cpus = SPEC_CPUS_MAX + 1);
	REFUSES(s.balloon_bytes = s.memory_bytes + 1);
	REFUSES(s.any_kvm = 2);
	REFUSES(s.has_hvc = 2);
	REFUSES(s.memory = SPEC_MEMORY_ALL + 1);
	REFUSES(s.memory = SPEC_MEMORY_RESERVED | SPEC_MEMORY_SMALL);
	REFUSES(s.guest_cid = 2);
	REFUSES(s.guest_cid = 1ull << 32);
	REFUSES(s.kvm_fd = -1);
	REFUSES(s.kernel_fd = 2);
	REFUSES(s.line_fd = 2);
	REFUSES(s.vsock_fd = -2);
	REFUSES(s.vsock_messages_fd = 4);
	REFUSES(s.initrd_fd[0] = VMM_FD_STATUS);
	REFUSES(s.ninitrds = SPEC_INITRDS_MAX + 1);
	REFUSES(s.held_fd[0] = VMM_FD_SPEC);
	REFUSES(s.nheld = SPEC_HELD_MAX + 1);
	REFUSES(for (s.ndisks = 0; s.ndisks <= SPEC_DISKS_MAX; s.ndisks++)
			s.disk[s.ndisks % SPEC_DISKS_MAX] = good.disk[0]);
	REFUSES(s.disk[0].fd = VMM_FD_SPEC);
	REFUSES(s.disk[0].readonly = 3);
	REFUSES(s.disk[0].aio = SPEC_AIO_KINDS);
	REFUSES(s.disk[0].overlay_fd = VMM_FD_STATUS);
	REFUSES(s.disk[0].serial = "123456789012345678901");
	REFUSES(s.disk[0].serial = "a\nb");
	REFUSES(s.nic[1].fd = VMM_FD_SPEC);
	REFUSES(s.nic[0].vhost_fd = VMM_FD_STATUS);
	REFUSES(s.nic[1].kind = SPEC_NIC_KINDS);
	REFUSES(s.nic[0].mac[0] = 3);
	REFUSES(for (s.nnics = 0; s.nnics <= SPEC_NICS_MAX; s.nnics++)
			s.nic[s.nnics % SPEC_NICS_MAX] = good.nic[0]);
	memset(longest, 'x', SPEC_CMDLINE_MAX + 1);
	REFUSES(s.cmdline = longest);
}

static void a_descriptor_of_the_machines_is_closed(void)
{
	const struct spec s = {
		.kvm_fd = 5,
		.kernel_fd = 6,
		.console_fd = 7,
		.line_fd = 8,
		.vsock_fd = 9,
		.vsock_messages_fd = 10,
		.ninitrds = 1,
		.initrd_fd = { 11 },
		.nheld = 1,
		.held_fd = { 12 },
		.ndisks = 2,
		.disk = { { 13, -1, 0, SPEC_AIO_THREADS, "" }, { 14, 15, 1, SPEC_AIO_IO_URING, "" } },
	};
	int fds[SPEC_FDS_MAX];
	size_t n = spec_fds(&s, fds);

	CHECK(n == 11);
	for (size_t i = 0; i < n; i++)
		CHECK(fds[i] == 5 + (int)i);
}

static void the_vmms_last_word_changes(void)
{
	struct vmm_exit x = { VMM_ERROR, 1, ENOMEM, "no memory" };
	uint8_t mem[128];
	long len = vmm_exit_encode(&x, mem, sizeof(mem));

	refuses_pieces(mem, len, decode_vmm_exit);
	x.reason = 0;
	len = vmm_exit_encode(&x, mem, sizeof(mem));
	CHECK(decode_vmm_exit(mem, (size_t)len) == -EPROTO);
	x.reason = VMM_ERROR + 1;
	len = vmm_exit_encode(&x, mem, sizeof(mem));
	CHECK(decode_vmm_exit(mem, (size_t)len) == -EPROTO);
}

static void a_stream_goes_somewhere_else(void)
{
	static char name[STREAM_ADDRESS_MAX + 1];
	static const char path[] =
		"/0123456789012345678901234567890123456789012345678901234567890123"
		"456789012345678901234567890123456789012345";
	const struct {
		const char *why;
		struct stream_req q;
		int ok;
	} cases[] = {
		{ "tcp", { STREAM_TCP, "localhost", 22, 1000 }, 1 },
		{ "udp to IPv6", { STREAM_UDP, "fe80::1%eth0", 65535, 1 }, 1 },
		{ "unix", { STREAM_UNIX, "/run/x.sock", 0, STREAM_TIMEOUT_MAX }, 1 },
		{ "the longest path", { STREAM_UNIX, path, 0, 1 }, 1 },
		{ "no kind", { 0, "localhost", 22, 1000 }, 0 },
		{ "an unknown kind", { 4, "localhost", 22, 1000 }, 0 },
		{ "tcp without a port", { STREAM_TCP, "localhost", 0, 1000 }, 0 },
		{ "unix with one", { STREAM_UNIX, "/run/x.sock", 1, 1000 }, 0 },
		{ "nowhere", { STREAM_TCP, "", 22, 1000 }, 0 },
		{ "a relative path", { STREAM_UNIX, "x.sock", 0, 1000 }, 0 },
		{ "no time", { STREAM_TCP, "localhost", 22, 0 }, 0 },
		{ "more than 10 minutes", { STREAM_TCP, "x", 22, STREAM_TIMEOUT_MAX + 1 }, 0 },
		{ "a name too long", { STREAM_TCP, name, 22, 1000 }, 0 },
		{ "a path too long", { STREAM_UNIX, name, 0, 1000 }, 0 },
	};
	struct stream_opened o = { "[::1]:22" }, opened;
	uint8_t mem[ROOM];
	struct stream_req q;
	long len;

	memset(name, '/', STREAM_ADDRESS_MAX);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct stream_req *want = &cases[i].q;

		len = stream_req_encode(want, mem, sizeof(mem));
		if ((stream_req_decode(&q, mem, (size_t)len) == 0) != cases[i].ok)
			printf("# %s\n", cases[i].why);
		CHECK((stream_req_decode(&q, mem, (size_t)len) == 0) == cases[i].ok);
		if (!cases[i].ok)
			continue;
		CHECK(q.kind == want->kind && q.port == want->port);
		CHECK(q.timeout_ms == want->timeout_ms && !strcmp(q.address, want->address));
		CHECK(len <= STREAM_REQ_MAX);
		refuses_pieces(mem, len, decode_stream);
	}
	len = stream_opened_encode(&o, mem, sizeof(mem));
	CHECK(stream_opened_decode(&opened, mem, (size_t)len) == 0 && !strcmp(opened.peer, o.peer));
	refuses_pieces(mem, len, decode_opened);
	o.peer = name;
	len = stream_opened_encode(&o, mem, sizeof(mem));
	CHECK(stream_opened_decode(&opened, mem, (size_t)len) == -EPROTO);
}

int main(void)
{
	TEST(a_request_changes);
	TEST(an_absurd_request_is_taken);
	TEST(what_was_seen_changes);
	TEST(a_status_changes);
	TEST(a_request_at_odds_with_itself_is_refused);
	TEST(a_session_is_come_back_to);
	TEST(a_refusal_changes);
	TEST(a_stream_goes_somewhere_else);
	TEST(the_beacon_changes);
	TEST(the_seeds_are_of_another_version);
	TEST(a_machines_description_changes);
	TEST(a_machine_that_cannot_be_is_described);
	TEST(a_descriptor_of_the_machines_is_closed);
	TEST(the_vmms_last_word_changes);
	return check_done();
}
