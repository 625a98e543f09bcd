/*
 * What the sources of the replica share. Unless said otherwise a field belongs to the
 * replica's thread (before it runs and after it was joined: to the caller of
 * replica_start and replica_stop).
 */
#ifndef SVCD_REPLICA_REPLICA_INTERNAL_H
#define SVCD_REPLICA_REPLICA_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "replica/beats.h"
#include "replica/driver.h"
#include "replica/payload.h"
#include "replica/peers.h"
#include "replica/recovery.h"
#include "replica/replica.h"
#include "replica/stream.h"
#include "replica/words.h"

#define BATCHES 3 /* one being filled beside those in flight */
#define ANSWER_BOXES_MAX \
	64 /* mailboxes answered with one post each; more are answered one by one */

/* What the driver gives back begins with one. */
enum ticket_kind { TICKET_BATCH, TICKET_CHANGE };

/* Proposals that travel as one log entry; the ticket of the driver. */
struct batch {
	enum ticket_kind kind; /* TICKET_BATCH */
	struct list node;      /* in free_batches, or in applied until it is answered */
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
enum { STATUS_WORDS = (sizeof(struct replica_status) + 7) / 8 + 6 };
struct status_cell {
	_Atomic uint64_t version; /* odd while being written */
	_Atomic uint64_t words[STATUS_WORDS];
};

/* What the words of a proposal hold while it is ours. */
enum {
	PROPOSAL_REPLICA, /* struct replica * */
	PROPOSAL_ID, /* number of the request: ours to the leader, or another member's to
		      * us
		      */
	PROPOSAL_INDEX, /* of the log, once it is known */
	PROPOSAL_FRAME, /* struct guest_frame *: it came from another member; 0: from here
			 */
};

/* PROPOSAL_INDEX: an earlier try may have been applied. */
#define INDEX_MAYBE UINT64_MAX

/* Answers that leave together. */
struct answers {
	size_t n;
	struct mailbox *boxes[ANSWER_BOXES_MAX];
	struct list lists[ANSWER_BOXES_MAX];
};

/* Requests to the leader, and what came back; forward.c. */
struct forwards {
	struct list again; /* surely not applied by whom we asked: first in the next try
			    */
	struct list sent;  /* to `leader`, not answered */
	struct list settling; /* answered, but not applied here yet; by index */
	uint64_t next_id;
	uint64_t leader;
	size_t n_sent;
	uint64_t not_before_ms; /* who we take for the leader says that it is none */
	struct buf frame;
	struct buf replies[REPLICA_MEMBERS_MAX]; /* to members, flushed with the answers
						  */
	uint64_t reply_nodes[REPLICA_MEMBERS_MAX];
	size_t n_replies;
};

/* A request to the leader that is no proposal; calls.c. */
struct call {
	struct list node;
	uint64_t id;
	bool to_contact;     /* instead of the leader, whom we do not know yet */
	uint64_t to;         /* who was asked */
	enum peer_kind kind; /* PEER_READ, PEER_ASK, PEER_CHANGE */
	struct buf body;     /* freed with the call */
	/* code: the leader's; SVCD_ENOLEADER (surely not done), SVCD_EUNKNOWN,
	 * SVCD_ESHUTDOWN. Takes arg; the call itself is freed after it. */
	void (*over)(struct replica *r, struct call *c, int code, struct bytes answer);
	void *arg;
};

struct calls {
	struct list waiting, sent;
	uint64_t next_id;
	size_t questions; /* handed to the server and not answered */
};

/* Where a request came from: node 0 is here, id then that of a call. */
struct origin {
	uint64_t node, id;
};

/* What we know of a member; members.c. */
struct view {
	uint64_t node;
	char name[PEER_NAME_MAX + 1], peer[120], client[120];
	char hello[120];    /* address in its last hello: newer than the table's */
	bool recorded;      /* in the table of the members */
	bool standby;       /* by hand */
	bool member, voter; /* in the newest configuration */
	uint64_t heard_ms;  /* 0: never */
	struct beat said;   /* its last one */
	uint64_t said_at_us;
	uint64_t rtt_us;
	int64_t wall_diff_ms;
	struct point points[BEAT_POINTS + 1]; /* digests that it told last */
	bool differs;    /* from a majority, at the last comparison */
	bool disputed;   /* from us, and no majority said then who is wrong */
	bool incomplete; /* as leader: it lacks entries that it had confirmed */
	char version[32];
	uint64_t told_ms;   /* an alarm was logged */
	uint64_t orphan_ms; /* since then: a record without a member; 0: it is none */
};

struct roster {
	struct view views[REPLICA_MEMBERS_MAX];
	size_t n;
};

/* A change of the members that somebody waits for, on the leader; changing.c. */
struct job;

struct replica {
	struct datadir dir;
	struct recovered files;
	struct reader *reader; /* of this thread */
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
	unsigned batches_out; /* not in free_batches */
	struct answers answers;
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
	bool status_stale; /* to be written at the end of the round */

