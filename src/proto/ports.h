/*
 * ports - the vsock ports of contracts.md, "vsock".
 */
#ifndef PROTO_PORTS_H
#define PROTO_PORTS_H

enum {
	CID_HOST = 2, /* VMADDR_CID_HOST; the only peer guest servers accept */

	/* The guest listens. */
	PORT_AGENT = 4088,
	PORT_EXEC = 4089,
	PORT_PTY = 4090,
	PORT_STREAM = 4093,

	/* The host listens. */
	PORT_BEACON = 4088,
	PORT_NOTIFY = 4094,
};

#endif
