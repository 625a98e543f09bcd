/*
 * Checkpoints while the replica runs. They are made by the thread that asks, or by one of
 * their own when the log has grown; what follows from one (the log is cut) happens on the
 * replica's thread.
 *
 * The log is cut up to the older of the two checkpoints, so that a damaged newest one is
 * not the end.
 */
#include "replica/replica_internal.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

/* From the maker to the replica's thread, which says when it is done. */
struct made {
	struct mail mail;
	struct replica *replica;
	struct checkpoint_info info;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
};

/* The older checkpoint, and what members that receive one lack behind it. */
static uint64_t keep_behind(const struct replica *r)
{
	uint64_t older = r->files.checkpoints.index[1],
		 wanted = r->streams ? streams_keep_index(r->streams) : UINT64_MAX;

	return wanted < older ? wanted : older;
}

static void note(struct replica *r, const struct checkpoint_info *info)
{
	struct checkpoints *c = &r->files.checkpoints;

	checkpoints_add(&r->dir, c, info->index);
	r->checkpoint_index = info->index;
	r->checkpoint_rev = info->rev;
	r->checkpoint_wall_ms = clock_wall_ms();
	r->log_bytes_wait = 0;
	if (c->n == CHECKPOINTS_MAX)
		replica_fatal(driver_checkpointed(r->driver, replica_now_ms(r),
				      c->index[0], keep_behind(r)),
			"checkpoint");
	if (r->streams)
		streams_checkpointed(r->streams);
	status_update(r);
	log_info("checkpoint", L_U64("index", info->index), L_U64("rev", info->rev),
		L_U64("bytes", info->bytes),
		L_U64("log_first", journal_first(r->files.journal)));
}

static void on_made(struct mail *m)
{
	struct made *made = container_of(m, struct made, mail);

	note(made->replica, &made->info);
	pthread_mutex_lock(&made->lock);
	made->done = true;
	pthread_cond_signal(&made->changed);
	pthread_mutex_unlock(&made->lock);
}

static void tell_and_wait(struct made *made)
{
	made->mail.deliver = on_made;
	mailbox_post(made->replica->box, &made->mail);
	pthread_mutex_lock(&made->lock);
	while (!made->done)
		pthread_cond_wait(&made->changed, &made->lock);
	pthread_mutex_unlock(&made->lock);
}

static int make(struct replica *r, struct err *e)
{
	struct made made = {.replica = r,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER};
	int rc;

	pthread_mutex_lock(&r->checkpoint_lock);
	rc = checkpoint_make(&r->dir, r->files.store, &made.info, e);
	if (rc == 0)
		tell_and_wait(&made);
	pthread_mutex_unlock(&r->checkpoint_lock);
	return rc;
}

int replica_checkpoint(struct replica *r, const char *path, struct err *e)
{
	uint64_t index, term;

	return path ? store_checkpoint(r->files.store, path, &index, &term, e)
		    : make(r, e);
}

/* ---- by itself --------------------------------------------------------- */

static void *background_main(void *arg)
{
	struct replica *r = arg;
	struct err e = {0};

	thread_background("checkpoint");
	if (make(r, &e) != 0)
		log_warn("checkpoint_failed", L_STR("text", e.text), L_ERR(e.code));
	pthread_mutex_lock(&r->background_lock);
	r->background_running = false;
	pthread_mutex_unlock(&r->background_lock);
	return NULL;
}

/* Under background_lock. A thread that is not running any more ends at once. */
static void join_last(struct replica *r)
{
	if (r->background_joinable)
		pthread_join(r->background_thread, NULL);
	r->background_joinable = false;
}

static void start_background(struct replica *r)
{
	pthread_mutex_lock(&r->background_lock);
	if (!r->background_running && !r->background_closed) {
		join_last(r);
		if (pthread_create(&r->background_thread, NULL, background_main, r) == 0)
			r->background_running = r->background_joinable = true;
	}
	pthread_mutex_unlock(&r->background_lock);
}

void checkpointing_wanted(struct replica *r)
{
	start_background(r);
}

/* ---- from the leader --------------------------------------------------- */

static bool is_ours(const struct replica *r, uint64_t index)
{
	const struct checkpoints *c = &r->files.checkpoints;

	for (size_t i = 0; i < c->n; i++)
		if (c->index[i] == index)
			return true;
	return false;
}

/* One that is not installed must not stay: it may be ahead of our log. */
static void discard(const struct replica *r, const struct staged *s)
{
	if (!is_ours(r, s->info.index) && unlink(s->path) != 0)
		log_warn("checkpoint_not_removed", L_STR("path", s->path));
}

void checkpointing_staged(struct replica *r, const struct staged *s)
{
	struct driver_snapshot snapshot = {.index = s->info.index,
		.term = s->info.term,
		.members_index = s->members_index,
		.members = s->members};
	bool taken = false;
	int rc = driver_install(
		r->driver, replica_now_ms(r), s->from, s->leader_term, &snapshot, &taken);

	if (rc == SVCD_EINVAL || rc == SVCD_ENOSPACE)
		log_warn("checkpoint_refused", L_U64("index", s->info.index), L_ERR(rc));
	else
		replica_fatal(rc, "install");
	if (!taken) {
		discard(r, s);
		return;
	}
	checkpoints_add(&r->dir, &r->files.checkpoints, s->info.index);
	r->checkpoint_index = s->info.index;
	r->checkpoint_rev = s->info.rev;
	r->checkpoint_wall_ms = clock_wall_ms();
	r->log_bytes_wait = 0;
	streams_checkpointed(r->streams);
	status_update(r);
}

/* After a try the next one waits until the log has grown by a quarter; when it succeeds
 * note() takes that back. */
void checkpointing_after_commit(struct replica *r)
{
	uint64_t bytes;

	if (!r->driver)
		return;
	bytes = journal_bytes_after(r->files.journal, r->checkpoint_index);
	if (bytes > r->log_bytes_max && bytes > r->log_bytes_wait) {
		r->log_bytes_wait = bytes + r->log_bytes_max / 4;
		start_background(r);
	}
}

void checkpointing_finish(struct replica *r)
{
	bool joinable;

	pthread_mutex_lock(&r->background_lock);
	r->background_closed = true;
	joinable = r->background_joinable;
	r->background_joinable = false;
	pthread_mutex_unlock(&r->background_lock);
	if (joinable)
		pthread_join(r->background_thread, NULL);
}

/* ---- at the start ------------------------------------------------------ */

void checkpointing_start(struct replica *r)
{
	const struct checkpoints *c = &r->files.checkpoints;
	struct checkpoint_info info;
	char path[PATH_MAX];
	struct stat st;

	if (c->n == 0)
		return;
	r->checkpoint_index = c->index[0];
	checkpoint_path(&r->dir, c->index[0], path);
	if (store_checkpoint_inspect(path, false, &info, NULL) == 0)
		r->checkpoint_rev = info.rev;
	if (stat(path, &st) == 0)
		r->checkpoint_wall_ms = (uint64_t)st.st_mtim.tv_sec * 1000;
}
