/* Leases of the leader. A lease is in exactly the places that its state says, see
 * lease_move. */
#include "server/lease.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/heap.h"
#include "base/map.h"

#define TAKE_CHUNK 2000 /* deadlines looked at per hold of the lock */
#define TAKE_CHUNKS 50  /* … and per call */
#define MANY_LEASES 100000

enum lease_state {
	LEASE_LIVE,   /* on the heap; in its holder's list when it has one */
	LEASE_CLOSED, /* in the queue of those whose connection ended */
	LEASE_ENDING, /* taken: its end is proposed */
	LEASE_STATES
};

static const bool lease_moves[LEASE_STATES][LEASE_STATES] = {
	[LEASE_LIVE] = {[LEASE_CLOSED] = true, [LEASE_ENDING] = true},
	[LEASE_CLOSED] = {[LEASE_LIVE] = true, [LEASE_ENDING] = true},
	[LEASE_ENDING] = {[LEASE_LIVE] = true, [LEASE_CLOSED] = true},
};

struct entry {
	uint64_t id;
	uint64_t renewed; /* lease time */
	struct heap_node due;
	struct list node; /* holder's list or queue */
	struct lease_holder *holder;
	uint32_t ttl_ms;
	uint8_t state;
	bool drop_on_close;
	bool was_closed; /* ENDING: came from CLOSED */
};

struct leases {
	pthread_mutex_t lock;
	struct map by_id;
	struct heap deadlines;
	struct list closed;
	uint64_t clock_ms;     /* lease time; starts at 1 */
	uint64_t led_ms;       /* lease time of leases_lead */
	uint64_t confirmed_ms; /* newest leases_confirm */
	bool confirmed;        /* there was one since leases_lead */
	uint64_t advanced_ms;  /* of the last advance; 0: none yet */
	uint64_t tokens;       /* thousandths of an expiry */
	uint32_t per_second;
	bool leading;
	bool of_connections;
};

static struct bytes entry_key(const void *item)
{
	const struct entry *e = item;

	return bytes_of(&e->id, sizeof(e->id));
}

static struct entry *entry_find(const struct leases *l, uint64_t id)
{
	return map_get(&l->by_id, bytes_of(&id, sizeof(id)));
}

struct leases *leases_new(uint32_t expiries_per_second)
{
	struct leases *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	map_init(&l->by_id, entry_key);
	heap_init(&l->deadlines);
	list_init(&l->closed);
	l->clock_ms = 1;
	l->per_second = expiries_per_second;
	return l;
}

struct leases *leases_of_connections(void)
{
	struct leases *l = leases_new(0);

	if (l != NULL)
		l->of_connections = l->leading = true;
	return l;
}

void lease_holder_init(struct lease_holder *h)
{
	list_init(&h->leases);
}

static void entry_leave(struct leases *l, struct entry *e)
{
	heap_remove(&l->deadlines, &e->due);
	list_remove(&e->node);
}

static void entry_forget(struct leases *l, struct entry *e)
{
	map_remove(&l->by_id, entry_key(e));
	entry_leave(l, e);
	free(e);
}

static void forget_all(struct leases *l)
{
	struct entry *e;
	size_t at = 0;

	while ((e = map_next(&l->by_id, &at)) != NULL)
		entry_forget(l, e);
}

