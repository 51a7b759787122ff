/*
 * keys - every key of vm.ini: one row is one key, and nothing else has to be said of it.
 *
 * From the rows come the enum below, the options of `start` and `run` (applets/machine_opts.h),
 * what is read and refused (host/inifile), what is checked and by whom (host/config), and
 * `vmtool help config`. To add one: a row here and the function that checks its value.
 *
 *	KEY(SECTION, NAME, word, count, option, letter, syntax, initial, help, place, setter)
 *
 *	SECTION   a row of CONFIG_SECTIONS
 *	NAME      KEY_NAME
 *	word      the key, and --word where it has an option
 *	count     ONE value, or MANY: they add up, and an empty one takes back what came before;
 *	          LIST: as MANY, but a value may be empty
 *	option    MACHINE: of start and run; MAIN: of start, where run's are its command's;
 *	          FILE: none
 *	letter    the option's short form, or 0
 *	syntax    NULL: yes or no; the option is one without a value, and means yes
 *	initial   IS("what it is unless said"), or NONE
 *	place     PATH: the value begins with a path, relative to where it was said; NAME_OR_PATH:
 *	          a bare word is not; TEXT: neither
 *	setter    MACHINE_SETTER(f): int f(struct config *, const struct said *, struct err *);
 *	          GUEST_SETTER(f): a guest_setter
 */
#ifndef HOST_KEYS_H
#define HOST_KEYS_H

#include "base/err.h"
#include "host/guest.h"

/* SECTION(NAME, word, what its names are or NULL, a sentence), in the order they are written. One
 * whose word is "" stands before the first [section]. A section of names, such as "probe", is
 * written [probe NAME], once for each. */
/* clang-format off */
#define CONFIG_SECTIONS(SECTION) \
	SECTION(TOP,   "",      NULL, "before the first section") \
	SECTION(VM,    "vm",    NULL, "the machine") \
	SECTION(GUEST, "guest", NULL, "what the guest becomes") \
	SECTION(MAIN,  "main",  NULL, "the guest's main process, with which the VM ends") \
	SECTION(SERVICE, "service", "NAME", "a command beside it, started again when it ends") \
	SECTION(READY, "ready", NULL, "what has to hold before it is called ready") \
	SECTION(PROBE, "probe", "NAME", "a question the guest must answer, as the condition probe:NAME") \
	SECTION(PROVISION, "provision", NULL, "what is run in the guest as a part of its boot") \
	SECTION(FORWARD, "forward", NULL, "what of the guest can be reached on this host")

