/*
 * session_parts - struct session and the table of them, for the files they are made of.
 *
 *   session    a command's life: started, drained, ended
 *   sessions   the places of all of them, and the memory that goes with a place
 *   output     what the command says: read, kept, given
 *   viewer     what whoever is attached does
 */
#ifndef GUEST_SESSION_PARTS_H
#define GUEST_SESSION_PARTS_H

#include "base/end.h"
#include "base/util.h"
#include "guest/cgroup.h"
#include "guest/command.h"
#include "guest/intake.h"
#include "guest/kept.h"
#include "guest/session.h"
#include "proto/frame.h"

enum {
	INPUT_ROOM = ALIGN_UP(EXEC_WINDOW, 4096),
	DRAIN_IDLE_MS = 200, /* silence of pipes that outlive their command */
};

enum session_state { SESSION_FREE, SESSION_RUNNING, SESSION_DRAINING, SESSION_ENDED };

/* How far the end of a command nobody wants any more has come. */
enum ending { NOT_ENDING, HUNG_UP, TERMINATED, KILLED };

/* What the command says on stdout, stderr, or its terminal. */
struct output {
	struct end end;
	struct session *s; /* borrowed: embeds us */
	uint8_t type;	   /* of its frames */
	int is_busy;	   /* it has filled its pipe once */
	struct kept kept;  /* without memory: only its offsets count */
	uint64_t sent;	   /* the offset of the next byte for the viewer */
	uint64_t seen;	   /* what he says has reached him, when he says so at all */
	size_t owed;	   /* bytes the command left in the pipe and that must be read */
};

struct session {
	struct sessions *all; /* borrowed: embeds us */
	enum session_state state;
	enum ending ending;
	char id[EXEC_ID_MAX];
	uint64_t digest;
	enum exec_policy policy;
	uint32_t hold_ms;
	int is_main, tty;
	int says_seen; /* the viewer does, or did before he left */
	int was_attached;
	int told; /* the viewer knows the status */

	struct viewer *viewer; /* borrowed; NULL: nobody is attached */
	struct session_heir *heir; /* borrowed; NULL: nobody, or he was told */
	struct child child;
	pid_t pid;		   /* of the child, also when it has ended */
	struct exec_status status; /* once it has */
	unsigned cgroup;
	uint64_t ended_at; /* which of the ended ones is the oldest */
	int64_t drain_until_ms;
	struct timer drain; /* DRAINING: the pipes' silence */
	struct timer life;  /* the next step of ending; or how long nobody may be attached */

	struct output outputs[2];
	int ring;  /* which of the rings; -1: nothing is kept */
	int slave; /* owned; -1 without a terminal, and once the child ended */

	struct intake input;
};

/* Heads lie together, bulk apart: an idle server touches few pages. */
struct sessions {
	struct loop *loop; /* borrowed */
	struct reap *reap; /* borrowed */
	struct session_options options;
	struct command_base base;
	struct cgroups cgroups;
	uint64_t ended;			/* how many so far */
	struct exec_status main_status; /* end 0: it has not */
	struct session list[SESSIONS];
	int ring_taken[SESSIONS_KEPT];
	uint8_t chunk[FRAME_CHUNK];
	_Alignas(4096) uint8_t input_mem[SESSIONS][INPUT_ROOM];
	_Alignas(4096) uint8_t rings[SESSIONS_KEPT][2][EXEC_KEPT];
};

/* --- session --- */

/* Nonzero while the command, or whoever holds its pipes, may say something. */
int session_has_outputs(const struct session *s);
void session_close_wires(struct session *s);

/* Nobody will hear of this command. The session may be no more. */
void session_give_up(struct session *s);

/* For how long an ended session is of use to somebody who attaches. */
unsigned session_afterlife_ms(const struct session *s);

/* After every event: as far as things go now. */
void session_proceed(struct session *s);

/* --- sessions --- */

/* A place that is free, perhaps of one that has ended and that nobody looks at; or NULL. */
struct session *sessions_place(struct sessions *all);

/* The place is free again: the last line of whoever calls it. */
void session_free(struct session *s);

/* From now on output is kept. 0 or -ENOBUFS. The first asks for memory that nobody has. */
int session_take_free_ring(struct session *s);
int session_take_ring(struct session *s);

/* --- output --- */

/* Nonzero when more of the command's output has somewhere to go. */
int output_can_take(const struct output *o);

/* One read. Bytes that came; 0: the end; -EAGAIN: nothing, or no room for it. */
ssize_t output_take(struct output *o);

/* Nonzero when the viewer has had all of it. */
int output_has_given(struct session *s, struct output *o);

/* Where somebody who has seen so much goes on. */
void output_continue_at(struct output *o, uint64_t seen);

#endif