void leases_free(struct leases *l)
{
	if (l == NULL)
		return;
	forget_all(l);
	map_fini(&l->by_id);
	heap_fini(&l->deadlines);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* Cannot fail when the entry was on the heap before: leases_add reserves its place. */
static int entry_arm(struct leases *l, struct entry *e)
{
	return heap_push(&l->deadlines, &e->due, e->renewed + e->ttl_ms + LEASE_SLACK_MS);
}

static void entry_hold(struct entry *e, struct lease_holder *holder)
{
	if (e->holder == holder)
		return;
	list_remove(&e->node);
	e->holder = holder;
	if (holder != NULL)
		list_push(&holder->leases, &e->node);
}

/* The one place where a lease changes its state. Without memory a lease stays as it is.
 */
static bool lease_move(struct leases *l, struct entry *e, enum lease_state to)
{
	assert(lease_moves[e->state][to]);
	if (to == LEASE_LIVE && entry_arm(l, e) != 0)
		return false;
	if (to != LEASE_LIVE)
		heap_remove(&l->deadlines, &e->due);
	list_remove(&e->node);
	e->holder = NULL;
	if (to == LEASE_CLOSED)
		list_push(&l->closed, &e->node);
	e->was_closed = e->state == LEASE_CLOSED;
	e->state = (uint8_t)to;
	return true;
}

void leases_lead(struct leases *l)
{
	pthread_mutex_lock(&l->lock);
	forget_all(l);
	l->leading = true;
	l->led_ms = l->clock_ms;
	l->confirmed = false;
	l->tokens = 0;
	pthread_mutex_unlock(&l->lock);
}

void leases_follow(struct leases *l)
{
	pthread_mutex_lock(&l->lock);
	forget_all(l);
	l->leading = false;
	pthread_mutex_unlock(&l->lock);
}

bool leases_leading(struct leases *l)
{
	bool leading;

	pthread_mutex_lock(&l->lock);
	leading = l->leading;
	pthread_mutex_unlock(&l->lock);
	return leading;
}

/* The leader before may confirm renewals for LEASE_TRUST_MS: who was renewed by then is
 * renewed at its end. */
static uint64_t renewed_now(const struct leases *l)
{
	uint64_t trusted_ms = l->led_ms + LEASE_TRUST_MS;

	return l->clock_ms > trusted_ms ? l->clock_ms : trusted_ms;
}

/* False when its end is on the way. */
static bool entry_renew(struct leases *l, struct entry *e, struct lease_holder *holder)
{
	if (e->state == LEASE_ENDING)
		return false;
	e->renewed = renewed_now(l);
	if (e->state == LEASE_CLOSED && !lease_move(l, e, LEASE_LIVE))
		return false;
	entry_hold(e, holder);
	return true;
}

static int entry_new(
	struct leases *l, const struct lease *lease, struct lease_holder *holder)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return SVCD_ENOMEM;
	e->id = lease->id;
	e->ttl_ms = (uint32_t)lease->ttl_ms;
	e->drop_on_close = lease->drop_on_close;
	e->renewed = renewed_now(l);
	e->state = LEASE_LIVE;
	if (entry_arm(l, e) != 0 || map_put(&l->by_id, e) != 0) {
		heap_remove(&l->deadlines, &e->due);
		free(e);
		return SVCD_ENOMEM;
	}
	entry_hold(e, holder);
	return 0;
}

int leases_add(struct leases *l, const struct lease *lease, struct lease_holder *holder)
{
	struct entry *e;
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	e = entry_find(l, lease->id);
	if (!l->leading)
		rc = SVCD_ENOLEADER;
	else if (e == NULL)
		rc = entry_new(l, lease, holder);
	else if (e->state == LEASE_ENDING)
		rc = SVCD_ECONFLICT;
	else if (holder != NULL && !entry_renew(l, e, holder))
		rc = SVCD_ENOMEM;
	pthread_mutex_unlock(&l->lock);
	return rc;
}

static int renew_locked(struct leases *l, const uint64_t *ids, uint32_t n,
	struct lease_holder *holder, uint64_t *lost, uint64_t *ttl_ms)
{
	int n_lost = 0;
	bool any = false;

	if (!l->leading)
		return SVCD_ENOLEADER;
	for (uint32_t i = 0; i < n; i++) {
		struct entry *e = entry_find(l, ids[i]);

		if (e == NULL || !entry_renew(l, e, holder)) {
			lost[n_lost++] = ids[i];
			continue;
		}
		if (!any)
			*ttl_ms = e->ttl_ms;
		any = true;
	}
	return n_lost;
}