#define CONFIG_KEYS(KEY) \
	KEY(TOP, INCLUDE, "include", MANY, FILE, 0, "FILE|NAME", NONE, \
	    "take what stands in FILE, or in the template NAME; what follows here wins", \
	    NAME_OR_PATH, MACHINE_SETTER(config_include)) \
	\
	KEY(VM, CPUS, "cpus", ONE, MACHINE, 'c', "N", IS("1"), \
	    "virtual CPUs", TEXT, MACHINE_SETTER(config_cpus)) \
	KEY(VM, MEMORY, "memory", ONE, MACHINE, 'm', "SIZE", IS("256M"), \
	    "guest memory, with its unit: 512M, 2G", TEXT, MACHINE_SETTER(config_memory)) \
	KEY(VM, HUGE_PAGES, "huge-pages", ONE, MACHINE, 0, "transparent|reserved|no", IS("transparent"), \
	    "the host's pages behind it; reserved: of 2 MiB, from vm.nr_hugepages", \
	    TEXT, MACHINE_SETTER(config_huge_pages)) \
	KEY(VM, PREFAULT, "prefault", ONE, MACHINE, 0, NULL, IS("no"), \
	    "take all of it from the host at the start, and keep it", \
	    TEXT, MACHINE_SETTER(config_prefault)) \
	KEY(VM, BALLOON, "balloon", ONE, MACHINE, 0, "SIZE", IS("0M"), \
	    "as much of it the guest leaves to the host until it would run out; what lies free it always does", \
	    TEXT, MACHINE_SETTER(config_balloon)) \
	KEY(VM, KVM, "kvm", ONE, MACHINE, 0, "native|any", IS("native"), \
	    "any: also one that emulates the guest's kernel mode, where small programs run and no kernel", \
	    TEXT, MACHINE_SETTER(config_kvm)) \
	KEY(VM, CONSOLE_DEVICE, "console-device", ONE, MACHINE, 0, "serial|virtio", IS("serial"), \
	    "what the guest's console is: a serial port, ttyS0, or hvc0, which is faster and there later", \
	    TEXT, MACHINE_SETTER(config_console)) \
	KEY(VM, KERNEL, "kernel", ONE, MACHINE, 0, "PATH", IS("default"), \
	    "vmlinux or bzImage, or a name in the catalogue", \
	    NAME_OR_PATH, MACHINE_SETTER(config_kernel)) \
	KEY(VM, INITRD, "initrd", ONE, MACHINE, 0, "PATH", NONE, \
	    "the guest's initramfs; vmtool adds itself", PATH, MACHINE_SETTER(config_initrd)) \
	KEY(VM, APPEND, "append", ONE, MACHINE, 0, "TEXT", NONE, \
	    "more for the kernel's command line", TEXT, MACHINE_SETTER(config_append)) \
	KEY(VM, DISK, "disk", MANY, MACHINE, 0, "PATH[,ro|,overlay][,...]", NONE, \
	    "a raw image or block device as the guest's vda; overlay: what is written goes elsewhere; also id=SERIAL, rate=BYTES, ops=N, aio=threads|io_uring", \
	    PATH, MACHINE_SETTER(config_disk)) \
	KEY(VM, NIC, "nic", MANY, MACHINE, 0, "tap=NAME|passt[=SOCKET]", NONE, \
	    "the guest's eth0, on a tap of this host's or on passt; behind commas mac=, mtu=, rate=, ops=, vhost=", \
	    TEXT, MACHINE_SETTER(config_nic)) \
	KEY(VM, REBOOT, "reboot", ONE, MACHINE, 0, "restart|end", IS("restart"), \
	    "what the guest's own reboot is: a start in place, or the VM's end", \
	    TEXT, MACHINE_SETTER(config_reboot)) \
	\
	KEY(GUEST, HOSTNAME, "hostname", ONE, MACHINE, 0, "NAME", IS("the VM's name"), \
	    "the guest's host name", TEXT, GUEST_SETTER(guest_hostname)) \
	KEY(GUEST, SYSCTL, "sysctl", MANY, MACHINE, 0, "NAME=VALUE", NONE, \
	    "a knob of the guest's kernel", TEXT, GUEST_SETTER(guest_sysctl)) \
	KEY(GUEST, NET, "net", MANY, MACHINE, 0, "WORDS", NONE, \
	    "an interface: \"eth0 dhcp\", \"eth0 address=10.0.0.2/24 gateway=10.0.0.1\"", \
	    TEXT, GUEST_SETTER(guest_net)) \
	KEY(GUEST, DNS, "dns", MANY, MACHINE, 0, "ADDR", NONE, \
	    "a name server for the guest's resolv.conf", TEXT, GUEST_SETTER(guest_dns)) \
	KEY(GUEST, SEARCH, "search", MANY, MACHINE, 0, "DOMAIN", NONE, \
	    "where it looks for names without a dot", TEXT, GUEST_SETTER(guest_search)) \
	KEY(GUEST, ROOT, "root", ONE, MACHINE, 0, "WORDS", IS("the initramfs"), \
	    "the guest's root: \"/dev/vda ext4 ro\"", TEXT, GUEST_SETTER(guest_root)) \
	KEY(GUEST, OVERLAY, "overlay", ONE, MACHINE, 0, "WORDS", NONE, \
	    "leave the root as it is and write to \"tmpfs 1G\" or \"/dev/vdb\"", \
	    TEXT, GUEST_SETTER(guest_overlay)) \
	KEY(GUEST, MOUNT, "mount", MANY, MACHINE, 0, "WORDS", NONE, \
	    "\"SOURCE TARGET TYPE OPTIONS\" as in fstab", TEXT, GUEST_SETTER(guest_mount)) \
	KEY(GUEST, SSH_USER, "ssh-user", ONE, MACHINE, 0, "USER", NONE, \
	    "let `vmtool ssh` in as USER, with a key made for this VM", \
	    TEXT, GUEST_SETTER(guest_ssh_user)) \
	KEY(GUEST, SSH_HOST_KEY, "ssh-host-key", ONE, MACHINE, 0, "vm|guest", IS("vm"), \
	    "with ssh-user, the one its server shows: made for this VM, or the guest's own", \
	    TEXT, GUEST_SETTER(guest_ssh_host_key)) \
	KEY(GUEST, INIT, "init", LIST, MACHINE, 0, "ARG", NONE, \
	    "the image's own init becomes process 1; again for its arguments", \
	    TEXT, GUEST_SETTER(guest_init_arg)) \
	KEY(GUEST, PLAIN, "plain", ONE, MACHINE, 0, NULL, IS("no"), \
	    "put nothing of vmtool's into the guest: its banner, probes or own guest-agent prove it ready", \
	    TEXT, MACHINE_SETTER(config_plain)) \
	\
	KEY(MAIN, ARG, "arg", LIST, FILE, 0, "ARG", NONE, \
	    "the program; again for each of its arguments", TEXT, GUEST_SETTER(guest_arg)) \
	KEY(MAIN, ENV, "env", MANY, MAIN, 'e', "KEY=VALUE", NONE, \
	    "set it for the main process", TEXT, GUEST_SETTER(guest_env)) \
	KEY(MAIN, WORKDIR, "workdir", ONE, MAIN, 'w', "DIR", IS("the user's home"), \
	    "the main process's folder", TEXT, GUEST_SETTER(guest_cwd)) \
	KEY(MAIN, USER, "user", ONE, MAIN, 'u', "USER", IS("root"), \
	    "who it runs as: NAME or UID[:GID]", TEXT, GUEST_SETTER(guest_user)) \
	\
	KEY(SERVICE, SERVICE_EXEC, "exec", ONE, FILE, 0, "COMMAND", NONE, \
	    "the program and its arguments, without a shell", \
	    TEXT, MACHINE_SETTER(config_service)) \
	KEY(SERVICE, SERVICE_SHELL, "shell", ONE, FILE, 0, "LINE", NONE, \
	    "the same of a line for sh", TEXT, MACHINE_SETTER(config_service)) \
	KEY(SERVICE, SERVICE_RESTART, "restart", ONE, FILE, 0, "no|on-failure|always", \
	    IS("on-failure"), "when it is started again: 200 ms later, then twice as late each time, 30 s at most", \
	    TEXT, MACHINE_SETTER(config_service)) \
	KEY(SERVICE, SERVICE_USER, "user", ONE, FILE, 0, "USER", IS("root"), \
	    "who it runs as: NAME or UID[:GID]", TEXT, MACHINE_SETTER(config_service)) \
	\
	KEY(READY, REQUIRE, "require", MANY, MACHINE, 0, "CONDITION", NONE, \
	    "nothing is ready before this holds, too: ssh_banner, boot_done", \
	    TEXT, MACHINE_SETTER(config_require)) \
	KEY(READY, BANNER, "banner", ONE, MACHINE, 0, "[ADDR:]PORT|vsock:PORT", NONE, \
	    "where its SSH server must greet strangers: ssh_banner gates; vsock: of the guest", \
	    TEXT, MACHINE_SETTER(config_banner)) \
	KEY(READY, PROBE, "probe", MANY, MACHINE, 0, "WORDS", NONE, \
	    "a [probe NAME] in one line: \"web http=80/health from=host\"", \
	    TEXT, MACHINE_SETTER(config_probe_words)) \
	KEY(READY, REQUIRE_PROVISION, "require-provision", ONE, MACHINE, 0, NULL, IS("no"), \
	    "a start fails with the first script that fails", \
	    TEXT, MACHINE_SETTER(config_require_provision)) \
	\
	KEY(PROBE, PROBE_EXEC, "exec", ONE, FILE, 0, "COMMAND", NONE, \
	    "it ends with 0 in the guest, argument by argument", \
	    TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_SHELL, "shell", ONE, FILE, 0, "LINE", NONE, \
	    "the same of a line for sh", TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_TCP, "tcp", ONE, FILE, 0, "[ADDR:]PORT", NONE, \
	    "it takes a connection", TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_UNIX, "unix", ONE, FILE, 0, "/PATH", NONE, \
	    "the same of a unix socket", TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_HTTP, "http", ONE, FILE, 0, "[ADDR:]PORT[/PATH]", NONE, \
	    "it answers GET with a status that is right", TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_SSH_BANNER, "ssh-banner", ONE, FILE, 0, "[ADDR:]PORT", NONE, \
	    "it greets as an SSH server", TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_STATUS, "status", ONE, FILE, 0, "N[-M]", IS("200-399"), \
	    "of http: what is right", TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_FROM, "from", ONE, FILE, 0, "guest|host", IS("guest"), \
	    "who asks: the agent inside, or we from outside", TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_FATAL, "fatal", ONE, FILE, 0, "yes|no", IS("yes"), \
	    "no: without it the VM is ready, and degraded", TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_INTERVAL, "interval", ONE, FILE, 0, "TIME", IS("30s"), \
	    "between questions, once it is known whether it holds", \
	    TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_TIMEOUT, "timeout", ONE, FILE, 0, "TIME", IS("5s"), \
	    "for an answer", TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_RETRIES, "retries", ONE, FILE, 0, "N", IS("3"), \
	    "so many failures in a row mean that it does not hold", \
	    TEXT, MACHINE_SETTER(config_probe)) \
	KEY(PROBE, PROBE_START_PERIOD, "start-period", ONE, FILE, 0, "TIME", \
	    IS("the start's deadline; 5s with fatal = no"), \
	    "failures before that mean nothing yet", TEXT, MACHINE_SETTER(config_probe)) \
	\
	KEY(PROVISION, SCRIPT, "script", MANY, MACHINE, 0, "[once] SCRIPT", NONE, \
	    "run it as root, one after the other: /PATH on the host, \"sh COMMAND\", or \"#!...\"; " \
	    "once: not again when it has ended with 0", TEXT, MACHINE_SETTER(config_script)) \
	\
	KEY(FORWARD, PUBLISH, "publish", MANY, MACHINE, 'p', "RULE", NONE, \
	    "reach a port of the guest here: 8080:80, ssh, auto (see help forward)", \
	    TEXT, MACHINE_SETTER(config_publish))
