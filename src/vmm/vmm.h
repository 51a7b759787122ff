/*
 * vmm - the process that is the machine: a description comes in on one descriptor, how it ended
 * goes out on another (proto/spec.h), and nothing else is asked of the host.
 */
#ifndef VMM_VMM_H
#define VMM_VMM_H

/* The process's exit status: 0 when the status channel was told how it ended. */
int vmm_main(void);

#endif
