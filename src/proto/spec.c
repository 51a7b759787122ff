/*
 * spec - the machine the agent asks the vmm process for, and how that process says it ended.
 */
#include "proto/spec.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

enum {
	SPEC_MAGIC = 0x766d7339, /* "vms9": the last digit is the version */

	DISK_OVERLAY = 2, /* instead of readonly's 0 and 1 */
	NIC_VHOST = SPEC_NIC_KINDS, /* instead of SPEC_NIC_TAP */
};

static void wr_fds(struct wr *w, const int32_t *fds, uint32_t n, uint32_t most)
{
	wr_be32(w, n);
	for (uint32_t i = 0; i < n && i < most; i++)
		wr_be32(w, (uint32_t)fds[i]);
}

static void wr_nic(struct wr *w, const struct spec_nic *n)
{
	int vhost = n->kind == SPEC_NIC_TAP && n->vhost_fd >= 0;

	wr_be32(w, (uint32_t)n->fd);
	wr_u8(w, vhost ? NIC_VHOST : n->kind);
	if (vhost)
		wr_be32(w, (uint32_t)n->vhost_fd);
	for (size_t i = 0; i < sizeof(n->mac); i++)
		wr_u8(w, n->mac[i]);
	wr_be16(w, n->mtu);
	wr_be64(w, n->rate);
	wr_be64(w, n->ops);
}

long spec_encode(const struct spec *s, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_be32(&w, SPEC_MAGIC);
	wr_be32(&w, s->cpus);
	wr_be64(&w, s->memory_bytes);
	wr_be64(&w, s->balloon_bytes);
	wr_be32(&w, s->memory);
	wr_u8(&w, s->any_kvm);
	wr_u8(&w, s->has_hvc);
	wr_be64(&w, s->guest_cid);
	wr_be32(&w, (uint32_t)s->kvm_fd);
	wr_be32(&w, (uint32_t)s->kernel_fd);
	wr_be32(&w, (uint32_t)s->console_fd);
	wr_be32(&w, (uint32_t)s->line_fd);
	wr_be32(&w, (uint32_t)s->vsock_fd);
	wr_be32(&w, (uint32_t)s->vsock_messages_fd);
	wr_str(&w, s->vsock_path);
	wr_str(&w, s->cmdline);
	wr_fds(&w, s->initrd_fd, s->ninitrds, SPEC_INITRDS_MAX);
	wr_fds(&w, s->held_fd, s->nheld, SPEC_HELD_MAX);
	wr_be32(&w, s->ndisks);
	for (uint32_t i = 0; i < s->ndisks && i < SPEC_DISKS_MAX; i++) {
		wr_be32(&w, (uint32_t)s->disk[i].fd);
		wr_u8(&w, s->disk[i].overlay_fd < 0 ? s->disk[i].readonly : DISK_OVERLAY);
		if (s->disk[i].overlay_fd >= 0)
			wr_be32(&w, (uint32_t)s->disk[i].overlay_fd);
		wr_u8(&w, s->disk[i].aio);
		wr_str(&w, s->disk[i].serial);
		wr_be64(&w, s->disk[i].rate);
		wr_be64(&w, s->disk[i].ops);
	}
	wr_be32(&w, s->nnics);
	for (uint32_t i = 0; i < s->nnics && i < SPEC_NICS_MAX; i++)
		wr_nic(&w, &s->nic[i]);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

/* Or -1. */
static int32_t rd_fd_or_none(struct rd *r)
{
	int32_t fd = (int32_t)rd_be32(r);

	if (fd != -1 && fd < VMM_FD_FIRST)
		r->bad = 1;
	return fd;
}

static int32_t rd_fd(struct rd *r)
{
	int32_t fd = rd_fd_or_none(r);

	if (fd < 0)
		r->bad = 1;
	return fd;
}

/* How many there are. */
static uint32_t rd_fds(struct rd *r, int32_t *fds, uint32_t most)
{
	uint32_t n = rd_be32(r);

	if (n > most)
		r->bad = 1;
	for (uint32_t i = 0; i < n && !r->bad; i++)
		fds[i] = rd_fd(r);
	return n;
}

static struct spec_disk rd_disk(struct rd *r)
{
	struct spec_disk d;

	d.fd = rd_fd(r);
	d.readonly = rd_u8(r);
	d.overlay_fd = d.readonly == DISK_OVERLAY ? rd_fd(r) : -1;
	d.aio = rd_u8(r);
	d.serial = rd_str(r);
	d.rate = rd_be64(r);
	d.ops = rd_be64(r);
	if (d.readonly > DISK_OVERLAY || d.aio >= SPEC_AIO_KINDS || strlen(d.serial) > SPEC_SERIAL_MAX)
		r->bad = 1;
	for (const char *c = d.serial; *c; c++)
		if (*c < ' ' || *c > '~')
			r->bad = 1;
	return d;
}

static struct spec_nic rd_nic(struct rd *r)
{
	struct spec_nic n;

	n.fd = rd_fd(r);
	n.kind = rd_u8(r);
	n.vhost_fd = n.kind == NIC_VHOST ? rd_fd(r) : -1;
	if (n.kind == NIC_VHOST)
		n.kind = SPEC_NIC_TAP;
	for (size_t i = 0; i < sizeof(n.mac); i++)
		n.mac[i] = rd_u8(r);
	n.mtu = rd_be16(r);
	n.rate = rd_be64(r);
	n.ops = rd_be64(r);
	if (n.kind >= SPEC_NIC_KINDS || n.mac[0] & 1)
		r->bad = 1;
	return n;
}

int spec_decode(struct spec *s, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);
	uint32_t magic = rd_be32(&r);

	s->cpus = rd_be32(&r);
	s->memory_bytes = rd_be64(&r);
	s->balloon_bytes = rd_be64(&r);
	s->memory = rd_be32(&r);
	s->any_kvm = rd_u8(&r);
	s->has_hvc = rd_u8(&r);
	s->guest_cid = rd_be64(&r);
	s->kvm_fd = rd_fd(&r);
	s->kernel_fd = rd_fd(&r);
	s->console_fd = rd_fd(&r);
	s->line_fd = rd_fd_or_none(&r);
	s->vsock_fd = rd_fd_or_none(&r);
	s->vsock_messages_fd = rd_fd_or_none(&r);
	s->vsock_path = rd_str(&r);
	s->cmdline = rd_str(&r);
	s->ninitrds = rd_fds(&r, s->initrd_fd, SPEC_INITRDS_MAX);
	s->nheld = rd_fds(&r, s->held_fd, SPEC_HELD_MAX);
	s->ndisks = rd_be32(&r);
	if (s->ndisks > SPEC_DISKS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < s->ndisks; i++)
		s->disk[i] = rd_disk(&r);
	s->nnics = rd_be32(&r);
	if (s->nnics > SPEC_NICS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < s->nnics; i++)
		s->nic[i] = rd_nic(&r);
	if (!rd_done(&r) || magic != SPEC_MAGIC || strlen(s->cmdline) > SPEC_CMDLINE_MAX)
		return -EPROTO;
	if (s->any_kvm > 1 || s->has_hvc > 1 || s->memory > SPEC_MEMORY_ALL || s->balloon_bytes > s->memory_bytes ||
	    (s->memory & SPEC_MEMORY_RESERVED && s->memory & SPEC_MEMORY_SMALL))
		return -EPROTO;
	/* CIDs 0 to 2 are taken (virtio 1.2 section 5.10.4), the upper half is reserved. */
	if (s->cpus == 0 || s->cpus > SPEC_CPUS_MAX || s->guest_cid < 3 ||
	    s->guest_cid > UINT32_MAX)
		return -EPROTO;
	return 0;
}

