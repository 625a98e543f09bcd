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

/* What a checkpoint holds was durable in the log. */
static int rebuild(struct attempt *a)
{
	const struct checkpoints *c = &a->out->checkpoints;
	int rc = a->out->journal ? 0 : open_log(a, c->n ? c->index[0] : 0);

	if (rc == 0)
		rc = build_state(a);
	if (rc == 0)
		rc = open_store(a, a->e);
	return rc == 0 ? read_position(a) : rc;
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
	if (rc != 0)
		return rc;
	if (usable) {
		rc = read_position(a);
		if (rc == 0)
			rc = open_log(a, r->applied);
	}
	if (rc == 0 && (!usable || has_gap(r))) {
		store_close(r->store);
		r->store = NULL;
		rc = rebuild(a);
	}
	if (rc == 0)
		rc = judge(a);
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
