/*
 * Clients under fault: threads that register, update, remove and read on few keys, each
 * write with a value of its own, and note what they were told and when. A write whose
 * answer is lost is sent again with the same session and sequence number, mostly; some
 * are given up, so that their outcome stays unknown.
 */
#ifndef TESTS_FAULT_CLUSTER_LOAD_H
#define TESTS_FAULT_CLUSTER_LOAD_H

#include "history.h"
#include "member.h"

#define LOAD_KEYS 4 /* instances of one service */

struct load;

struct load_stat {
	uint64_t operations, acknowledged, unknown, refused, repeated;
	uint64_t worst_gap_ms; /* between two acknowledged writes, since the last call */
	uint64_t backwards, unequal, surprises; /* violations that were seen at once */
};

/* pause_ms: mean pause of a client between two operations. c is borrowed. */
struct load *load_start(struct cluster *c, int clients, uint64_t seed, unsigned pause_ms);
void load_stat(struct load *l, struct load_stat *out); /* any thread; resets the gap */
uint64_t load_acknowledged(struct load *l);
/* Waits for the clients to end, reads every key that was ever used once more through each
 * member, and gives what was recorded. Frees. The cluster must be well. */
void load_end(struct load *l, struct history *out, struct load_stat *stat);

/* "s-12/k3" */
void load_name_key(uint32_t key, char text[64]);

#endif
