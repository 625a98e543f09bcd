/*
 * The leases of the leader: in memory, aged by a clock of their own.
 *
 * A lease lives as long as it is renewed; renewals touch this table only, never the log.
 * The clock of the leases is moved by leases_advance and stands still while the leader
 * cannot serve, so a registry that was away takes nobody's lease (promise 7). Deadlines
 * are lazy: a renewal writes one number, the heap learns of it when the old deadline
 * comes up.
 *
 * Who granted or renewed a lease last is its holder. When a holder ends, its leases that
 * were granted with on_close "drop" are queued to be ended at once; the others are left
 * to their deadline.
 *
 * There are two such tables. In the leader's the holders are members: those whose clients
 * renew. Beside it each member has one of the leases that its own connections hold, with
 * a clock that stands; it outlives changes of the leader, and tells whose end is to be
 * asked for when a connection ends (closing.h).
 *
 * Any thread: one mutex, held for some hundred nanoseconds per lease. Lookups never come
 * here.
 */
#ifndef SVCD_SERVER_LEASE_H
#define SVCD_SERVER_LEASE_H

#include "base/list.h"
#include "catalog/types.h"

/* The clock moves in steps, and what is more than STEP_MAX between two advances is time
 * in which we did not run. A renewal is noted as of the step before it, so deadlines are
 * later by a whole step. */
#define LEASE_STEP_MAX_MS 200
#define LEASE_SLACK_MS LEASE_STEP_MAX_MS

struct leases;

/* Part of a connection, or of what is known of a member: the leases that end with it.
 * Guarded by the table. */
struct lease_holder {
	struct list leases;
};

struct leases *leases_new(uint32_t expiries_per_second); /* NULL when out of memory */
/* A table of what the connections of this member hold: its clock stands, what it is not
 * asked to end it forgets when the holder ends. */
struct leases *leases_of_connections(void);
void leases_free(struct leases *l);
void lease_holder_init(struct lease_holder *h);

/* Starts with an empty table; leases_add all that the store has. */
void leases_lead(struct leases *l);
void leases_follow(struct leases *l); /* somebody else leads: forgets everything */
bool leases_leading(struct leases *l);

/*
 * Whether we may have stopped leading without knowing it: cut off, stopped, or asleep.
 * Then a renewal that is confirmed here might not be one. A majority of the voters that
 * answered a question of asked_ms had elected nobody else by then: what they said counts
 * for LEASE_TRUST_MS, and as much longer is the first TTL after leases_lead, for what the
 * leader before may have confirmed since. That holds for any delay of the network, it
 * takes only clocks that run equally fast. Doubted, too, until the first
 * leases_confirm. Ask before each renewal.
 */
#define LEASE_TRUST_MS 600
void leases_confirm(struct leases *l, uint64_t asked_ms);
bool leases_doubted(struct leases *l, uint64_t now_ms);

/* A whole TTL from now, and LEASE_TRUST_MS more of those that leases_lead began with.
 * holder may be NULL: nobody holds it; one that is known then stays
 * as it is, otherwise it is renewed and changes its holder. SVCD_ECONFLICT: it is ending.
 * SVCD_ENOMEM, SVCD_ENOLEADER. */
int leases_add(struct leases *l, const struct lease *lease, struct lease_holder *holder);

/* Renews what is known and makes holder the holder; the others are put into lost. Returns
 * how many are lost, or SVCD_ENOLEADER. *ttl_ms: of the first that was renewed. lost may
 * be ids itself. */
int leases_renew(struct leases *l, const uint64_t *ids, uint32_t n,
	struct lease_holder *holder, uint64_t *lost, uint64_t *ttl_ms);

/*
 * The holder's connection ended: the lease is queued to be ended, unless it is to be kept
 * or somebody else holds it by now. A table that is new knows no holders: then who held
 * it may be one who has moved to another member and renews in its own time there: what
 * nobody has renewed yet is not ended for as long as a renewal may take to come, half its
 * TTL, and LEASE_GRACE_MS of lease time at least: ask again.
 */
#define LEASE_GRACE_MS 3000
enum lease_close { LEASE_NOT_CLOSED, LEASE_QUEUED, LEASE_CLOSE_LATER };
enum lease_close leases_close(struct leases *l, uint64_t id, struct lease_holder *holder);

/* It is gone from the catalog. Unknown is fine. */
void leases_remove(struct leases *l, uint64_t id);

/* The connection ended. With drop, those that want it are queued to be ended; otherwise
 * all are kept until their deadline. Returns how many were queued. */
size_t leases_release(struct leases *l, struct lease_holder *holder, bool drop);

/* Whether it is in the table, and not on its way out. */
bool leases_has(struct leases *l, uint64_t id);

/* Time passes. While not serving the clock stands. */
void leases_advance(struct leases *l, uint64_t now_ms, bool serving);

/*
 * The next leases to end, at most max, all for *cause: first those of closed connections,
 * then the expired, which are paced. The caller proposes their end and then says how that
 * went.
 */
size_t leases_take(struct leases *l, uint64_t *ids, size_t max, enum cause_kind *cause);
void leases_ended(struct leases *l, const uint64_t *ids, size_t n);
void leases_refused(struct leases *l, const uint64_t *ids, size_t n); /* they are taken
									 again later */

size_t leases_count(struct leases *l);
uint64_t leases_clock_ms(struct leases *l); /* lease time: what leases_advance counted */

/* How often to renew, and how long to wait before the first renewal: spreads the clients.
 * Pure. */
uint64_t lease_interval_ms(uint64_t ttl_ms, size_t leases);
uint64_t lease_phase_ms(uint64_t lease, uint64_t interval_ms);

void leases_check(struct leases *l); /* asserts the invariants; O(n), for tests */

#endif
