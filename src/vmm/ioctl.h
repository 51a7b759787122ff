/*
 * ioctl - KVM's calls. musl's ioctl() takes an int, where half of KVM's request numbers overflow;
 * the kernel only looks at 32 bits of them.
 */
#ifndef VMM_IOCTL_H
#define VMM_IOCTL_H

#include <sys/ioctl.h>

#define kvm_ioctl(fd, request, arg) ioctl((fd), (int)(request), (arg))

#endif
