#include "replica/recovery.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

struct attempt {
	const struct datadir *dir;
	const struct recovery_options *o;
	struct recovered *out;
	struct err *e;
};

static int open_store(struct attempt *a, struct err *e)
{
	char path[PATH_MAX];
	struct store_options o = {
		.dir = datadir_path(a->dir, "state", path),
		.map_bytes = a->o->map_bytes,
		.reserve_bytes = a->o->reserve_bytes,
		.cluster = a->dir->cluster,
		.former = &a->dir->former,
	};

	return store_open(&o, &a->out->store, e);
}

static int read_members(struct recovered *r, struct tables *t)
{
	struct bytes value;

	if (!table_get(t, TABLE_META, bytes_str(MEMBERS_KEY), &value) || value.len < 8)
		return t->error;
	r->members_index = get_be64(value.data);
	buf_clear(&r->members);
	buf_put(&r->members, value.data + 8, value.len - 8);
	return r->members.error;
}

static int read_position(struct attempt *a)
{
	struct recovered *r = a->out;
	struct reader *reader = store_reader_new(r->store);
	struct tables *t = reader ? store_read_begin(reader) : NULL;
	int rc = t ? 0 : SVCD_ENOMEM;

	if (t) {
		r->applied = store_index(t);
		r->applied_term = store_term(t);
		rc = read_members(r, t);
		store_read_end(reader);
	}
	store_reader_free(reader);
	return rc == 0 ? 0
		       : err_set(a->e, rc, "the state cannot be read: %s", err_text(rc));
}

static int open_log(struct attempt *a, uint64_t known_index)
{
	struct journal_options o = {
		.segment_bytes = a->o->segment_bytes,
		.cluster = a->dir->cluster,
		.former = &a->dir->former,
		.known_index = known_index,
	};
	char path[PATH_MAX];
	int rc = disk_open_folder(datadir_path(a->dir, "log", path), &a->out->disk, a->e);

	if (rc == 0)
		rc = journal_open(a->out->disk, &o, &a->out->journal, a->e);
	if (rc == 0)
		rc = ballot_open(&a->out->ballot, a->out->disk, a->e);
	return rc;
}

/* ---- a state that can be used ------------------------------------------ */

/* False: it has to be built anew. *rc: why not even that. */
static bool use_state(struct attempt *a, int *rc)
{
	struct err why = {0};

	char path[PATH_MAX];

	*rc = 0;
	if (access(datadir_path(a->dir, "state", path), F_OK) != 0)
		return false;
	if (!datadir_trusted(a->dir)) {
		if (!a->dir->fresh)
			log_info("state_untrusted",
				L_STR("reason",
					"no clean stop before this start of the machine"));
		return false;
	}
	*rc = open_store(a, &why);
	if (*rc == SVCD_ECORRUPT) {
		log_warn("state_damaged", L_STR("text", why.text));
		*rc = 0;
		return false;
	}
	if (*rc != 0)
		err_set(a->e, *rc, "%s", why.text);
	return *rc == 0;
}

/* ---- a state from checkpoint and log ----------------------------------- */

static int build_state(struct attempt *a)
{
	uint64_t first = journal_first(a->out->journal), index;
	char state[PATH_MAX];
	int rc = checkpoints_restore(a->dir, &a->out->checkpoints, first - 1,
		datadir_path(a->dir, "state", state), &index, a->e);

	if (rc == 0)
		log_info("state_restored", L_U64("checkpoint", index));
	if (rc != SVCD_ENOTFOUND)
		return rc;
	if (first > 1)
		return err_set(a->e, SVCD_ECORRUPT,
			"the state must be built anew, the log begins at %" PRIu64
			" and no checkpoint reaches it: restore this member from a backup, "
			"or remove %s and let the member join again",
			first, a->dir->path);
	store_remove(state);
	return 0;
}

/* What a checkpoint of ours holds was durable in the log; one of a leader may be ahead of
 * it. */
static uint64_t known_in_log(struct attempt *a)
{
	const struct checkpoints *c = &a->out->checkpoints;
	uint64_t received = 0, term;
	size_t i = 0;

	if (checkpoint_received(a->dir, &received, &term) == 0 && c->n &&
		c->index[0] == received)
		i = 1;
	return i < c->n ? c->index[i] : 0;
}

static int rebuild(struct attempt *a)
{
	int rc = build_state(a);

	if (rc == 0)
		rc = open_store(a, a->e);
	return rc == 0 ? read_position(a) : rc;
}

/* ---- a crash while a checkpoint of a leader was being installed ---------- */