int leases_renew(struct leases *l, const uint64_t *ids, uint32_t n,
	struct lease_holder *holder, uint64_t *lost, uint64_t *ttl_ms)
{
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = renew_locked(l, ids, n, holder, lost, ttl_ms);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

/* Longer than lease_interval_ms asks anybody to wait. */
static uint64_t grace_of(const struct entry *e)
{
	return e->ttl_ms / 2 > LEASE_GRACE_MS ? e->ttl_ms / 2 : LEASE_GRACE_MS;
}

static enum lease_close close_locked(
	struct leases *l, struct entry *e, const struct lease_holder *holder)
{
	if (e == NULL || e->state != LEASE_LIVE || !e->drop_on_close)
		return LEASE_NOT_CLOSED;
	if (e->holder != holder && e->holder != NULL)
		return LEASE_NOT_CLOSED;
	if (e->holder == NULL && l->clock_ms < l->led_ms + grace_of(e))
		return LEASE_CLOSE_LATER;
	lease_move(l, e, LEASE_CLOSED);
	return LEASE_QUEUED;
}

enum lease_close leases_close(struct leases *l, uint64_t id, struct lease_holder *holder)
{
	enum lease_close result;

	pthread_mutex_lock(&l->lock);
	result = close_locked(l, entry_find(l, id), holder);
	pthread_mutex_unlock(&l->lock);
	return result;
}

bool leases_has(struct leases *l, uint64_t id)
{
	const struct entry *e;
	bool has;

	pthread_mutex_lock(&l->lock);
	e = entry_find(l, id);
	has = e != NULL && e->state != LEASE_ENDING;
	pthread_mutex_unlock(&l->lock);
	return has;
}

void leases_remove(struct leases *l, uint64_t id)
{
	struct entry *e;

	pthread_mutex_lock(&l->lock);
	e = entry_find(l, id);
	if (e != NULL)
		entry_forget(l, e);
	pthread_mutex_unlock(&l->lock);
}

size_t leases_release(struct leases *l, struct lease_holder *holder, bool drop)
{
	size_t queued = 0;
	struct list *n;

	pthread_mutex_lock(&l->lock);
	while ((n = list_pop(&holder->leases)) != NULL) {
		struct entry *e = container_of(n, struct entry, node);

		e->holder = NULL;
		if (drop && e->drop_on_close) {
			lease_move(l, e, LEASE_CLOSED);
			queued++;
		} else if (l->of_connections) {
			entry_forget(l, e);
		}
	}
	pthread_mutex_unlock(&l->lock);
	return queued;
}

void leases_confirm(struct leases *l, uint64_t asked_ms)
{
	pthread_mutex_lock(&l->lock);
	l->confirmed = l->leading;
	l->confirmed_ms = asked_ms;
	pthread_mutex_unlock(&l->lock);
}

bool leases_doubted(struct leases *l, uint64_t now_ms)
{
	bool doubted;

	pthread_mutex_lock(&l->lock);
	doubted = l->leading &&
		(!l->confirmed || now_ms > l->confirmed_ms + LEASE_TRUST_MS);
	pthread_mutex_unlock(&l->lock);
	return doubted;
}

static void advance_locked(struct leases *l, uint64_t now_ms, bool serving)
{
	uint64_t step = l->advanced_ms == 0 ? 0 : now_ms - l->advanced_ms;
	uint64_t cap = (uint64_t)l->per_second * 100; /* a tenth of a second's expiries */

	l->advanced_ms = now_ms;
	if (!serving)
		return;
	if (step > LEASE_STEP_MAX_MS)
		step = LEASE_STEP_MAX_MS;
	l->clock_ms += step;
	l->tokens += step * l->per_second;
	if (l->tokens > cap + 1000)
		l->tokens = cap + 1000;
}

void leases_advance(struct leases *l, uint64_t now_ms, bool serving)
{
	pthread_mutex_lock(&l->lock);
	advance_locked(l, now_ms, serving);
	pthread_mutex_unlock(&l->lock);
}

static size_t take_closed(struct leases *l, uint64_t *ids, size_t max)
{
	size_t n = 0;

	while (n < max && !list_empty(&l->closed)) {
		struct entry *e = container_of(l->closed.next, struct entry, node);

		lease_move(l, e, LEASE_ENDING);
		ids[n++] = e->id;
	}
	return n;
}

/* Up to TAKE_CHUNK deadlines that came up: renewed ones are armed anew, the others are
 * taken. False when nothing more can be done now. */
static bool take_expired(struct leases *l, uint64_t *ids, size_t max, size_t *n)
{
	for (int i = 0; i < TAKE_CHUNK && *n < max; i++) {
		struct heap_node *min = heap_min(&l->deadlines);
		struct entry *e;

		if (min == NULL || min->key > l->clock_ms)
			return false;
		e = container_of(min, struct entry, due);
		if (e->renewed + e->ttl_ms + LEASE_SLACK_MS > l->clock_ms) {
			entry_arm(l, e);
			continue;
		}
		if (l->tokens < 1000)
			return false;
		l->tokens -= 1000;
		lease_move(l, e, LEASE_ENDING);
		ids[(*n)++] = e->id;
	}
	return *n < max;
}

size_t leases_take(struct leases *l, uint64_t *ids, size_t max, enum cause_kind *cause)
{
	bool more = true;
	size_t n;

	pthread_mutex_lock(&l->lock);
	n = take_closed(l, ids, max);
	pthread_mutex_unlock(&l->lock);
	if (n > 0) {
		*cause = CAUSE_LEASE_CLOSED;
		return n;
	}
	*cause = CAUSE_LEASE_EXPIRED;
	for (int i = 0; i < TAKE_CHUNKS && more; i++) {
		pthread_mutex_lock(&l->lock);
		more = take_expired(l, ids, max, &n);
		pthread_mutex_unlock(&l->lock);
	}
	return n;
}

void leases_ended(struct leases *l, const uint64_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		leases_remove(l, ids[i]);
}

void leases_refused(struct leases *l, const uint64_t *ids, size_t n)
{
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < n; i++) {
		struct entry *e = entry_find(l, ids[i]);

		/* Without memory for the heap a lease waits in the queue of the closed.
		 */
		if (e != NULL && e->state == LEASE_ENDING &&
			(e->was_closed || !lease_move(l, e, LEASE_LIVE)))
			lease_move(l, e, LEASE_CLOSED);
	}
	pthread_mutex_unlock(&l->lock);
}

