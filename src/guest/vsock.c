/*
 * vsock - sockets between the guest and its host.
 */
#include "guest/vsock.h"

#include <errno.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

#include "base/fd.h"
#include "proto/ports.h"

enum {
	BACKLOG = 128,
	/* Bytes the host may send before they are read. Linux gives half as much, and a stream then
	 * stops for each window: 141 MiB/s of 183. What the device has buffers for is under 1 MiB. */
	HOST_AHEAD = 512 * 1024,
};

static int vsock_open(void)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	uint64_t ahead = HOST_AHEAD;

	if (fd < 0)
		return -errno;
	/* Without it a stream is slower, not wrong. Accepted sockets inherit it. */
	(void)setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &ahead, sizeof(ahead));
	(void)setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &ahead, sizeof(ahead));
	return fd;
}

int vsock_listen(uint32_t port)
{
	struct sockaddr_vm sa = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = port,
	};
	int fd = vsock_open();

	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, BACKLOG) < 0) {
		int rc = -errno;

		fd_close(&fd);
		return rc;
	}
	return fd;
}

int vsock_connect(uint32_t port)
{
	struct sockaddr_vm sa = {
		.svm_family = AF_VSOCK,
		.svm_cid = CID_HOST,
		.svm_port = port,
	};
	int fd = vsock_open();

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 && errno != EINPROGRESS) {
		int rc = -errno;

		fd_close(&fd);
		return rc;
	}
	return fd;
}

int vsock_peer_is_host(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_vm vm;
		struct sockaddr_storage room;
	} sa = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(sa);

	if (getpeername(fd, &sa.any, &len) < 0)
		return 0;
	return sa.any.sa_family == AF_VSOCK && sa.vm.svm_cid == CID_HOST;
}
