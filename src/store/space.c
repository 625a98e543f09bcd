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

static int back_pages(struct store *s, uint64_t from, uint64_t to)
{
	int rc;

	if (from >= to)
		return 0;
	do
		rc = fallocate(s->data_fd, 0, (off_t)(from * STORE_PAGE),
			     (off_t)((to - from) * STORE_PAGE)) == 0
			? 0
			: errno;
	while (rc == EINTR);
	if (rc == EOPNOTSUPP)
		rc = write_zeros(s->data_fd, from * STORE_PAGE, to * STORE_PAGE);
	return rc;
}

int space_extend(struct store *s, uint64_t pages)
{
	uint64_t step = pages > s->step_pages ? pages : s->step_pages;
	uint64_t to = min_u64(s->backed_pages + step, s->map_pages);
	int rc = back_pages(s, s->backed_pages, to);

	if (rc == 0) {
		s->backed_pages = to;
		return 0;
	}
	atomic_store_explicit(&s->low, true, memory_order_relaxed);
	return err_from_errno(rc);
}

static uint64_t free_disk_bytes(const struct store *s)
{
	struct statvfs v;

	return fstatvfs(s->dir_fd, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize
					    : UINT64_MAX;
}

/* Pages that are in the file, but in no tree of the newest state. Walks the list of them:
 * slow. */
static uint64_t reusable_pages(struct store *s)
{
	MDB_txn *txn;
	MDB_cursor *c;
	MDB_val k, v;
	uint64_t pages = 0;

	if (mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) != 0)
		return 0;
	if (mdb_cursor_open(txn, 0, &c) == 0) { /* LMDB's table 0 is the list */
		while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0)
			pages += *(const size_t *)v.mv_data;
		mdb_cursor_close(c);
	}
	mdb_txn_abort(txn);
	return pages;
}

static bool map_is_low(struct store *s)
{
	uint64_t used = atomic_load_explicit(&s->used_pages, memory_order_relaxed);
	uint64_t reserve = min_u64(s->reserve_bytes / STORE_PAGE, s->map_pages / 8);

	if (used + reserve <= s->map_pages)
		return false;
	return s->map_pages - min_u64(used, s->map_pages) + reusable_pages(s) < reserve;
}

static bool look(struct store *s)
{
	bool low = free_disk_bytes(s) < s->reserve_disk_bytes || map_is_low(s);

	atomic_store_explicit(&s->low, low, memory_order_relaxed);
	return low;
}

int store_space(struct store *s)
{
	if (!atomic_load_explicit(&s->low, memory_order_relaxed))
		return 0;
	return look(s) ? SVCD_ENOSPACE : 0;
}

void space_note(struct store *s)
{
	MDB_envinfo info;

	mdb_env_info(s->env, &info);
	atomic_store_explicit(
		&s->used_pages, info.me_last_pgno + 1, memory_order_relaxed);
}

int space_init(struct store *s, struct err *e)
{
	MDB_envinfo info;
	int rc;

	mdb_env_info(s->env, &info);
	mdb_env_get_fd(s->env, &s->data_fd);
	s->map_pages = info.me_mapsize / STORE_PAGE;
	s->step_pages = min_u64(STEP_PAGES_MAX, s->map_pages / 8);
	/* When the next step cannot be had, the reserve must be known to be gone. */
	s->reserve_disk_bytes = max_u64(s->reserve_bytes, s->step_pages * STORE_PAGE);
	space_note(s);
	look(s);
	/* From 0: a file that was copied or restored may have holes. */
	rc = back_pages(
		s, 0, min_u64(info.me_last_pgno + 1 + s->step_pages, s->map_pages));
	if (rc != 0)
		return err_set(e, err_from_errno(rc),
			"cannot reserve disk space for the state: %s",
			err_text(err_from_errno(rc)));
	s->backed_pages = min_u64(info.me_last_pgno + 1 + s->step_pages, s->map_pages);
	return 0;
}

int space_begin(struct store *s, struct err *e)
{
	uint64_t used = atomic_load_explicit(&s->used_pages, memory_order_relaxed);
	int rc;

	look(s);
	if (used + s->step_pages / 2 > s->backed_pages &&
		s->backed_pages < s->map_pages) {
		rc = space_extend(s, s->step_pages);
		if (rc != 0)
			return err_set(e, rc,
				"cannot reserve disk space for the state: %s",
				err_text(rc));
	}
	s->write.room_pages = s->backed_pages - min_u64(used, s->backed_pages);
	return 0;
}

void store_stat(struct store *s, struct store_stat *out)
{
	out->map_bytes = s->map_pages * STORE_PAGE;
	out->used_bytes = atomic_load_explicit(&s->used_pages, memory_order_relaxed) *
		STORE_PAGE;
	out->free_disk_bytes = free_disk_bytes(s);
}