size_t leases_count(struct leases *l)
{
	size_t n;

	pthread_mutex_lock(&l->lock);
	n = map_len(&l->by_id);
	pthread_mutex_unlock(&l->lock);
	return n;
}

uint64_t leases_clock_ms(struct leases *l)
{
	uint64_t clock_ms;

	pthread_mutex_lock(&l->lock);
	clock_ms = l->clock_ms;
	pthread_mutex_unlock(&l->lock);
	return clock_ms;
}

/* Two renewals may be lost before the deadline; with many leases one, for a fifth less
 * work. */
uint64_t lease_interval_ms(uint64_t ttl_ms, size_t leases)
{
	return leases < MANY_LEASES ? ttl_ms / 3 : ttl_ms * 2 / 5;
}

uint64_t lease_phase_ms(uint64_t lease, uint64_t interval_ms)
{
	return interval_ms == 0
		? 0
		: bytes_hash(bytes_of(&lease, sizeof(lease))) % interval_ms;
}

void leases_check(struct leases *l)
{
	const struct entry *e;
	size_t at = 0;
	size_t live = 0;

	pthread_mutex_lock(&l->lock);
	heap_check(&l->deadlines);
	map_check(&l->by_id);
	while ((e = map_next(&l->by_id, &at)) != NULL) {
		bool listed = e->node.next != NULL && !list_empty(&e->node);

		assert(heap_has(&e->due) == (e->state == LEASE_LIVE));
		assert(e->holder == NULL || e->state == LEASE_LIVE);
		assert(listed == (e->holder != NULL || e->state == LEASE_CLOSED));
		assert(e->due.key <= e->renewed + e->ttl_ms + LEASE_SLACK_MS);
		live += e->state == LEASE_LIVE;
	}
	assert(live == l->deadlines.len);
	pthread_mutex_unlock(&l->lock);
}
