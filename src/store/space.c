/*
 * Disk and map space.
 *
 * LMDB writes straight into the mapped file (MDB_WRITEMAP: a registration costs 6 us of
 * it instead of 15, a lone one 13 instead of 49). A page without a block behind it would
 * then be a SIGBUS on a full disk, so blocks are reserved ahead of the writer, and a full
 * disk is a typed error before anything is touched.
 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define STEP_PAGES_MAX ((16 << 20) / STORE_PAGE)
#define ZERO_BYTES 65536

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* For file systems without fallocate. The range was never used, so nothing is
 * overwritten. */
static int write_zeros(int fd, uint64_t from, uint64_t to)
{
	static const uint8_t zeros[ZERO_BYTES];

	while (from < to) {
		ssize_t n = pwrite(
			fd, zeros, min_u64(to - from, ZERO_BYTES), (off_t)from);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0)
			from += (uint64_t)n;
	}
	return 0;
}

static int back_pages(const struct env *env, uint64_t from, uint64_t to)
{
	int rc;

	if (from >= to)
		return 0;
	do
		rc = fallocate(env->data_fd, 0, (off_t)(from * STORE_PAGE),
			     (off_t)((to - from) * STORE_PAGE)) == 0
			? 0
			: errno;
	while (rc == EINTR);
	if (rc == EOPNOTSUPP)
		rc = write_zeros(env->data_fd, from * STORE_PAGE, to * STORE_PAGE);
	return rc;
}

int space_extend(struct store *s, uint64_t pages)
{
	struct env *env = s->env;
	uint64_t step = pages > env->step_pages ? pages : env->step_pages;
	uint64_t to = min_u64(env->backed_pages + step, env->map_pages);
	int rc = back_pages(env, env->backed_pages, to);

	if (rc == 0) {
		env->backed_pages = to;
		return 0;
	}
	atomic_store_explicit(&s->low, true, memory_order_relaxed);
	return err_from_errno(rc);
}

static uint64_t free_disk_bytes(const struct env *env)
{
	struct statvfs v;

	return fstatvfs(env->dir_fd, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize
					      : UINT64_MAX;
}

static uint64_t used_pages(const struct env *env)
{
	return atomic_load_explicit(&env->used_pages, memory_order_relaxed);
}

/* Pages that are in the file, but in no tree of the newest state. Walks the list of them:
 * slow. */
static uint64_t reusable_pages(struct env *env)
{
	MDB_txn *txn;
	MDB_cursor *c;
	MDB_val k, v;
	uint64_t pages = 0;

	if (mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn) != 0)
		return 0;
	if (mdb_cursor_open(txn, 0, &c) == 0) { /* LMDB's table 0 is the list */
		while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0)
			pages += *(const size_t *)v.mv_data;
		mdb_cursor_close(c);
	}
	mdb_txn_abort(txn);
	return pages;
}

static bool map_is_low(const struct store *s, struct env *env)
{
	uint64_t used = used_pages(env);
	uint64_t reserve = min_u64(s->reserve_bytes / STORE_PAGE, env->map_pages / 8);

	if (used + reserve <= env->map_pages)
		return false;
	return env->map_pages - min_u64(used, env->map_pages) + reusable_pages(env) <
		reserve;
}

bool space_look(struct store *s, struct env *env)
{
	bool low = free_disk_bytes(env) < env->reserve_disk_bytes || map_is_low(s, env);

	atomic_store_explicit(&s->low, low, memory_order_relaxed);
	return low;
}

int store_space(struct store *s)
{
	struct env *env;
	bool low;

	if (!atomic_load_explicit(&s->low, memory_order_relaxed))
		return 0;
	env = env_take(s);
	low = space_look(s, env);
	env_leave(env);
	return low ? SVCD_ENOSPACE : 0;
}

void space_note(struct env *env)
{
	MDB_envinfo info;

	mdb_env_info(env->mdb, &info);
	atomic_store_explicit(
		&env->used_pages, info.me_last_pgno + 1, memory_order_relaxed);
}

int space_init(const struct store *s, struct env *env, struct err *e)
{
	MDB_envinfo info;
	uint64_t to;
	int rc;

	mdb_env_info(env->mdb, &info);
	mdb_env_get_fd(env->mdb, &env->data_fd);
	env->map_pages = info.me_mapsize / STORE_PAGE;
	env->step_pages = min_u64(STEP_PAGES_MAX, env->map_pages / 8);
	/* When the next step cannot be had, the reserve must be known to be gone. */
	env->reserve_disk_bytes = max_u64(s->reserve_bytes, env->step_pages * STORE_PAGE);
	space_note(env);
	/* From 0: a file that was copied or restored may have holes. */
	to = min_u64(used_pages(env) + env->step_pages, env->map_pages);
	rc = back_pages(env, 0, to);
	if (rc != 0)
		return err_set(e, err_from_errno(rc),
			"cannot reserve disk space for the state: %s",
			err_text(err_from_errno(rc)));
	env->backed_pages = to;
	return 0;
}

int space_begin(struct store *s, struct err *e)
{
	struct env *env = s->env;
	uint64_t used = used_pages(env);
	int rc;

	space_look(s, env);
	if (used + env->step_pages / 2 > env->backed_pages &&
		env->backed_pages < env->map_pages) {
		rc = space_extend(s, env->step_pages);
		if (rc != 0)
			return err_set(e, rc,
				"cannot reserve disk space for the state: %s",
				err_text(rc));
	}
	s->write.room_pages = env->backed_pages - min_u64(used, env->backed_pages);
	return 0;
}

void store_stat(struct store *s, struct store_stat *out)
{
	struct env *env = env_take(s);

	out->map_bytes = env->map_pages * STORE_PAGE;
	out->used_bytes = used_pages(env) * STORE_PAGE;
	out->free_disk_bytes = free_disk_bytes(env);
	env_leave(env);
}
