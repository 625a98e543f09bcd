/*
 * What the sources of the replica share. Unless said otherwise a field belongs to the
 * replica's thread (before it runs and after it was joined: to the caller of
 * replica_start and replica_stop).
 */
#ifndef SVCD_REPLICA_REPLICA_INTERNAL_H
#define SVCD_REPLICA_REPLICA_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "replica/driver.h"
#include "replica/payload.h"
#include "replica/recovery.h"
#include "replica/replica.h"

#define BATCHES 3 /* one being filled beside those in flight */

/* Proposals that travel as one log entry; the ticket of the driver. */
struct batch {
	struct list node; /* in free_batches, or in applied until it is answered */
	struct proposal *proposals[PAYLOAD_COMMANDS_MAX];
	uint32_t n;
	bool has_tick; /* the first command is a tick of ours */
};

/* The leader's clock: cluster time goes on from what the state said when we became ready.
 */
struct time_base {
	bool running;
	uint64_t base_ms; /* cluster time at … */
	uint64_t at_ms;   /* … this monotonic time */
};

struct subscription {
	struct list node;
	struct replica *replica;
	struct mailbox *box;
	void (*fn)(void *arg, struct publication *p);
	void *arg;
	_Atomic uint32_t refs; /* one of the owner, one for each notice under way */
	_Atomic bool ended;
};

struct role_watch {
	struct list node;
	struct mailbox *box;
	void (*fn)(void *arg, enum replica_role role, uint64_t term);
	void *arg;
};

/* See status.c. */
enum { STATUS_WORDS = (sizeof(struct replica_status) + 7) / 8 + 3 };
struct status_cell {
	_Atomic uint64_t version; /* odd while being written */
	_Atomic uint64_t words[STATUS_WORDS];
};

struct replica {
	struct datadir dir;
	struct recovered files;
	struct driver *driver;
	struct catalog *catalog;

	struct loop *loop;
	struct mailbox *box; /* proposals and requests to this thread */
	struct timer timer;
	uint64_t timer_due_ms;
	pthread_t thread;
	bool stopping;

	struct list waiting;     /* proposals not taken into a batch yet */
	_Atomic uint64_t queued; /* posted and not answered; any thread */
	struct batch batches[BATCHES];
	struct list free_batches;
	struct buf payload;
	struct buf tick_command;
	bool tick_in_flight;
	uint64_t tick_due_ms; /* what the last tick was for */
	uint64_t tick_not_before_ms;

	/* the transaction under way, apply.c */
	struct tables *tables;
	struct changes *changes;
	struct outcome nobody; /* outcome of a command that nobody here waits for */
	struct list applied;   /* batches in it */

	/* as of the last commit */
	uint64_t rev, time_ms, next_due_ms, applied_at_ms, applied_index;
	struct time_base time;

	pthread_mutex_t watchers_lock; /* both lists */
	struct list subscriptions;
	struct list role_watches;
	enum replica_role role; /* as told last; for those who come later: locked */
	uint64_t role_term, role_leader;
	_Atomic uint64_t published;

	/* checkpoints, checkpointing.c */
	uint64_t log_bytes_max;
	uint64_t log_bytes_wait; /* the last try failed: none before the log is so large
				  */
	pthread_mutex_t checkpoint_lock; /* one at a time */
	pthread_mutex_t background_lock; /* the next four */
	pthread_t background_thread;
	bool background_joinable;
	bool background_running;
	bool background_closed; /* none begins any more */
	uint64_t checkpoint_index, checkpoint_rev, checkpoint_wall_ms;

	struct status_cell status;
};

uint64_t replica_now_ms(const struct replica *r);
uint64_t replica_time_ms(const struct replica *r); /* cluster time, as leader */
void replica_fatal(int code, const char *what);    /* logs, ends the process */

/* propose.c */
void propose_init(struct replica *r);
void propose_round(struct replica *r); /* everything that waits becomes an entry */
void propose_refuse(struct replica *r, int code, const char *text); /* all that waits */
void propose_answer(struct replica *r); /* the batches in applied */
void propose_lost(struct replica *r, struct batch *b, int code);

/* apply.c */
extern const struct driver_machine replica_machine;
void apply_load(struct replica *r); /* rev, time, what is due: of the state as found */

/* publish.c */
/* Takes r->changes when there is something in it. */
void publish_changes(struct replica *r, uint64_t index);
void publish_role(struct replica *r);

/* status.c */
void status_update(struct replica *r);

/* timing.c */
void timing_changed(struct replica *r); /* role: the clock starts or stops */
void timing_arm(struct replica *r);
void timing_on_timer(void *arg);
bool timing_tick_due(const struct replica *r);
void timing_tick_begun(struct replica *r);
void timing_tick_over(struct replica *r);

/* checkpointing.c */
void checkpointing_start(struct replica *r); /* what there is */
void checkpointing_after_commit(struct replica *r);
/* Waits for the thread; the loop still runs. */
void checkpointing_finish(struct replica *r);

#endif
