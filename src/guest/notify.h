/*
 * notify - tells the service manager that started us how we are (sd_notify(3)).
 */
#ifndef GUEST_NOTIFY_H
#define GUEST_NOTIFY_H

/* text: "READY=1", "STOPPING=1". Where NOTIFY_SOCKET does not say whom to tell, nobody is told. 0
 * or a negative errno. */
int notify_manager(const char *text);

#endif
