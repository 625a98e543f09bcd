#include "replica/recover.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "catalog/member.h"
#include "replica/sole.h"

/* ---- what is there ----------------------------------------------------- */

/* A directory that is not there must not be made. */
static int check_there(const char *data_dir, struct err *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/identity", data_dir) >= (int)sizeof(path))
		return err_set(
			e, SVCD_EINVAL, "the path of the data directory is too long");
	if (access(path, F_OK) == 0)
		return 0;
	if (errno != ENOENT)
		return err_set(e, err_from_errno(errno), "%s: %s", path, strerror(errno));
	return err_set(e, SVCD_ENOTFOUND,
		"%s holds no data of a member: name its directory with --data-dir",
		data_dir);
}

/* A directory that is about to be given up for another cluster has nothing to recover. */
static int check_own(const struct datadir *d, struct err *e)
{
	if (datadir_has(d, "joining"))
		return err_set(e, SVCD_ECONFLICT,
			"this member is to join another cluster and give up its data: "
			"remove %s/joining first, if it is to keep them",
			d->path);
	if (d->cluster == 0)
		return err_set(e, SVCD_ENOTFOUND,
			"%s belongs to no cluster yet: there is nothing to recover",
			d->path);
	return 0;
}

static int take_members(struct recover *r, struct bytes encoded)
{
	struct driver_member members[RECOVER_MEMBERS_MAX];
	ssize_t n = driver_decode_members(encoded, members, RECOVER_MEMBERS_MAX);

	if (n < 0)
		return SVCD_ECORRUPT;
	r->n_members = (size_t)n < RECOVER_MEMBERS_MAX ? (size_t)n : RECOVER_MEMBERS_MAX;
	for (size_t i = 0; i < r->n_members; i++)
		r->members[i] = (struct recover_member){
			.node = members[i].node, .voter = members[i].voter};
	return 0;
}

/* The newest configuration counts, committed or not: so it is for the engine. */
static int find_members(struct recover *r)
{
	struct journal *j = r->files.journal;
	struct buf scratch = {0};
	uint64_t index = r->files.members_index + 1;
	int rc = r->files.members.len > 0 ? take_members(r, buf_bytes(&r->files.members))
					  : 0;

	if (index < journal_first(j))
		index = journal_first(j);
	for (; rc == 0 && index <= journal_last(j); index++) {
		struct journal_entry e;

		if (journal_type(j, index) != ENTRY_MEMBERS)
			continue;
		rc = journal_read(j, index, &scratch, &e);
		if (rc == 0)
			rc = take_members(r, e.payload);
	}
	buf_fini(&scratch);
	return rc;
}

static void judge_members(struct recover *r)
{
	size_t voters = 0;

	for (size_t i = 0; i < r->n_members; i++) {
		voters += r->members[i].voter;
		if (r->members[i].node != r->dir.node)
			continue;
		r->is_member = true;
		r->is_voter = r->members[i].voter;
	}
	r->is_sole = r->is_voter && voters == 1;
}

static void name_members(struct recover *r, struct tables *t)
{
	for (size_t i = 0; i < r->n_members; i++) {
		struct recover_member *m = &r->members[i];
		struct member record;

		if (!catalog_get_member(t, m->node, &record))
			continue;
		text_copy(m->name, sizeof(m->name), record.name);
		text_copy(m->peer, sizeof(m->peer), record.peer);
	}
}

/* fn with the state as it is applied. */
static int with_state(struct recover *r,
	int (*fn)(struct recover *r, struct tables *t, void *arg), void *arg)
{
	struct reader *reader = store_reader_new(r->files.store);
	struct tables *t = reader ? store_read_begin(reader) : NULL;
	int rc = SVCD_ENOMEM;

	if (t) {
		rc = fn(r, t, arg);
		store_read_end(reader);
	}
	store_reader_free(reader);
	return rc;
}

static int look_at_state(struct recover *r, struct tables *t, void *arg)
{
	(void)arg;
	r->rev = catalog_rev(t);
	name_members(r, t);
	return t->error;
}

