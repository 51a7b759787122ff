/*
 * witness - sees another init's shutdown to its end, and tells who asked for it that the disks are
 * settled.
 *
 * The agent cannot: a service is ended long before the file systems are. So it leaves a process behind
 * that holds on to the connection, outside the service's cgroup and spared by systemd's last round of
 * signals, until no disk can be written to any more. Where it cannot, nothing is confirmed.
 */
#ifndef GUEST_WITNESS_H
#define GUEST_WITNESS_H

/* fd: the connection of who asked; stays the caller's, too. It is a child that nobody need wait for. */
void witness_leave(int fd);

#endif
