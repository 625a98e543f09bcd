/* What all builders of commands share. */
#ifndef SVCD_CATALOG_COMMAND_HEAD_H
#define SVCD_CATALOG_COMMAND_HEAD_H

#include "catalog/command.h"
#include "catalog/validate.h"

/* Every write has these parameters; at the start of the struct that its rows decode into.
 */
struct write_params {
	uint64_t session, seq;
};

#define WRITE_ROWS \
	{"session", FIELD_U64, offsetof(struct write_params, session), false, 1, \
		UINT64_MAX}, \
	{ \
		"seq", FIELD_U64, offsetof(struct write_params, seq), false, 1, \
			UINT64_MAX \
	}

int write_params_check(
	const struct where *w, const struct write_params *p, struct err *e);

/* Format, kind, session, sequence number and actor (cut to LIMIT_ACTOR). p may be NULL.
 */
void command_begin(struct buf *out, enum command_kind kind, const struct write_params *p,
	struct bytes actor);

/* Gives rv, or what happened to out since it was mark long. On failure out is as it was
 * then. */
int command_finish(struct buf *out, size_t mark, int rv, struct err *e);

/* v up to max bytes, not cut within a character. */
struct bytes text_cut(struct bytes v, size_t max);

#endif