static size_t add_fds(int *to, const int32_t *fds, uint32_t n)
{
	size_t added = 0;

	for (uint32_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			to[added++] = fds[i];
	return added;
}

size_t spec_fds(const struct spec *s, int fds[SPEC_FDS_MAX])
{
	const int32_t first[] = { s->kvm_fd,  s->kernel_fd, s->console_fd,
				  s->line_fd, s->vsock_fd,  s->vsock_messages_fd };
	size_t n = add_fds(fds, first, COUNT(first));

	n += add_fds(fds + n, s->initrd_fd, s->ninitrds);
	n += add_fds(fds + n, s->held_fd, s->nheld);
	for (uint32_t i = 0; i < s->ndisks; i++)
		n += add_fds(fds + n, (const int32_t[]){ s->disk[i].fd, s->disk[i].overlay_fd }, 2);
	for (uint32_t i = 0; i < s->nnics; i++)
		n += add_fds(fds + n, (const int32_t[]){ s->nic[i].fd, s->nic[i].vhost_fd }, 2);
	return n;
}

long vmm_exit_encode(const struct vmm_exit *x, void *out, size_t room)
{
	struct wr w = wr_init(out, room);

	wr_u8(&w, x->reason);
	wr_u8(&w, x->ran);
	wr_be32(&w, x->sys);
	wr_str(&w, x->text);
	return w.bad ? -EMSGSIZE : (long)wr_len(&w, out);
}

int vmm_exit_decode(struct vmm_exit *x, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	x->reason = rd_u8(&r);
	x->ran = rd_u8(&r);
	x->sys = rd_be32(&r);
	x->text = rd_str(&r);
	return rd_done(&r) && x->reason >= VMM_POWEROFF && x->reason <= VMM_ERROR ? 0 : -EPROTO;
}

void vmm_trouble_encode(const struct vmm_trouble *t, uint8_t out[VMM_TROUBLE_BYTES])
{
	struct wr w = wr_init(out, VMM_TROUBLE_BYTES);

	wr_u8(&w, t->disk);
	wr_u8(&w, t->work);
	wr_be32(&w, t->sys);
}

int vmm_trouble_decode(struct vmm_trouble *t, const void *data, size_t len)
{
	struct rd r = rd_init(data, len);

	t->disk = rd_u8(&r);
	t->work = rd_u8(&r);
	t->sys = rd_be32(&r);
	return rd_done(&r) && t->disk < SPEC_DISKS_MAX && t->work < VMM_WORKS ? 0 : -EPROTO;
}