	/* the cluster; peers is NULL where nobody can reach us and nobody is to be
	 * reached */
	struct peers *peers;
	struct streams *streams;
	struct roster roster;
	bool roster_stale;
	struct forwards forwards;
	struct calls calls;
	struct list reads;          /* struct replica_read, not asked for yet */
	struct list reads_settling; /* struct read_group, until the index is applied */
	struct list jobs;
	struct list changes_again;      /* struct replica_change, to be asked anew */
	enum ticket_kind change_ticket; /* TICKET_CHANGE: its address is the ticket */
	bool change_in_flight;
	uint64_t promoted; /* node; an event is still to be written */
	struct timer beat_timer;
	uint64_t blocked_since_ms; /* nobody to propose to; 0: there is */
	uint64_t leader;           /* as seen last */
	uint64_t led_until_ms;     /* up to then we were surely current as the leader */
	uint64_t heard_time_ms;    /* cluster time as a leader told it last */
	struct point points[POINTS_KEPT]; /* digests by index % POINTS_KEPT * DRIVER_POINT
					   */
	struct point now;                 /* at the applied index */
	bool joining, removed, diverged, incomplete;
	bool in_config; /* as applied: we are a member */
	struct handover *handover;
	uint64_t stop_by_ms;
	uint32_t election_ms;

	/* as asked for at the start */
	char name[PEER_NAME_MAX + 1], client[120];
	uint32_t voters;
	uint64_t config_hash;
	uint64_t contact;        /* joining: who may help */
	struct seeking *seeking; /* joining */
	uint64_t announce_ms;    /* the next try */
	bool announcing;
	uint64_t joining_said_ms;
	uint64_t stranger_told_ms;

	pthread_mutex_t members_lock; /* the next two */
	struct replica_member members[REPLICA_MEMBERS_MAX];
	size_t n_members;

