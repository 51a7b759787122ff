/*
 * text - foreign bytes made fit for a terminal or for JSON.
 */
#ifndef HOST_TEXT_H
#define HOST_TEXT_H

#include <stddef.h>

#include "base/err.h"

/* One line of valid UTF-8 without control characters: what is neither becomes '?'. Cut to
 * cap - 1 bytes. Returns out. */
char *text_clean(char *out, size_t cap, const char *in, size_t len);

/* For a person's eyes: newline and tab stay, other control bytes become \xNN, so that no guest
 * can drive the terminal. Cut to cap - 1 bytes; valid UTF-8. The length. */
size_t text_escape(char *out, size_t cap, const char *in, size_t len);

/* The same of a sentence that has foreign bytes in it. Returns e->code. */
int text_escape_err(struct err *e);

/* a-z as A-Z. Cut to cap - 1 bytes. Returns out. */
char *text_upper(char *out, size_t cap, const char *in);

/* "512 MiB", "1.5 GiB"; "2h14m", "7s". Return out. */
enum { TEXT_UNIT_ROOM = 24 };
char *text_size(char out[TEXT_UNIT_ROOM], unsigned long long bytes);
char *text_duration(char out[TEXT_UNIT_ROOM], long long ms);

#endif