/* The log does not have what the checkpoint ends with: it was to be reset behind it. All
 * that the log has up to there is in the checkpoint or was never committed, and what
 * follows an entry that was not committed was not either. */
static bool log_is_behind(const struct journal *j, uint64_t index, uint64_t term)
{
	return index >= journal_first(j) && journal_term(j, index) != term;
}

static bool is_whole(struct attempt *a, uint64_t index, uint64_t term)
{
	struct checkpoint_info info;
	struct err why = {0};
	char path[PATH_MAX];

	if (store_checkpoint_inspect(
		    checkpoint_path(a->dir, index, path), true, &info, &why) == 0 &&
		info.index == index && info.term == term &&
		datadir_owns(a->dir, info.cluster))
		return true;
	log_warn("install_not_finished", L_U64("index", index), L_STR("text", why.text));
	return false;
}

/* The checkpoint has its name, so it is whole and durable. The log is reset here; the
 * state then does not reach it, which is the next one's to mend. */
static int finish_install(struct attempt *a, bool usable)
{
	struct recovered *r = a->out;
	uint64_t index, term;
	int rc;

	if (checkpoint_received(a->dir, &index, &term) != 0 || r->checkpoints.n == 0 ||
		r->checkpoints.index[0] != index || (usable && r->applied >= index) ||
		!log_is_behind(r->journal, index, term) || !is_whole(a, index, term))
		return 0;
	rc = journal_reset(r->journal, index, term);
	if (rc != 0)
		return err_set(a->e, rc,
			"the log cannot begin behind the checkpoint that a leader sent: "
			"%s",
			err_text(rc));
	log_info("install_finished", L_U64("index", index), L_U64("term", term));
	return 0;
}

/* One that was found damaged above: nothing may count on it. */
static void pass_over_ahead(struct recovered *r)
{
	struct checkpoints *c = &r->checkpoints;

	while (c->n && c->index[0] > journal_last(r->journal)) {
		log_warn("checkpoint_not_used", L_U64("index", c->index[0]),
			L_STR("reason", "the log does not reach it"));
		c->n--;
		memmove(c->index, c->index + 1, c->n * sizeof(c->index[0]));
	}
}

/* ---- fitting together -------------------------------------------------- */

static int judge(struct attempt *a)
{
	struct recovered *r = a->out;
	uint64_t last = journal_last(r->journal);

	if (r->applied > last)
		return err_set(a->e, SVCD_ECORRUPT,
			"the state has the entries up to %" PRIu64
			", but the log ends at %" PRIu64
			": a part of the log is lost. Restore this member from a backup, "
			"or remove %s and let the member join again",
			r->applied, last, a->dir->path);
	if (r->applied && journal_term(r->journal, r->applied) &&
		journal_term(r->journal, r->applied) != r->applied_term)
		return err_set(a->e, SVCD_ECORRUPT,
			"state and log of %s are of different histories: "
			"restore both from one backup",
			a->dir->path);
	r->empty = last == 0 && r->applied == 0 && r->ballot.term == 0;
	return 0;
}

/* The state ends before the log begins: only a checkpoint can close the gap. */
static bool has_gap(const struct recovered *r)
{
	return journal_first(r->journal) > r->applied + 1;
}

static int open_steps(struct attempt *a)
{
	struct recovered *r = a->out;
	bool usable;
	int rc = checkpoints_list(a->dir, &r->checkpoints, a->e);

	if (rc != 0)
		return rc;
	usable = use_state(a, &rc);
	if (rc == 0 && usable)
		rc = read_position(a);
	if (rc == 0)
		rc = open_log(a, usable ? r->applied : known_in_log(a));
	if (rc == 0)
		rc = finish_install(a, usable);
	if (rc == 0 && (!usable || has_gap(r))) {
		store_close(r->store);
		r->store = NULL;
		rc = rebuild(a);
	}
	if (rc == 0)
		rc = judge(a);
	if (rc == 0)
		pass_over_ahead(r);
	return rc == 0 ? datadir_mark(a->dir, false, a->e) : rc;
}

int recovery_open(const struct datadir *d, const struct recovery_options *o,
	struct recovered *out, struct err *e)
{
	struct attempt a = {.dir = d, .o = o, .out = out, .e = e};
	int rc;

	*out = (struct recovered){.ballot.file = -1};
	rc = open_steps(&a);
	if (rc != 0)
		recovered_close(out);
	return rc;
}

void recovered_close(struct recovered *r)
{
	store_close(r->store);
	ballot_close(&r->ballot);
	journal_close(r->journal);
	disk_close_folder(r->disk);
	buf_fini(&r->members);
	*r = (struct recovered){.ballot.file = -1};
}
