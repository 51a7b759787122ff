/*
 * spec - the machine the agent asks the vmm process for, and how that process says it ended.
 *
 * The agent opens everything; the vmm gets descriptors and this description, on a descriptor
 * too. The vmm checks it as if a stranger had written it.
 */
#ifndef PROTO_SPEC_H
#define PROTO_SPEC_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SPEC_BYTES_MAX = 16 * 1024,
	SPEC_CPUS_MAX = 64,
	SPEC_INITRDS_MAX = 4,
	SPEC_DISKS_MAX = 8,
	SPEC_HELD_MAX = 4,
	SPEC_NICS_MAX = 4,
	SPEC_SERIAL_MAX = 20,	 /* bytes without the NUL: virtio 1.2 section 5.2.6 */
	SPEC_CMDLINE_MAX = 2047, /* bytes without the NUL: what an x86 kernel keeps */
	VMM_TEXT_MAX = 1000,
};

/* Where the agent puts the vmm's descriptors. */
enum {
	VMM_FD_SPEC = 3,   /* this description, then end of file */
	VMM_FD_STATUS = 4, /* host/vmmfile: frames FRAME_VMM_... are written to it */
	VMM_FD_FIRST = 5,  /* what the spec names starts here */
};

/* What the vmm is asked by signals, which whoever looks after it then can send. SIGTERM ends it. */
enum {
	VMM_SIG_BUTTON = SIGPWR,  /* the guest's power button is pressed */
	VMM_SIG_PAUSE = SIGUSR2,  /* its CPUs are to stand still... */
	VMM_SIG_RESUME = SIGWINCH, /* ...and to go on */
};

/* The status file: a byte that is nonzero while the CPUs stand still, one that is counted up when the
 * process goes on after a SIGSTOP, and from VMM_WORDS_AT on what is said. */
enum { VMM_PAUSED_AT = 0, VMM_CONTINUED_AT = 2, VMM_WORDS_AT = 16 };

/* The byte of the status file that the vmm locks (fcntl F_SETLK): the kernel then tells others its
 * number. */
enum { VMM_MARK_AT = 1 };

/* How the host keeps the guest's memory: usually in transparent huge pages, and once it is touched. */
enum {
	SPEC_MEMORY_RESERVED = 1, /* in huge pages of 2 MiB that the host has set aside */
	SPEC_MEMORY_SMALL = 2,	  /* in small pages only */
	SPEC_MEMORY_PREFAULT = 4, /* all of it from the beginning */
	SPEC_MEMORY_ALL = 7,
};

/* Who waits for a disk's file. */
enum spec_aio {
	SPEC_AIO_BEST,	   /* io_uring where the host's kernel lets us, else a thread */
	SPEC_AIO_THREADS,
	SPEC_AIO_IO_URING, /* or there is no machine */
	SPEC_AIO_KINDS
};

struct spec_disk {
	int32_t fd; /* a raw file or a block device */
	int32_t overlay_fd; /* takes what is written, and fd is only read; negative: none */
	uint8_t readonly; /* fd is; the guest's disk is not where there is an overlay */
	uint8_t aio;	  /* enum spec_aio */
	const char *serial; /* printable, may be "" */
	uint64_t rate, ops; /* a second, in bytes and requests; 0: no limit */
};

enum spec_nic_kind {
	SPEC_NIC_TAP,	 /* fd is a queue of a tap, which takes the virtio header */
	SPEC_NIC_STREAM, /* a connected socket: frames behind their lengths, as passt has them */
	SPEC_NIC_KINDS
};

struct spec_nic {
	int32_t fd;
	uint8_t kind; /* enum spec_nic_kind */
	uint8_t mac[6];
	uint16_t mtu;	    /* 0: the guest is not told */
	uint64_t rate, ops; /* a second and direction, in bytes and frames; 0: no limit */
	int32_t vhost_fd;   /* /dev/vhost-net, which serves a tap's rings; negative: none */
};

