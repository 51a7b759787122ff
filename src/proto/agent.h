/*
 * agent - what is said on port 4088, the host's hand in the guest: what goes on in there, who
 * listens, what time it is, the main process's signals.
 *
 * The guest decodes requests, the host decodes answers; both treat the bytes as hostile. Strings
 * are NUL-terminated on the wire and borrow from the decoded bytes. Encoders return the bytes
 * written or -EMSGSIZE, decoders 0 or -EPROTO.
 */
#ifndef PROTO_AGENT_H
#define PROTO_AGENT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/exec.h"

/* --- FRAME_INFO --- */

enum {
	INFO_FEATURES_MAX = 16,
	INFO_SERVICES_MAX = 8,
	INFO_BYTES_MAX = 2048,
};

enum info_main {
	INFO_MAIN_NONE,
	INFO_MAIN_RUNNING, /* pid is valid */
	INFO_MAIN_ENDED,   /* status is valid */
};

enum info_service_state {
	INFO_SERVICE_ENDED,   /* for good; status is valid */
	INFO_SERVICE_RUNNING, /* pid is valid */
	INFO_SERVICE_WAITING, /* to be started again; status is valid */
	INFO_SERVICE_STATES
};

/* What runs beside the main process. */
struct info_service {
	const char *name;
	uint8_t state; /* enum info_service_state */
	uint32_t pid;
	uint32_t starts; /* how often it was started */
	struct exec_status status;
};

struct agent_info {
	uint16_t protocol;  /* PROTOCOL_VERSION of the guest's vmtool */
	const char *vmtool; /* its version, for people */
	const char *kernel; /* uname(2)'s release */
	const char *boot;   /* the boot id: the host's, else the kernel's */
	const char *hostname;
	uint8_t pid1_is_ours;
	uint64_t uptime_ms;  /* since the kernel began */
	const char *stage;   /* the latest of its boot or its end; "" when it tells none */
	uint8_t stage_state; /* enum stage_state; 0 without a stage */
	uint8_t main;	     /* enum info_main */
	uint32_t main_pid;
	struct exec_status main_status;
	uint32_t nservices;
	struct info_service services[INFO_SERVICES_MAX];
	uint32_t load[3];			 /* hundredths; over 1, 5, 15 minutes */
	uint64_t memory_total, memory_available; /* bytes */
	uint8_t clock_is_known;
	int64_t clock_ns;	 /* guest minus host, when it was last compared, after correcting */
	uint64_t clock_bound_ns; /* how wrong that may be */
	uint32_t nfeatures;
	const char *features[INFO_FEATURES_MAX]; /* "copy", "ptp", ... */
};

long agent_info_encode(const struct agent_info *i, void *out, size_t room);
int agent_info_decode(struct agent_info *i, const void *data, size_t len);

/* --- FRAME_PORTS, FRAME_PORTS_CHANGE --- */

enum {
	PORTS_MAX = 512,
	PORT_BYTES = 24,
	PORTS_BYTES_MAX = 17 + PORTS_MAX * PORT_BYTES,
};

enum port_proto { PORT_TCP = 6, PORT_UDP = 17 }; /* IANA's protocol numbers */

/* A listening socket; of udp, one that is bound and not connected. Without padding, so that
 * memcmp() orders them. */
struct port {
	uint8_t proto;	  /* enum port_proto */
	uint8_t family;	  /* 4 or 6 */
	uint16_t port;	  /* 1 to 65535 */
	uint32_t uid;	  /* whose it is */
	uint8_t addr[16]; /* network order; of IPv4 the first four, the rest 0 */
};

/* FRAME_PORTS: everything that listens, sorted and each once. */
struct agent_ports {
	uint64_t epoch;
	uint8_t truncated; /* there are more than fit */
	uint32_t count;
	struct port port[PORTS_MAX];
};

/*
 * FRAME_PORTS_CHANGE: what became of it. Its epoch is one above the last told, or this client has
 * missed something and must ask again. A client that is slow to read is not told every change: he
 * gets a snapshot, of whatever epoch, once he has read.
 */
struct agent_ports_change {
	uint64_t epoch;
	uint8_t truncated;
	uint32_t nadded, nremoved;   /* together PORTS_MAX at most */
	struct port port[PORTS_MAX]; /* the added, then the removed */
};

long agent_ports_encode(const struct agent_ports *p, void *out, size_t room);
int agent_ports_decode(struct agent_ports *p, const void *data, size_t len);
long agent_ports_change_encode(const struct agent_ports_change *c, void *out, size_t room);
int agent_ports_change_decode(struct agent_ports_change *c, const void *data, size_t len);

/* Brings *p up to date. 0; or -ESTALE: a change was missed, or does not fit what *p says; *p is
 * then as it was. */
int agent_ports_apply(struct agent_ports *p, const struct agent_ports_change *c);

/* What leads from one to the other. 0; or -EMSGSIZE: more than a change can hold. */
int agent_ports_compare(struct agent_ports_change *c, const struct agent_ports *from,
			const struct agent_ports *to);

/* Sorts, and drops what is there twice. */
void agent_ports_sort(struct agent_ports *p);

/* --- FRAME_CLOCK, FRAME_CLOCK_SET --- */

/*
 * The host asks several times with its own time t1, the guest answers with its time g, the answer
 * comes at t2: the guest is g - (t1 + t2) / 2 ahead of the host, give or take (t2 - t1) / 2. Of
 * the exchanges the quickest counts. Then the host tells the guest the difference, which does not
 * depend on how long that takes.
 */
struct clock_sample {
	uint64_t host_ns;  /* t1, wall clock; comes back in the answer */
	uint64_t guest_ns; /* g; 0 in the question */
};

enum { CLOCK_SAMPLE_BYTES = 16 };

void clock_sample_encode(const struct clock_sample *s, uint8_t out[CLOCK_SAMPLE_BYTES]);
int clock_sample_decode(struct clock_sample *s, const void *data, size_t len);

struct clock_set {
	int64_t ahead_ns;  /* guest minus host */
	uint64_t bound_ns; /* how wrong that may be; a clock within it is left alone */
	uint32_t step_ms;  /* above this the clock is set at once, below it is slewed */
};

enum { CLOCK_SET_BYTES = 20 };

void clock_set_encode(const struct clock_set *s, uint8_t out[CLOCK_SET_BYTES]);
int clock_set_decode(struct clock_set *s, const void *data, size_t len);

enum clock_did {
	CLOCK_KEPT = 1,	   /* it was right, as far as anybody can tell */
	CLOCK_SLEWED = 2,  /* runs faster or slower until it is: 500 ppm */
	CLOCK_STEPPED = 3, /* it is right now */
	CLOCK_LEFT = 4,	   /* a time service of the guest's own takes care of it */
	CLOCK_FAILED = 5,  /* the kernel refused: sys */
};

enum clock_source { CLOCK_BY_EXCHANGE = 1, CLOCK_BY_PTP = 2 };

struct clock_done {
	uint8_t did;	   /* enum clock_did */
	uint8_t source;	   /* enum clock_source: ptp_kvm, where the guest has it, knows better */
	uint32_t sys;	   /* the guest's errno, or 0 */
	int64_t ahead_ns;  /* guest minus host, before */
	uint64_t bound_ns; /* how wrong that may be */
};

enum { CLOCK_DONE_BYTES = 22 };

void clock_done_encode(const struct clock_done *d, uint8_t out[CLOCK_DONE_BYTES]);
int clock_done_decode(struct clock_done *d, const void *data, size_t len);

/* "kept", "slewed", "stepped", "left", "failed". */
const char *clock_did_name(uint8_t did);

#endif
