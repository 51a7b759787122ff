/*
 * forwardops - what may be asked of an agent about its forwards: the ops forward_add, forward_ls and
 * forward_rm of agent.sock, and those who ask.
 */
#ifndef HOST_FORWARDOPS_H
#define HOST_FORWARDOPS_H

#include <jansson.h>

#include "host/forwards.h"
#include "host/state.h"

/* --- the agent's side: answers, the caller's --- */

/* {"op":"forward_add","rule":RULE,"save":BOOL}: {"ok":true,"after":ID}; what was added has higher ids. What
 * is saved stands in vm.ini from then on. */
json_t *forwardops_add(struct forwards *fs, const json_t *request);

/* {"op":"forward_ls","after":ID}: {"ok":true,"forwards":[...],"more":BOOL}, those of higher ids, as
 * many as fit into an answer. */
json_t *forwardops_ls(const struct forwards *fs, const json_t *request);

/* {"op":"forward_rm","which":WHICH,"save":BOOL}: see forwards_remove(). */
json_t *forwardops_rm(struct forwards *fs, const json_t *request);

/* --- the others: 0 or negative with *e filled --- */

/* *all: an array of the forwards behind that id, the caller's. */
int forwards_ask(json_t **all, const struct state *s, json_int_t after, struct err *e);

/* *added: an array of what the rule brought; empty of one that begins with "auto". */
int forwards_ask_add(json_t **added, const struct state *s, const char *rule, int is_kept,
		     struct err *e);
int forwards_ask_rm(const struct state *s, const char *which, int is_kept, struct err *e);

#endif
