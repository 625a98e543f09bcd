/*
 * How answers begin: the head that every result has, and the errors. Pure.
 */
#ifndef SVCD_SERVER_REPLY_H
#define SVCD_SERVER_REPLY_H

#include "base/bytes.h"
#include "base/err.h"

/* Where an answer comes from (promise 3). */
struct head {
	uint64_t rev;    /* that this member has applied, at least */
	uint32_t age_ms; /* how old that may be */
	bool leader;
	bool no_quorum; /* no leader is known that a majority follows */
};

#define HEAD_ENTRIES 3

/* A whole result: the head, then n map entries. */
void reply_result(struct buf *out, uint32_t id, const struct head *head, uint32_t n,
	struct bytes entries);

/* A whole error, with the time after which a client may try again when that can help.
 * leader: the address for clients of who leads; "" when it is not known or no matter. */
void reply_error(struct buf *out, uint32_t id, const struct err *e, const char *leader);

/* Whether it helps to know who leads. */
bool error_names_leader(int code);

/* 0: trying again does not help. */
uint32_t retry_after_ms(int code);

#endif
