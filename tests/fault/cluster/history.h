/*
 * What clients did and saw, as recorded by many threads, and what must hold of it:
 *
 *	- each key's history is linearizable (linear.h);
 *	- revisions agree with real time: who was called after somebody else had his
 *answer has the greater one, whatever the keys;
 *	- a read at revision r shows no value that an acknowledged write up to r replaced,
 *	  and nothing removed. This holds of local reads too.
 *
 * The last two use the revisions that the registry tells, the first one does not trust
 * them. Pure; a history belongs to one thread.
 */
#ifndef TESTS_FAULT_CLUSTER_HISTORY_H
#define TESTS_FAULT_CLUSTER_HISTORY_H

#include <stdio.h>

#include "../linear.h"

struct record {
	struct linear_op op;
	uint64_t rev; /* of the write; or that the read's member had applied at least; 0:
			 not told */
	uint32_t key;
	bool local; /* a read of one member's state: not part of the linear history */
};

struct history {
	struct record *items;
	size_t len, cap;
};

void history_add(struct history *h, const struct record *r); /* copies */
void history_take(struct history *h, struct history *from);  /* all of it; from is empty
								then */
void history_fini(struct history *h);

struct history_verdict {
	size_t operations, keys;
	size_t not_linear, undecided;  /* keys */
	size_t out_of_order, outdated; /* pairs; reads */
	size_t peak;                   /* see linear_report */
};

/* Sorts h. Faults are told to out (may be NULL) with the operations around them, at most
 * eight of them. name_key writes a key for people. True when there is none. */
bool history_check(struct history *h, struct history_verdict *v, FILE *out,
	void (*name_key)(uint32_t key, char text[64]));

#endif
