/*
 * How far a member that joins is, from what it says of itself. Pure.
 */
#ifndef SVCCTL_JOINING_H
#define SVCCTL_JOINING_H

#include "svcctl/members.h"

enum join_stage {
	JOIN_DISCOVERING, /* it is there again and knows no other member yet */
	JOIN_COPYING,     /* a checkpoint */
	JOIN_CHECKING,    /* it, and making the state of it */
	JOIN_CATCHING_UP, /* entries of the log behind it */
	JOIN_STANDBY,     /* it has all */
	JOIN_VOTER
};

struct joining {
	enum join_stage stage;
	uint64_t done, bytes; /* of the checkpoint */
	uint64_t behind;      /* entries */
};

struct joining joining_of(const struct members *m);

#endif
