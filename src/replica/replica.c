/*
 * Start, stop and the thread. One round of the loop: proposals and requests come out of
 * the mailbox, and when all is handled what waits becomes an entry (propose.c), which the
 * driver makes durable and gives back to be applied.
 */
#include "replica/replica_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/text.h"

#define ELECTION_MS_DEFAULT 300
#define HEARTBEAT_MS_DEFAULT 50
#define VOTERS_DEFAULT 3
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

/* What came in during the round becomes entries and frames. */
static void round_once(struct replica *r)
{
	struct driver_status s;

	propose_flush(r);
	reading_round(r);
	propose_round(r);
	driver_tell_news(r->driver);
	driver_status(r->driver, &s);
	calls_round(r, s.leader);
	if (r->roster_stale || !list_empty(&r->jobs))
		changing_run(r);
	propose_flush(r);
	if (r->status_stale)
		status_update(r);
}

/* What is under way to others or from them may still be answered. */
static bool may_stop(const struct replica *r)
{
	return !propose_pending(r) || replica_now_ms(r) >= r->stop_by_ms;
}

static void on_round_end(void *arg)
{
	struct replica *r = arg;

	round_once(r);
	if (r->stopping && may_stop(r))
		loop_stop(r->loop);
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

static int open_files(struct replica *r, const struct replica_options *o,
	struct peer_found *found, struct err *e)
{
	struct recovery_options ro = {
		.segment_bytes = segment_bytes(r->log_bytes_max),
		.reserve_bytes = o->reserve_bytes,
	};
	int rc = datadir_open(&r->dir, o->data_dir, e);

	if (rc == 0)
		rc = joining_prepare(r, o, found, e);
	if (rc == 0)
		rc = recovery_open(&r->dir, &ro, &r->files, e);
	if (rc != 0 || !r->files.empty || r->joining)
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
	r->reader = store_reader_new(r->files.store);
	if (!r->box || !r->reader ||
		timer_init(&r->timer, r->loop, timing_on_timer, r) != 0 ||
		timer_init(&r->beat_timer, r->loop, beating_on_timer, r) != 0)
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
		.transport = r->peers ? &replica_transport : NULL,
		.arg = r,
		.election_ms = r->election_ms,
		.news_later = true,
		.heartbeat_ms = or_default(o->heartbeat_ms, HEARTBEAT_MS_DEFAULT),
	};

	rng_secure(&d.seed, sizeof(d.seed));
	return driver_start(&d, replica_now_ms(r), &r->driver, e);
}

static int set_name(struct replica *r, const struct replica_options *o, struct err *e)
{
	if (o->member_name && o->member_name[0]) {
		if (!text_is_dns_label(bytes_str(o->member_name)))
			return err_set(e, SVCD_EINVAL,
				"member.name '%s' is no DNS label (a-z, 0-9 and '-')",
				o->member_name);
		snprintf(r->name, sizeof(r->name), "%s", o->member_name);
		return 0;
	}
	snprintf(r->name, sizeof(r->name), "svcd-%08" PRIx32, (uint32_t)r->dir.node);
	return 0;
}

/* Nobody can reach us, and there is nobody to be reached: no connections, no beats. */
static bool is_alone(const struct replica *r, const struct replica_options *o)
{
	struct driver_member members[REPLICA_MEMBERS_MAX];
	ssize_t n = driver_decode_members(
		buf_bytes(&r->files.members), members, REPLICA_MEMBERS_MAX);

	return !o->peer_listen && !r->joining && n <= 1;
}

/* The others would refuse every hello of ours. */
static int check_certificate(
	const struct replica *r, const struct replica_options *o, struct err *e)
{
	char proved[64];

	if (o->tls == NULL || strcmp(tls_name(o->tls, proved), r->name) == 0)
		return 0;
	return err_set(e, SVCD_EINVAL,
		"peers.tls.cert is the certificate of \"%s\", and the name of this member is "
		"\"%s\": set member.name, or make a certificate for that name",
		proved, r->name);
}

static int start_network(struct replica *r, const struct replica_options *o,
	const struct peer_found *found, struct err *e)
{
	int rc = check_certificate(r, o, e);

	if (rc == 0)
		rc = network_start(r, o, e);

	if (rc == 0 && found->node)
		rc = peers_set_address(r->peers, found->node, found->address);
	return rc;
}

