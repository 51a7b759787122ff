/*
 * vmtool doctor - can this host run microVMs? Asked of the host, not of a list of names.
 */
#include <stdio.h>

#include "applets/applet.h"
#include "base/fd.h"
#include "host/kvm.h"
#include "vmm/probe.h"

static int doctor_run(struct cmdline *cl, struct err *e)
{
	int rc, kvm;
	long us;

	rc = cmdline_end(cl, e);
	if (rc < 0)
		return rc;
	kvm = kvm_open(e);
	if (kvm < 0)
		return kvm;
	us = probe_kvm(kvm, e);
	fd_close(&kvm);
	if (us < 0)
		return (int)us;
	printf("kvm: ok (a guest ran %d instructions in %ld us)\n", 2 * PROBE_TURNS, us);
	return 0;
}

const struct applet applet_doctor = {
	.name = "doctor",
	.args = "",
	.help = "Say whether this host can run microVMs, and if not, why",
	.command_after = -1,
	.run = doctor_run,
};