	pthread_mutex_t ask_lock; /* the next three */
	struct mailbox *ask_box;
	void (*on_ask)(void *arg, struct replica_question *q);
	void *ask_arg;
};

uint64_t replica_now_ms(const struct replica *r);
uint64_t replica_time_ms(const struct replica *r); /* cluster time, as leader */
void replica_fatal(int code, const char *what);    /* logs, ends the process */

/* propose.c */
void propose_init(struct replica *r);
void propose_round(struct replica *r); /* everything that waits becomes an entry */
void propose_refuse(struct replica *r, int code, const char *text); /* all that waits */
void propose_answer(struct replica *r);                   /* the batches in applied */
void propose_done(struct replica *r, struct proposal *p); /* one, its outcome is set */
void propose_flush(struct replica *r);                    /* delivers what is done */
void propose_refuse_one(
	struct replica *r, struct proposal *p, int code, const char *text);
void propose_lost_one(struct replica *r, struct proposal *p, int code);
void propose_take(struct replica *r, struct proposal *p, uint64_t from); /* of another
									    member */
bool propose_pending(const struct replica *r);
uint64_t propose_due_ms(const struct replica *r); /* when a round has something to do */
void propose_lost(struct replica *r, struct batch *b, int code);

/* apply.c */
extern const struct driver_machine replica_machine;
void apply_load(struct replica *r); /* rev, time, what is due: of the state as found */

/* publish.c */
/* Takes r->changes when there is something in it. */
void publish_changes(struct replica *r, uint64_t index);
void publish_role(struct replica *r);
void publish_reset(struct replica *r, uint64_t index); /* the state is another one */

/* status.c */
void status_update(struct replica *r);

/* timing.c */
void timing_changed(struct replica *r); /* role: the clock starts or stops */
void timing_arm(struct replica *r);
void timing_on_timer(void *arg);
bool timing_tick_due(const struct replica *r);
void timing_tick_begun(struct replica *r);
void timing_tick_over(struct replica *r);

/* network.c */
extern const struct driver_transport replica_transport;
extern const struct peers_events replica_peers_events;
int network_start(struct replica *r, const struct replica_options *o, struct err *e);
void network_stop(struct replica *r);
void network_leader(struct replica *r);
void network_progress(struct replica *r);
void network_driver(struct replica *r, int code, const char *what); /* of a driver call */

/* forward.c: proposals to the leader, and those of other members to us */
void forward_init(struct forwards *f);
void forward_fini(struct forwards *f);
void forward_round(struct replica *r, uint64_t leader); /* sends what waits */
void forward_again(struct replica *r);                  /* what came back waits again */
void forward_lost(struct replica *r);    /* the leader or the way to it is gone */
void forward_applied(struct replica *r); /* answers what is applied now */
void forward_give_up(struct replica *r, uint64_t older_than_ms); /* settling since */
bool forward_is_guest(const struct proposal *p); /* it came from another member */
void forward_reply(struct replica *r, struct proposal *p); /* a guest's outcome */
void forward_flush(struct replica *r);
void forward_on_propose(struct replica *r, uint64_t from, struct bytes body);
void forward_on_proposed(struct replica *r, uint64_t from, struct bytes body);

/* calls.c */
struct call *call_new(enum peer_kind kind,
	void (*over)(struct replica *r, struct call *c, int code, struct bytes answer),
	void *arg);
void call_send(struct replica *r, struct call *c); /* takes c */
void calls_round(struct replica *r, uint64_t leader);
void calls_lost(struct replica *r, uint64_t node);         /* what node was asked */
void calls_new_leader(struct replica *r, uint64_t leader); /* what others were */
void calls_refuse(struct replica *r, int code);            /* all */
void calls_refuse_leaderless(struct replica *r);           /* what waits for a leader */
void calls_on_reply(struct replica *r, uint64_t from, struct bytes body);
/* The one answer to a request of PEER_READ, PEER_ASK or PEER_CHANGE. */
void calls_answer(struct replica *r, struct origin to, enum peer_kind kind, int code,
	struct bytes answer);
void calls_serve(
	struct replica *r, enum peer_kind kind, struct origin from, struct bytes body);
bool calls_pending(const struct replica *r);
bool replica_leads(const struct replica *r); /* and is ready */

/* reading.c */
void reading_round(struct replica *r);
void reading_serve(struct replica *r, struct origin from);
void reading_done(struct replica *r, void *ticket, int code, uint64_t index);
void reading_applied(struct replica *r);
void reading_refuse(struct replica *r, int code);

/* asks.c */
void asks_serve(struct replica *r, struct origin from, struct bytes body);

/* changing.c */
void changing_serve(struct replica *r, struct origin from, struct bytes body);
bool changing_relay(struct replica *r, struct origin from, struct bytes body);
void changing_put_self(const struct replica *r, uint8_t op, struct buf *out);
void changing_run(struct replica *r); /* as far as it goes now */
void changing_committed(struct replica *r);
void changing_lost(struct replica *r);
void changing_refuse(struct replica *r, int code);
void changing_stop(struct replica *r);

/* members.c */
void members_refresh(struct replica *r); /* from table and configuration */
void members_copy(struct replica *r);    /* for replica_members */
struct view *members_find(struct replica *r, uint64_t node);
void members_applied(struct replica *r, struct bytes encoded); /* configuration */
/* We are none any more; why: in the words of another, NULL: in ours. */
void members_removed(struct replica *r, const char *why);
bool members_reachable(const struct replica *r, const struct view *v);

/* beating.c */
void beating_start(struct replica *r);
void beating_on_timer(void *arg);
void beating_send(struct replica *r, struct view *v);
void beating_tell_stranger(struct replica *r, uint64_t node);
void beating_on_beat(struct replica *r, uint64_t from, struct bytes body);
void beating_note_point(struct replica *r, uint64_t index, uint64_t digest);

/* joining.c */
/* Before the files are opened: finds the cluster, or does what "joining" asks for. */
int joining_prepare(struct replica *r, const struct replica_options *o,
	struct peer_found *found, struct err *e);
void joining_round(struct replica *r); /* asks to be taken in, or tells what changed */
void joining_over(struct replica *r);  /* we are a member */

/* seeking.c: another member to ask while we are not taken in. NULL is fine, but for the
 * first. */
#define SEEKING_TOLD_MAX 10
struct seeking *seeking_new(struct replica *r, struct tls *tls, bool plain_anywhere,
	const char *const *told, size_t n); /* copies; borrows tls. NULL: no memory */
void seeking_failed(struct seeking *s);     /* whom we asked cannot help */
void seeking_round(struct seeking *s);
/* Waits for a search; to be called before the mailbox is freed, free() afterwards. */
void seeking_stop(struct seeking *s);

/* handover.c */
void handover_check(struct replica *r);

/* checkpointing.c */
void checkpointing_wanted(struct replica *r); /* a checkpoint is to be sent */
void checkpointing_staged(struct replica *r, const struct staged *s);
void checkpointing_start(struct replica *r); /* what there is */
void checkpointing_after_commit(struct replica *r);
/* Waits for the thread; the loop still runs. */
void checkpointing_finish(struct replica *r);

#endif
