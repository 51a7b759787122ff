/*
 * control - agent.sock: JSON lines, a request and its answer each.
 *
 * Several clients, each with bounded memory; one that says nothing, says too much, or does not
 * read its answers is dropped. One that asked for events has its connection for them alone, and is
 * dropped when it takes none for some seconds while there are any.
 */
#ifndef HOST_CONTROL_H
#define HOST_CONTROL_H

#include <jansson.h>

#include "base/listener.h"
#include "host/eventstream.h"

enum {
	CONTROL_CLIENTS = 16,
	CONTROL_LINE_MAX = 1024,
	CONTROL_ANSWER_MAX = 16 * 1024,
};

struct control;

struct client {
	struct control *control;    /* borrowed: embeds us */
	struct watch peer;	    /* owned fd; -1 while free */
	struct timer silent;	    /* it is dropped when this is due */
	struct eventstream *stream; /* owned; NULL while it asks and is answered */
	int is_deaf;		    /* its side is closed: there is nothing more to be read */
	int waits;		    /* what for, as its owner counts; 0: it is answered at once */
	size_t have;
	char line[CONTROL_LINE_MAX];
};

struct control {
	struct loop *loop; /* borrowed */
	struct listener listener;
	struct client clients[CONTROL_CLIENTS];
	/* To be answered with client_answer(), or later after client_waits(). */
	void (*request)(struct client *c, const json_t *request);
};

#define CONTROL_NONE ((struct control){ .listener = LISTENER_INIT })

/* Takes over the listening socket. 0 or a negative errno. */
int control_start(struct control *k, struct loop *l, int listen_fd,
		  void (*request)(struct client *c, const json_t *request));

/* Takes over the answer. The client may be gone afterwards. */
void client_answer(struct client *c, json_t *answer);
void client_waits(struct client *c);

/* Takes over the stream, and sends what there is. The client may be gone afterwards. */
void client_stream(struct client *c, struct eventstream *s);

/* There may be more for those who follow. */
void control_events(struct control *k);

/* The same for something that comes before the VM's end; `what` is above 1. */
void client_waits_for(struct client *c, int what);

/* Tells all who wait; or all who wait for that. Takes over the answer. */
void control_tell_waiting(struct control *k, json_t *answer);
void control_tell(struct control *k, int what, json_t *answer);

void control_stop(struct control *k);

#endif
