#include "stream_member.h"

#include <check.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "replica/recovery.h"

void sm_checkpoint(struct sm *m)
{
	struct checkpoint_info info;
	struct err e = {0};

	ck_assert_msg(checkpoint_make(&m->d, m->store, &info, &e) == 0, "%s", e.text);
	checkpoints_add(&m->d, &m->checkpoints, info.index);
	streams_checkpointed(m->streams);
}

static void on_want(void *arg)
{
	struct sm *m = arg;

	m->wanted++;
}

/* As the replica does it: the log is reset, then the state is the staged one. */
static void on_staged(void *arg, const struct staged *s)
{
	struct sm *m = arg;
	struct err e = {0};
	struct stat st;

	ck_assert_int_eq(stat(s->path, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, s->info.bytes);
	ck_assert_uint_eq(s->members_index, 4);
	ck_assert(bytes_eq_str(s->members, "who"));
	m->staged++;
	m->info = s->info;
	m->staged_from = s->from;
	m->staged_term = s->leader_term;
	ck_assert_msg(store_swap(m->store, &e) == 0, "%s", e.text);
	checkpoints_add(&m->d, &m->checkpoints, s->info.index);
}

static void on_coming(void *arg)
{
	((struct sm *)arg)->coming++;
}

static void log_range(void *arg, uint64_t *first, uint64_t *last)
{
	*first = ((struct sm *)arg)->first;
	*last = ((struct sm *)arg)->last;
}

void sm_streams(struct sm *m, struct loop *loop)
{
	struct streams_options o = {.loop = loop,
		.dir = &m->d,
		.store = m->store,
		.peers = m->peers,
		.checkpoints = &m->checkpoints,
		.staged = on_staged,
		.coming = on_coming,
		.want_checkpoint = on_want,
		.log_range = log_range,
		.arg = m};

	ck_assert_int_eq(streams_new(&o, &m->streams), 0);
}

void sm_start(struct sm *m, const char *dir, uint64_t node)
{
	struct store_options o = {
		.map_bytes = (uint64_t)256 << 20, .reserve_bytes = 4096, .cluster = 7};
	char path[PATH_MAX];
	struct err e = {0};

	*m = (struct sm){.node = node, .first = 1, .last = 10};
	ck_assert_msg(datadir_open(&m->d, dir, &e) == 0, "%s", e.text);
	m->d.cluster = 7;
	o.dir = datadir_path(&m->d, "state", path);
	ck_assert_msg(store_open(&o, &m->store, &e) == 0, "%s", e.text);
	ck_assert_int_eq(checkpoints_list(&m->d, &m->checkpoints, &e), 0);
}

void sm_stop(struct sm *m)
{
	if (m->node == 0)
		return;
	streams_free(m->streams);
	store_close(m->store);
	datadir_close(&m->d);
	m->node = 0;
}

/* Some MiB that do not compress to anything smaller. */
void sm_fill(struct sm *m, uint64_t index, size_t kib)
{
	static uint8_t value[1024];
	struct err e = {0};
	struct tables *t = store_write_begin(m->store, &e);
	struct buf members = {0};

	ck_assert_ptr_nonnull(t);
	buf_put_be64(&members, 4);
	buf_put(&members, "who", 3);
	table_put(t, TABLE_META, bytes_str(MEMBERS_KEY), buf_bytes(&members));
	for (uint32_t k = 0; k < kib; k++) {
		memset(value, (int)(k + index), sizeof(value));
		table_put(t, TABLE_EVENT, bytes_of(&k, sizeof(k)),
			bytes_of(value, sizeof(value)));
	}
	ck_assert_msg(store_write_commit(m->store, index, 2, &e) == 0, "%s", e.text);
	buf_fini(&members);
}

uint64_t sm_digest(struct sm *m)
{
	struct reader *r = store_reader_new(m->store);
	struct tables *t = store_read_begin(r);
	uint64_t d = store_digest(t);

	ck_assert_uint_eq(d, store_digest_recompute(t));
	store_read_end(r);
	store_reader_free(r);
	return d;
}
