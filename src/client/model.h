/*
 * What a watcher knows of one service, and the rule by which events change it. Pure.
 *
 * A delta applies only on exactly the revision it starts from (0: on nothing); a digest
 * that does not fit proves that we diverged. Either way nothing changes and the caller
 * asks for a snapshot. Revisions never go backwards: what an older member says is
 * ignored.
 */
#ifndef SVCD_CLIENT_MODEL_H
#define SVCD_CLIENT_MODEL_H

#include "client/event.h"

/* Items as they will be; becomes the model's or is thrown away. */
struct draft {
	struct item **items; /* by id, ascending */
	size_t n;
	size_t cap;
	uint64_t digest; /* sum of the items' hashes */
};

struct model {
	bool known;      /* something was applied */
	bool missing;    /* the service does not exist; n is 0 then */
	uint64_t rev;    /* deltas apply on it; 0 while missing */
	uint64_t newest; /* revision that was known last; never less than rev */
	uint64_t digest; /* sum of the items' hashes */
	size_t n;
	struct item **items; /* by id, ascending */

	struct draft parts; /* the parts of a snapshot that came so far */
	uint64_t parts_rev;
	uint32_t next_part; /* 0: none came */
};

enum model_verdict {
	MODEL_SNAPSHOT, /* replaced as a whole */
	MODEL_CHANGE,   /* one revision later */
	MODEL_SAME,     /* nothing new, or older than what is known */
	MODEL_PART,     /* kept until the other parts are there */
	MODEL_GAP,      /* a delta from another revision than ours */
	MODEL_WRONG     /* the digest does not fit */
};

/*
 * member_rev: what the member that sent ev has applied in all; a service that it does not
 * know is missing only if the member is not behind us. trust: take a snapshot whose
 * digest does not fit. 0 with *verdict set, or SVCD_ENOMEM, SVCD_EPROTOCOL and nothing
 * changed.
 */
int model_apply(struct model *m, const struct event *ev, uint64_t member_rev, bool trust,
	enum model_verdict *verdict);

/* Forgets the revisions, not the items: for another cluster's numbers. */
void model_restart(struct model *m);
void model_fini(struct model *m);        /* leaves m valid and empty */
void model_check(const struct model *m); /* asserts the invariants */

#endif
