/*
 * As the leader: answers what other members ask about leases. On the control thread.
 */
#ifndef SVCD_SERVER_LEADING_H
#define SVCD_SERVER_LEADING_H

#include "server/ageing.h"

/* A member whose clients renew here. Guarded by the lease table as far as holder goes. */
struct leading_member {
	uint64_t node; /* 0: free */
	struct lease_holder holder;
};

struct leading {
	struct server *server;
	struct reader *reader;
	struct ageing *ageing; /* told when leases are queued to be ended */
	struct leading_member members[REPLICA_MEMBERS_MAX];
	struct list waiting; /* questions, until it is sure that we lead */
};

void leading_init(
	struct leading *l, struct server *s, struct reader *reader, struct ageing *a);

/* For replica_on_ask. */
void leading_on_question(void *arg, struct replica_question *q);

/* It is sure now whether we lead, or will not be soon: answers all that wait. */
void leading_resume(struct leading *l);

/* A connection of this member, which leads, ended: false: ask again later. */
bool leading_close(struct leading *l, uint64_t id);

#endif
