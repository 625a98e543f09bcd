/*
 * Cluster time, ticks of the catalog, and the one timer of the thread.
 */
#include "replica/replica_internal.h"

#define TICK_AGAIN_MS \
	1000 /* when a tick did not do away with what was due, or was refused */

/* Time does not pass while there is no leader: it goes on from the last stamp, or from
 * where the leader before was when we heard it last. */
void timing_changed(struct replica *r)
{
	struct driver_status s;

	driver_status(r->driver, &s);
	if (s.ready && !r->time.running) {
		r->time = (struct time_base){.running = true,
			.base_ms = r->time_ms > r->heard_time_ms ? r->time_ms
								 : r->heard_time_ms,
			.at_ms = replica_now_ms(r)};
	} else if (!s.ready && r->time.running) {
		r->time.running = false;
		r->led_until_ms = replica_now_ms(r) - r->election_ms;
	}
}

uint64_t replica_time_ms(const struct replica *r)
{
	if (!r->time.running)
		return r->time_ms;
	return r->time.base_ms + (replica_now_ms(r) - r->time.at_ms);
}

bool timing_tick_due(const struct replica *r)
{
	return r->time.running && !r->tick_in_flight &&
		r->next_due_ms <= replica_time_ms(r) &&
		replica_now_ms(r) >= r->tick_not_before_ms;
}

void timing_tick_begun(struct replica *r)
{
	r->tick_in_flight = true;
	r->tick_due_ms = r->next_due_ms;
}

void timing_tick_over(struct replica *r)
{
	r->tick_in_flight = false;
	if (r->next_due_ms == r->tick_due_ms)
		r->tick_not_before_ms = replica_now_ms(r) + TICK_AGAIN_MS;
}

/* When a tick is due, on our clock. */
static uint64_t tick_at_ms(const struct replica *r)
{
	uint64_t at;

	if (!r->time.running || r->tick_in_flight || r->next_due_ms == UINT64_MAX)
		return UINT64_MAX;
	at = r->next_due_ms > r->time.base_ms
		? r->next_due_ms - r->time.base_ms + r->time.at_ms
		: 0;
	return at > r->tick_not_before_ms ? at : r->tick_not_before_ms;
}

void timing_arm(struct replica *r)
{
	uint64_t due = driver_due_ms(r->driver), tick = tick_at_ms(r), now,
		 round = propose_due_ms(r);

	if (tick < due)
		due = tick;
	if (round < due)
		due = round;
	if (r->stop_by_ms && r->stop_by_ms < due)
		due = r->stop_by_ms;
	if (due == r->timer_due_ms)
		return;
	r->timer_due_ms = due;
	if (due == UINT64_MAX) {
		timer_cancel(&r->timer);
		return;
	}
	now = replica_now_ms(r);
	timer_set(&r->timer, due > now ? due - now : 0);
}

/* The round that follows makes an entry of a tick that is due. */
void timing_on_timer(void *arg)
{
	struct replica *r = arg;

	r->timer_due_ms = 0;
	replica_fatal(driver_tick(r->driver, replica_now_ms(r)), "tick");
	status_update(r);
}
