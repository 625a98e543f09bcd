/*
 * net/ without a kernel, replaced at link time: a clock that moves only when told to,
 * timers, outgoing connections whose fate the test decides, names that resolve as the
 * test says. One loop, one thread. What it promises is what net/loop.h, net/conn.h and
 * net/resolve.h promise, as far as health checks use it.
 */
#ifndef TESTS_SIM_FAKE_NET_H
#define TESTS_SIM_FAKE_NET_H

#include "net/conn.h"
#include "net/resolve.h"

#define FAKE_NEVER UINT32_MAX

/* What becomes of a connection. */
struct fake_fate {
	uint32_t connect_ms; /* until it opens or fails; FAKE_NEVER: as if the host were
				dead */
	int connect_errno;   /* 0: it opens */
	int dial_errno;      /* not 0: conn_dial itself fails, as without descriptors */
	uint32_t answer_ms;  /* after it opened; FAKE_NEVER: silence */
	const char *answer;  /* NULL: the peer closes instead */
};

/* Of a name that is no numeric address. */
struct fake_name {
	uint32_t ms; /* FAKE_NEVER: no answer */
	int rc;
	const char *address; /* "tcp:10.0.0.1:80", when rc is 0 */
};

struct fake_world {
	struct fake_fate (*fate)(const struct net_addr *to, uint64_t now_ms);
	struct fake_name (*name)(const char *host);
	/* counted */
	uint64_t dials;
	uint64_t aborts;
	uint32_t open, open_most; /* connections that are there */
};
extern struct fake_world fake;

struct loop *fake_loop_new(uint64_t now_ms);
void fake_loop_free(struct loop *l); /* asserts that nothing is left */

void fake_run_until(struct loop *l, uint64_t ms); /* everything that is due, in order;
						     then it is ms */
/* The clock moves, nothing is done: what becomes due meanwhile is late at the next run.
 */
void fake_stall(struct loop *l, uint64_t ms);
void fake_set_lag(struct loop *l, uint64_t lag_ms); /* what loop_lag_ms says from now on
						     */

#endif
