/*
 * desc - what a guest is to become, as its host describes it: the file GUEST_FILE of the
 * initramfs.
 *
 * The host writes it beside /init; PID 1 reads and removes it before anything else. The guest
 * trusts its host, but checks the bytes: a description that cannot be read is a stage that failed,
 * never a guest that nobody can reach.
 */
#ifndef PROTO_DESC_H
#define PROTO_DESC_H

#include <stddef.h>
#include <stdint.h>

#include "proto/exec.h"

#define GUEST_FILE "/.vmtool-guest"

/* Kernel modules to load first of all, in the order of their names; the folder may be absent. */
#define GUEST_MODULES "/.vmtool-modules"

enum {
	DESC_VERSION = 2,
	DESC_BYTES_MAX = 192 * 1024,
	DESC_SYSCTLS_MAX = 64,
	DESC_NICS_MAX = 8,
	DESC_ADDRS_MAX = 8,    /* of one interface */
	DESC_GATEWAYS_MAX = 2, /* of one interface: one IPv4, one IPv6 */
	DESC_DNS_MAX = 3,      /* resolv.conf(5), MAXNS */
	DESC_SEARCH_MAX = 6,   /* resolv.conf(5), MAXDNSRCH */
	DESC_MOUNTS_MAX = 32,
	DESC_INIT_MAX = 16,
	DESC_SERVICES_MAX = 8,
	DESC_SERVICE_ARGS_MAX = 16,
	DESC_SERVICE_NAME_MAX = 31, /* bytes */
	DESC_HOSTNAME_MAX = 64, /* bytes: Linux's __NEW_UTS_LEN */
	DESC_IFNAME_MAX = 15,	/* bytes: Linux's IFNAMSIZ without the NUL */
};

struct desc_sysctl {
	const char *name; /* "net.ipv4.ip_forward", or with slashes where a part has a dot in it */
	const char *value;
};

struct desc_addr {
	uint8_t bytes[16]; /* network order; IPv4 uses the first four */
	uint8_t family;	   /* 4 or 6, as in IP's version field */
	uint8_t prefix;	   /* bits of the network; of a host: all */
};

struct desc_nic {
	const char *name; /* "eth0"; "": the one with this MAC */
	uint8_t mac[6];	  /* all zero: the name says which */
	uint8_t dhcp;	  /* 1: asks for an IPv4 address, beside those below */
	uint32_t naddrs, ngateways;
	struct desc_addr addrs[DESC_ADDRS_MAX];
	struct desc_addr gateways[DESC_GATEWAYS_MAX];
};

/* mount(2)'s arguments. source may be a device, a folder (type "bind"), a virtiofs tag; options
 * as in fstab. */
struct desc_mount {
	const char *source, *target, *type, *options;
};

/* An SSH server's: whose key may log in as whom, and which one it shows. */
struct desc_ssh {
	const char *user;	/* a name of the guest's passwd; "": none of this */
	const char *authorized; /* "TYPE BASE64", without a comment or a newline */
	const char *host_key;	/* a private key's file as a whole; "": the guest has its own */
};

enum desc_root_kind {
	ROOT_INITRAMFS = 0,
	ROOT_DEVICE = 1,
	ROOT_OVERLAY = 2, /* of the device, read-only, under something that is written to */
};

struct desc_root {
	uint8_t kind; /* enum desc_root_kind */
	/* The rest is "" and 0 for ROOT_INITRAMFS. */
	const char *source, *type, *options;
	/* ROOT_OVERLAY: a device for what is written; "": memory of so many bytes, 0: half of it all. */
	const char *upper, *upper_type;
	uint64_t upper_bytes;
};

enum desc_restart { RESTART_NO = 0, RESTART_ON_FAILURE = 1, RESTART_ALWAYS = 2 };

/* A command beside the main process, whose end is nobody's but its own. */
struct desc_service {
	const char *name; /* as a session's id is made of */
	uint8_t restart;  /* enum desc_restart */
	const char *user; /* NAME or UID[:GID]; "" is root */
	uint32_t argc;
	const char *argv[DESC_SERVICE_ARGS_MAX + 1]; /* NULL-terminated */
};

struct guest_desc {
	const char *boot;     /* boot id */
	const char *hostname; /* the VM's, unless it was given another */
	uint32_t nsysctls, nnics, ndns, nsearch, nmounts, nservices;
	struct desc_sysctl sysctls[DESC_SYSCTLS_MAX];
	struct desc_nic nics[DESC_NICS_MAX];
	struct desc_addr dns[DESC_DNS_MAX];
	const char *search[DESC_SEARCH_MAX];
	struct desc_root root;
	struct desc_mount mounts[DESC_MOUNTS_MAX];
	struct desc_service services[DESC_SERVICES_MAX];
	struct desc_ssh ssh;
	uint32_t ninit;			     /* 0: vmtool stays process 1 */
	const char *init[DESC_INIT_MAX + 1]; /* else what becomes it; NULL-terminated */
	int has_main;
	struct exec_req main; /* the main process; its end is the VM's */
};

/* A guest that is asked for nothing; boot has yet to be set. */
void guest_desc_init(struct guest_desc *g);

/* Bytes written, or -EMSGSIZE when they are more than room. */
long guest_desc_encode(const struct guest_desc *g, void *out, size_t room);

/* 0; strings borrow from data. -EPROTO: cut, a count beyond its maximum, a main process or
 * services and an init, an address that is none, of an earlier version than ours; -EPROTONOSUPPORT: of a later version than ours, g asking
 * for nothing, but with the boot id, which every version has behind its number. */
int guest_desc_decode(struct guest_desc *g, const void *data, size_t len);

#endif
