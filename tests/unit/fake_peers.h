/*
 * replica/peers.h as far as checkpoints use it, without sockets: frames wait in one queue
 * until the test delivers them, loses them with a broken connection, or damages them.
 */
#ifndef TESTS_UNIT_FAKE_PEERS_H
#define TESTS_UNIT_FAKE_PEERS_H

#include "replica/peers.h"

struct fake_frame {
	struct list node;
	struct peers *to;
	uint64_t from;
	bool reply;
	enum peer_kind kind;
	struct buf body;
};

struct fake_wires {
	struct list queue;
	struct peers *members[4];
	size_t n;
	uint64_t delivered;   /* frames so far */
	uint64_t cut_at;      /* the frame of that number and all behind it are lost, and
				 the connections break; 0: none */
	uint64_t corrupt_at;  /* likewise: one bit of the chunk's data; 0: none */
	bool cut, corrupted;  /* it came to that */
	uint64_t chunk_bytes; /* delivered */
	size_t room;          /* frames that wait at most; 0: no bound */
};

struct fake_events {
	void (*frame)(void *arg, uint64_t from, enum peer_kind kind, struct bytes body);
	void (*up)(void *arg, uint64_t node, bool up);
	void (*drained)(void *arg, uint64_t node);
};

struct peers {
	struct fake_wires *wires;
	uint64_t node;
	const struct fake_events *events;
	void *arg;
	bool gone;           /* does not run */
	uint64_t up[4];      /* connected to, dialled by us */
	uint64_t dialled[4]; /* and what somebody wanted to be */
	bool blocked;        /* said SVCD_EAGAIN */
};

void fake_wires_init(struct fake_wires *w);
void fake_wires_fini(struct fake_wires *w);
struct peers *fake_peers_new(
	struct fake_wires *w, uint64_t node, const struct fake_events *events, void *arg);
/* All connections are over, and what was under way is lost. */
void fake_wires_break(struct fake_wires *w);
/* Delivers one frame, or a connection that was dialled; false when there is nothing. */
bool fake_wires_step(struct fake_wires *w);

#endif