struct spec {
	uint32_t cpus;
	uint64_t memory_bytes;
	uint64_t balloon_bytes; /* as much of it the guest is to give up */
	uint32_t memory;	/* of SPEC_MEMORY_... */
	uint8_t any_kvm;	/* also one that emulates the guest's kernel mode */
	uint8_t has_hvc;	/* its console is a virtio device (Linux's hvc0) besides the serial port */
	uint64_t guest_cid;
	int32_t kvm_fd;		/* /dev/kvm */
	int32_t kernel_fd;	/* an ELF64 vmlinux */
	int32_t console_fd;	/* append-mode file for the serial port's output */
	int32_t line_fd;	/* who else is at that port: a listening unix socket, or a connection;
				   negative: nobody */
	int32_t vsock_fd;	/* the listening unix socket of the Firecracker dialect; negative: the
				   machine has no socket device */
	int32_t vsock_messages_fd; /* the same for SOCK_SEQPACKET; negative: nobody comes for that */
	const char *vsock_path; /* the first one's path: guest connections to port P go to PATH_P */
	const char *cmdline;
	uint32_t ninitrds; /* loaded one behind the other; may be 0 */
	int32_t initrd_fd[SPEC_INITRDS_MAX];
	uint32_t nheld; /* open as long as the machine is, and not looked at: what vsock_path leads through, a lock */
	int32_t held_fd[SPEC_HELD_MAX];
	uint32_t ndisks; /* in the guest's order: vda, vdb... */
	struct spec_disk disk[SPEC_DISKS_MAX];
	uint32_t nnics; /* eth0, eth1... */
	struct spec_nic nic[SPEC_NICS_MAX];
};

/* Bytes written, or -EMSGSIZE. */
long spec_encode(const struct spec *s, void *out, size_t room);

/* 0, or -EPROTO: cut, wrong magic or version, a count or descriptor out of range, an over-long
 * command line or serial number, a MAC of many, what of memory excludes itself. Whether memory and cpus
 * suit this host is not its matter. */
int spec_decode(struct spec *s, const void *data, size_t len);

/* All the descriptors it names; how many. */
enum { SPEC_FDS_MAX = 6 + SPEC_INITRDS_MAX + SPEC_HELD_MAX + 2 * SPEC_DISKS_MAX + 2 * SPEC_NICS_MAX };
size_t spec_fds(const struct spec *s, int fds[SPEC_FDS_MAX]);

/* contracts.md, "Events": the reasons of `exit`. */
enum vmm_reason {
	VMM_POWEROFF = 1, /* the guest asked the ACPI sleep register for S5 */
	VMM_REBOOT = 2,	  /* reset register, i8042 reset or triple fault */
	VMM_PANIC = 3,	  /* the pvpanic device was told, and then the machine reset */
	VMM_KILLED = 4,	  /* the agent asked (SIGTERM) */
	VMM_ERROR = 5,	  /* text says what; before or after the first instruction */
};

struct vmm_exit {
	uint8_t reason;	  /* enum vmm_reason */
	uint8_t ran;	  /* nonzero once the first instruction was to run */
	uint32_t sys;	  /* errno behind VMM_ERROR, 0 when there is none */
	const char *text; /* a sentence, or "" */
};

/* What a disk could not do, told the first time for each kind of work. */
enum vmm_work { VMM_READ, VMM_WRITE, VMM_FLUSH, VMM_DISCARD, VMM_ZERO, VMM_WORKS };

struct vmm_trouble {
	uint8_t disk; /* 0: vda */
	uint8_t work; /* enum vmm_work */
	uint32_t sys; /* a positive errno */
};

enum { VMM_TROUBLE_BYTES = 6, VMM_TROUBLES_MAX = SPEC_DISKS_MAX * VMM_WORKS };

void vmm_trouble_encode(const struct vmm_trouble *t, uint8_t out[VMM_TROUBLE_BYTES]);
int vmm_trouble_decode(struct vmm_trouble *t, const void *data, size_t len);

long vmm_exit_encode(const struct vmm_exit *x, void *out, size_t room);
int vmm_exit_decode(struct vmm_exit *x, const void *data, size_t len);

#endif