static int look(struct recover *r, struct err *e)
{
	struct journal *j = r->files.journal;
	int rc = find_members(r);

	r->last_index = journal_last(j);
	r->last_term = journal_term(j, r->last_index);
	r->commit_index = r->files.applied;
	r->term = r->files.ballot.term > r->last_term ? r->files.ballot.term
						      : r->last_term;
	judge_members(r);
	if (rc == 0)
		rc = with_state(r, look_at_state, NULL);
	return rc == 0
		? 0
		: err_set(e, rc, "%s cannot be read: %s", r->dir.path, err_text(rc));
}

int recover_open(struct recover *r, const char *data_dir, struct err *e)
{
	struct recovery_options o = {0};
	int rc = check_there(data_dir, e);

	*r = (struct recover){.dir.fd = -1, .dir.lock_fd = -1};
	if (rc == 0)
		rc = datadir_open(&r->dir, data_dir, e);
	if (rc != 0)
		return rc;
	rc = check_own(&r->dir, e);
	if (rc == 0)
		rc = recovery_open(&r->dir, &o, &r->files, e);
	r->opened = rc == 0;
	if (rc == 0)
		rc = look(r, e);
	if (rc != 0)
		recover_close(r);
	return rc;
}

/* ---- changing it ------------------------------------------------------- */

struct order {
	struct sole sole;
	struct buf payload;
	char reason[128];
	uint64_t logged[RECOVER_MEMBERS_MAX];
};

static int make_commands(struct recover *r, struct tables *t, void *arg)
{
	struct order *o = arg;

	(void)r;
	return sole_commands(t, &o->sole, &o->payload);
}

static int refuse(const struct recover *r, struct err *e)
{
	if (r->last_index == 0)
		return err_set(e, SVCD_ECONFLICT,
			"%s holds nothing yet: there is nothing to recover", r->dir.path);
	return err_set(e, SVCD_ECONFLICT,
		"this member is the only voter already: start it, nothing has to be "
		"recovered");
}

static int prepare(struct recover *r, struct order *o, struct err *e)
{
	int rc;

	snprintf(o->reason, sizeof(o->reason),
		"recovered: this member is the only voter now, cluster %016" PRIx64
		" is %016" PRIx64,
		r->dir.former.id[0], r->dir.cluster);
	o->sole.reason = o->reason;
	for (size_t i = 0; i < r->n_members; i++)
		o->logged[i] = r->members[i].node;
	o->sole.logged = o->logged;
	o->sole.n_logged = r->n_members;
	rc = with_state(r, make_commands, o);
	return rc == 0
		? 0
		: err_set(e, rc, "%s cannot be read: %s", r->dir.path, err_text(rc));
}

/* The new id first: when a crash comes in between, this member is alone with it and no
 * majority, and is recovered once more. The other way round it would lead beside others
 * that are a majority of the same cluster. */
int recover_run(struct recover *r, const char *actor, uint64_t wall_ms, struct err *e)
{
	struct order o = {
		.sole = {.node = r->dir.node, .actor = actor, .wall_ms = wall_ms}};
	int rc;

	if (r->is_sole || r->last_index == 0)
		return refuse(r, e);
	rc = datadir_renew_cluster(&r->dir, e);
	if (rc == 0)
		rc = prepare(r, &o, e);
	if (rc == 0) {
		/* the term first: without it the entries would be of a term that nobody
		 * knows of */
		ballot_write(&r->files.ballot, r->term + 1, 0);
		rc = sole_append(
			r->files.journal, r->term + 1, &o.sole, buf_bytes(&o.payload), e);
	}
	buf_fini(&o.payload);
	return rc;
}

void recover_close(struct recover *r)
{
	bool clean = r->opened && r->files.store != NULL &&
		store_sync(r->files.store, NULL) == 0;

	if (r->opened)
		recovered_close(&r->files);
	if (clean)
		datadir_mark(&r->dir, true, NULL);
	datadir_close(&r->dir);
	r->opened = false;
}
