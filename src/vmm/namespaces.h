/*
 * namespaces - a process that sees no network, no mounts and no names but its own (namespaces(7)), and holds no
 * capability over anybody else's.
 *
 * The third lock, behind the filter of system calls and Landlock: what no path leads to, abstract unix
 * sockets first of all, is in another world. A unix socket is still connected to by its path.
 */
#ifndef VMM_NAMESPACES_H
#define VMM_NAMESPACES_H

/* Of the process, before it has threads. 0, or a negative errno: the host permits it none, and it is
 * where it was, but for its capabilities. */
int namespaces_enter(void);

/* 0: such a process may have its own; or a negative errno. Tried by a child of ours. */
int namespaces_offered(void);

#endif
