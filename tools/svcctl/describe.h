/*
 * Parts of the screens that tell about one instance or service in words.
 */
#ifndef SVCCTL_DESCRIBE_H
#define SVCCTL_DESCRIBE_H

#include "svcctl/columns.h"

/* "  label       " in dim letters; what follows is the caller's, with the newline. */
void put_label(FILE *out, const struct view *v, const char *label);
/* The same with a text, or nothing at all when it is empty. */
void put_line(FILE *out, const struct view *v, const char *label, const char *text);

/* The cell of a column as text; caller frees. */
char *cell_as_text(
	cell_fn *cell, const char *key, const struct view *v, const struct row *r);

/* "up" in its colour. */
void put_state(FILE *out, const struct view *v, const char *state);
/* " for 41s", or nothing when the time is not known. */
void put_for(
	FILE *out, const struct view *v, const struct svcd_value *map, const char *key);

/* "http GET /health, port http, every 5s, timeout 1s, rise 2, fall 3" of a check. */
void put_check_words(FILE *out, const struct svcd_value *check);

/* What the check has seen: "failing: connection refused, 3 in a row, 2s ago". Nothing
 * when it has not run. */
void put_evidence(FILE *out, const struct svcd_value *check);

/* A cause of the protocol: "its lease expired" for lease_expired. */
void put_cause_words(FILE *out, const char *cause);
/* Cause and actor of an instance or event: "set by svcctl anna@devbox". */
void put_cause(FILE *out, const struct svcd_value *map);

/* An event of the history in a few words: "up → down", "registered", "weight 100 → 5". */
void put_happening(FILE *out, const struct view *v, const struct svcd_value *event);

#endif