static int start_thread(struct replica *r, struct err *e)
{
	timing_changed(r);
	publish_role(r);
	members_refresh(r);
	status_update(r);
	if (r->peers)
		beating_start(r);
	if (pthread_create(&r->thread, NULL, thread_main, r) != 0)
		return err_set(e, SVCD_ENOMEM, "the replica's thread cannot be started");
	return 0;
}

static int start_steps(struct replica *r, const struct replica_options *o, struct err *e)
{
	struct peer_found found = {0};
	int rc = open_files(r, o, &found, e);

	if (rc == 0)
		rc = set_name(r, o, e);
	if (rc != 0)
		return rc;
	rc = make_parts(r, o);
	if (rc != 0)
		return err_set(e, rc, "the replica cannot be started: %s", err_text(rc));
	apply_load(r);
	checkpointing_start(r);
	if (!is_alone(r, o))
		rc = start_network(r, o, &found, e);
	if (rc == 0)
		rc = start_driver(r, o, e);
	return rc == 0 ? start_thread(r, e) : rc;
}

static void init_lists(struct replica *r)
{
	list_init(&r->subscriptions);
	list_init(&r->role_watches);
	list_init(&r->applied);
	list_init(&r->calls.waiting);
	list_init(&r->calls.sent);
	list_init(&r->reads);
	list_init(&r->reads_settling);
	list_init(&r->jobs);
	list_init(&r->changes_again);
	propose_init(r);
	forward_init(&r->forwards);
}

static void init_locks(struct replica *r)
{
	pthread_mutex_init(&r->watchers_lock, NULL);
	pthread_mutex_init(&r->checkpoint_lock, NULL);
	pthread_mutex_init(&r->background_lock, NULL);
	pthread_mutex_init(&r->members_lock, NULL);
	pthread_mutex_init(&r->ask_lock, NULL);
}

static struct replica *replica_alloc(const struct replica_options *o)
{
	struct replica *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->dir.fd = r->dir.lock_fd = -1;
	r->files.ballot.file = -1;
	r->log_bytes_max = o->log_bytes_max ? o->log_bytes_max : LOG_BYTES_MAX_DEFAULT;
	r->election_ms = or_default(o->election_ms, ELECTION_MS_DEFAULT);
	r->voters = or_default(o->voters, VOTERS_DEFAULT);
	r->config_hash = o->config_hash;
	r->change_ticket = TICKET_CHANGE;
	snprintf(r->client, sizeof(r->client), "%s",
		o->client_advertise ? o->client_advertise : "");
	init_lists(r);
	init_locks(r);
	return r;
}

/* All that waits or was sent somewhere. */
static void refuse_all(struct replica *r)
{
	r->stopping = true;
	forward_lost(r);
	propose_refuse(r, SVCD_ESHUTDOWN, "shutting down");
	forward_give_up(r, UINT64_MAX);
	calls_refuse(r, SVCD_ESHUTDOWN);
	reading_refuse(r, SVCD_ESHUTDOWN);
	changing_refuse(r, SVCD_ESHUTDOWN);
	propose_flush(r);
}

/* Everything that is there; the thread does not run any more, or never did. */
static void replica_free(struct replica *r)
{
	refuse_all(r);
	seeking_stop(r->seeking);
	network_stop(r);
	driver_free(r->driver);
	mailbox_free(r->box); /* what is in it is refused */
	free(r->seeking);
	propose_flush(r);
	changing_stop(r);
	timer_fini(&r->timer);
	timer_fini(&r->beat_timer);
	loop_free(r->loop);
	changes_free(r->changes);
	catalog_free(r->catalog);
	buf_fini(&r->nobody.incarnations);
	buf_fini(&r->payload);
	buf_fini(&r->tick_command);
	forward_fini(&r->forwards);
	store_reader_free(r->reader);
	recovered_close(&r->files);
	datadir_close(&r->dir);
	while (!list_empty(&r->role_watches))
		free(container_of(list_pop(&r->role_watches), struct role_watch, node));
	pthread_mutex_destroy(&r->ask_lock);
	pthread_mutex_destroy(&r->members_lock);
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

	round_once(r);
	r->stopping = true;
	propose_refuse(r, SVCD_ESHUTDOWN, "shutting down");
	r->stop_by_ms = replica_now_ms(r) + (r->peers ? 2 * r->election_ms : 0);
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