/* clang-format on */

#define SECTION_ENUM(NAME, ...) SECTION_##NAME,
enum config_section { CONFIG_SECTIONS(SECTION_ENUM) SECTION_COUNT };

#define KEY_ENUM(SECTION, NAME, ...) KEY_##NAME,
enum config_key { CONFIG_KEYS(KEY_ENUM) KEY_COUNT };

struct config;

/* One value, to whoever checks it. */
struct said {
	const char *what; /* for a sentence: "--cpus", or "cpus" with file and line in front */
	const char *name; /* of [probe NAME]; NULL in a section that has none */
	const char *text;
};

typedef int config_setter(struct config *c, const struct said *s, struct err *e);

enum key_count { KEY_ONE, KEY_MANY, KEY_LIST };
enum key_place { PLACE_TEXT, PLACE_PATH, PLACE_NAME_OR_PATH };

struct key {
	enum config_section section;
	const char *word;
	const char *syntax; /* NULL: yes or no; the option has no value, and means yes */
	const char *initial; /* NULL: none */
	const char *help;
	enum key_count count;
	enum key_place place;
	int letter, has_option;
	config_setter *set; /* of the machine, or NULL: */
	guest_setter *add;  /* of the guest */
};

struct section {
	const char *word;
	const char *names; /* NULL: it has no names */
	const char *help;
};

extern const struct key config_keys[KEY_COUNT];
extern const struct section config_sections[SECTION_COUNT];

/* The section that "probe web" or "vm" says, and the name in it, NULL where there is none. Its
 * number, or wrong usage with *e filled. */
int section_find(const char *text, const char **name, struct err *e);

/* The number of a section's key, or wrong usage with *e filled. */
int key_find(enum config_section s, const char *word, struct err *e);

/* Prints what `vmtool help config` prints. */
void keys_print_help(void);

#endif
