/*
 * Start, stop and the thread. One round of the loop: proposals and requests come out of
 * the mailbox, and when all is handled what waits becomes an entry (propose.c), which the
 * driver makes durable and gives back to be applied.
 */
#include "replica/replica_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"

#define ELECTION_MS_DEFAULT 300
#define HEARTBEAT_MS_DEFAULT 50
#define LOG_BYTES_MAX_DEFAULT ((uint64_t)64 << 20)
#define SEGMENT_BYTES_MIN ((uint64_t)4 << 20) /* a full entry fits well */
#define SEGMENT_BYTES_MAX ((uint64_t)16 << 20)

uint64_t replica_now_ms(const struct replica *r)
{
	(void)r;
	return clock_now_ms();
}

void replica_fatal(int code, const char *what)
{
	if (code == 0)
		return;
	log_error("replica_failed", L_STR("what", what), L_ERR(code));
	abort();
}

/* ---- the thread -------------------------------------------------------- */

static void on_round_end(void *arg)
{
	struct replica *r = arg;

	propose_round(r);
	timing_arm(r);
}

static void *thread_main(void *arg)
{
	struct replica *r = arg;

	pthread_setname_np(pthread_self(), "replica");
	loop_run(r->loop);
	return NULL;
}

/* ---- start ------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

static uint64_t segment_bytes(uint64_t log_bytes_max)
{
	uint64_t quarter = log_bytes_max / 4;

	return quarter < SEGMENT_BYTES_MIN    ? SEGMENT_BYTES_MIN
		: quarter > SEGMENT_BYTES_MAX ? SEGMENT_BYTES_MAX
					      : quarter;
}

static int open_files(struct replica *r, const struct replica_options *o, struct err *e)
{
	struct recovery_options ro = {
		.segment_bytes = segment_bytes(r->log_bytes_max),
		.reserve_bytes = o->reserve_bytes,
	};
	int rc = datadir_open(&r->dir, o->data_dir, e);

	if (rc == 0)
		rc = recovery_open(&r->dir, &ro, &r->files, e);
	if (rc != 0 || !r->files.empty)
		return rc;
	rc = driver_bootstrap(r->files.journal, &r->files.ballot, r->dir.node);
	return rc == 0 ? 0 : err_set(e, rc, "the log cannot be begun: %s", err_text(rc));
}

static int make_parts(struct replica *r, const struct replica_options *o)
{
	r->catalog = catalog_new(&o->catalog);
	r->changes = changes_new();
	r->loop = loop_new();
	if (!r->catalog || !r->changes || !r->loop)
		return SVCD_ENOMEM;
	r->box = mailbox_new(r->loop);
	if (!r->box || timer_init(&r->timer, r->loop, timing_on_timer, r) != 0)
		return SVCD_ENOMEM;
	loop_on_idle(r->loop, on_round_end, r);
	return command_tick(&r->tick_command);
}

static int start_driver(struct replica *r, const struct replica_options *o, struct err *e)
{
	struct driver_options d = {
		.node = r->dir.node,
		.journal = r->files.journal,
		.ballot = &r->files.ballot,
		.snapshot = {.index = r->files.applied,
			.term = r->files.applied_term,
			.members_index = r->files.members_index,
			.members = buf_bytes(&r->files.members)},
		.machine = &replica_machine,
		.arg = r,
		.election_ms = or_default(o->election_ms, ELECTION_MS_DEFAULT),
		.heartbeat_ms = or_default(o->heartbeat_ms, HEARTBEAT_MS_DEFAULT),
	};

	rng_secure(&d.seed, sizeof(d.seed));
	return driver_start(&d, replica_now_ms(r), &r->driver, e);
}

static int start_steps(struct replica *r, const struct replica_options *o, struct err *e)
{
	int rc = open_files(r, o, e);

	if (rc != 0)
		return rc;
	rc = make_parts(r, o);
	if (rc != 0)
		return err_set(e, rc, "the replica cannot be started: %s", err_text(rc));
	apply_load(r);
	checkpointing_start(r);
	rc = start_driver(r, o, e);
	if (rc != 0)
		return rc;
	timing_changed(r);
	publish_role(r);
	status_update(r);
	if (pthread_create(&r->thread, NULL, thread_main, r) != 0)
		return err_set(e, SVCD_ENOMEM, "the replica's thread cannot be started");
	return 0;
}

static struct replica *replica_alloc(const struct replica_options *o)
{
	struct replica *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->dir.fd = r->dir.lock_fd = -1;
	r->files.ballot.file = -1;
	r->log_bytes_max = o->log_bytes_max ? o->log_bytes_max : LOG_BYTES_MAX_DEFAULT;
	list_init(&r->subscriptions);
	list_init(&r->role_watches);
	list_init(&r->applied);
	pthread_mutex_init(&r->watchers_lock, NULL);
	pthread_mutex_init(&r->checkpoint_lock, NULL);
	pthread_mutex_init(&r->background_lock, NULL);
	propose_init(r);
	return r;
}

/* Everything that is there; the thread does not run any more, or never did. */
static void replica_free(struct replica *r)
{
	driver_free(r->driver);
	mailbox_free(r->box); /* what is in it is refused */
	timer_fini(&r->timer);
	loop_free(r->loop);
	changes_free(r->changes);
	catalog_free(r->catalog);
	buf_fini(&r->nobody.incarnations);
	buf_fini(&r->payload);
	buf_fini(&r->tick_command);
	recovered_close(&r->files);
	datadir_close(&r->dir);
	while (!list_empty(&r->role_watches))
		free(container_of(list_pop(&r->role_watches), struct role_watch, node));
	pthread_mutex_destroy(&r->background_lock);
	pthread_mutex_destroy(&r->checkpoint_lock);
	pthread_mutex_destroy(&r->watchers_lock);
	free(r);
}

int replica_start(const struct replica_options *o, struct replica **out, struct err *e)
{
	struct replica *r = replica_alloc(o);
	int rc;

	if (!r)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	rc = start_steps(r, o, e);
	if (rc != 0) {
		r->stopping = true;
		replica_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

/* ---- stop -------------------------------------------------------------- */

struct stop_request {
	struct mail mail;
	struct replica *replica;
};

static void on_stop(struct mail *m)
{
	struct replica *r = container_of(m, struct stop_request, mail)->replica;

	r->stopping = true;
	propose_round(r);
	propose_refuse(r, SVCD_ESHUTDOWN, "shutting down");
	loop_stop(r->loop);
}

static void note_clean_stop(struct replica *r)
{
	struct err e = {0};

	if (store_sync(r->files.store, &e) != 0 || datadir_mark(&r->dir, true, &e) != 0)
		/* the state will be built anew */
		log_warn("stop_not_clean", L_STR("text", e.text));
}

void replica_stop(struct replica *r)
{
	struct stop_request stop = {.mail.deliver = on_stop, .replica = r};

	checkpointing_finish(r);
	mailbox_post(r->box, &stop.mail);
	pthread_join(r->thread, NULL);
	note_clean_stop(r);
	replica_free(r);
}

struct store *replica_store(struct replica *r)
{
	return r->files.store;
}
