/*
 * Checkpoints: a compacted LMDB file with one more page that describes it and holds its
 * hash.
 *
 * LMDB trusts its file; a damaged one makes it read wild addresses. So nothing of a
 * checkpoint reaches LMDB before its hash was found right.
 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "catalog/catalog.h"

#define CHUNK_BYTES ((size_t)1 << 20)
#define REST_NS 6000000 /* after each chunk: some 128 MiB/s */
#define MAGIC "svcd checkpoint\n"

/* The last page of the file, zero behind these fields. */
struct label {
	char magic[16];
	uint64_t format;
	uint64_t bytes; /* of the LMDB file before the label */
	uint64_t hash;  /* of it */
	uint64_t cluster, index, term, rev, digest;
	uint64_t label_hash; /* of the fields above */
};

static uint64_t label_hash(const struct label *l)
{
	return bytes_hash(bytes_of(l, offsetof(struct label, label_hash)));
}

/* ---- whole files ------------------------------------------------------- */

static int read_exactly(int fd, void *out, size_t len)
{
	uint8_t *at = out;

	while (len > 0) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; /* shorter than it was */
		if (n <= 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_exactly(int fd, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Writes back the piece and waits for the one before: when the sync comes there is little
 * left, and no other file's sync was ever behind more than that. */
static void push(int fd, uint64_t at, size_t len)
{
	sync_file_range(fd, (off_t)at, (off_t)len, SYNC_FILE_RANGE_WRITE);
	if (at >= CHUNK_BYTES)
		sync_file_range(fd, (off_t)(at - CHUNK_BYTES), CHUNK_BYTES,
			SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				SYNC_FILE_RANGE_WAIT_AFTER);
}

struct passage {
	int from;
	int copy_to; /* -1: nowhere */
	int push;    /* -1: nothing was written */
	bool rests;  /* a log goes on beside it, and has the disk in between */
};

/* Hashes the next bytes, copies them, and has them written back. */
static int pass(const struct passage *p, uint64_t bytes, uint64_t *hash)
{
	uint8_t *chunk = malloc(CHUNK_BYTES);
	uint64_t h = 0;
	int rc = chunk ? 0 : -1;

	for (uint64_t at = 0; rc == 0 && at < bytes; at += CHUNK_BYTES) {
		size_t n = bytes - at < CHUNK_BYTES ? (size_t)(bytes - at) : CHUNK_BYTES;

		rc = read_exactly(p->from, chunk, n);
		if (rc == 0 && p->copy_to >= 0)
			rc = write_exactly(p->copy_to, chunk, n);
		if (rc == 0 && p->push >= 0)
			push(p->push, at, n);
		if (rc == 0 && p->rests)
			nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
		h = rc == 0 ? bytes_hash_seed(bytes_of(chunk, n), h) : 0;
	}
	free(chunk);
	if (rc == 0)
		*hash = h;
	return rc;
}

/* ---- making ------------------------------------------------------------ */

/* Calls fn with the state in an LMDB file; an error that sticks to t is its result. */
static int with_copy(const char *path,
	int (*fn)(void *arg, struct store *copy, struct tables *t), void *arg,
	struct err *e)
{
	struct store *copy;
	struct reader *r;
	struct tables *t;
	int rc = store_open_copy(path, &copy, e);

	if (rc != 0)
		return rc;
	r = store_reader_new(copy);
	t = r ? store_read_begin(r) : NULL;
	rc = t ? fn(arg, copy, t) : SVCD_ENOMEM;
	if (t) {
		rc = t->error ? t->error : rc;
		store_read_end(r);
	}
	store_reader_free(r);
	store_close(copy);
	return rc == 0 ? 0 : err_set(e, rc, "%s: cannot be read: %s", path, err_text(rc));
}

/* What the copy really holds: the writer went on while it was made. */
static int label_fill(void *arg, struct store *copy, struct tables *t)
{
	struct label *l = arg;

	memcpy(l->magic, MAGIC, sizeof(l->magic));
	l->format = STORE_FORMAT;
	l->cluster = copy->position.cluster;
	l->index = copy->position.index;
	l->term = copy->position.term;
	l->digest = copy->position.digest;
	l->rev = catalog_rev(t);
	return 0;
}

static int label_write(int fd, struct label *l, const char *path, struct err *e)
{
	uint8_t page[STORE_PAGE] = {0};
	off_t end = lseek(fd, 0, SEEK_END);

	if (end < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return path_fail(e, path);
	l->bytes = (uint64_t)end;
	if (pass(&(struct passage){.from = fd, .copy_to = -1, .push = fd, .rests = true},
		    l->bytes, &l->hash) != 0)
		return path_fail(e, path);
	l->label_hash = label_hash(l);
	memcpy(page, l, sizeof(*l));
	if (lseek(fd, end, SEEK_SET) < 0 || write_exactly(fd, page, sizeof(page)) != 0 ||
		ftruncate(fd, end + (off_t)sizeof(page)) != 0 || fsync(fd) != 0)
		return path_fail(e, path);
	return 0;
}

/* A file whose blocks are there already has no part in the commits of the file system's
 * journal, which the syncs of the log would have to wait for. Where it cannot be had it
 * is left. */
static void reserve(int fd, uint64_t pages)
{
	fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)((pages + 1) * STORE_PAGE));
}

static int copy_into(struct store *s, const char *path, struct label *l, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct env *env;
	int rc;

	if (fd < 0)
		return path_fail(e, path);
	env = env_take(s);
	reserve(fd, atomic_load_explicit(&env->used_pages, memory_order_relaxed));
	rc = mdb_env_copyfd2(env->mdb, fd, MDB_CP_COMPACT);
	env_leave(env);
	rc = rc == 0 ? with_copy(path, label_fill, l, e) : store_fail(e, rc, path);
	if (rc == 0)
		rc = label_write(fd, l, path, e);
	close(fd);
	return rc;
}

int store_checkpoint(
	struct store *s, const char *path, uint64_t *index, uint64_t *term, struct err *e)
{
	struct label l = {0};
	char tmp[PATH_MAX];
	int rc = path_with(tmp, path, ".tmp", e);

	if (rc != 0)
		return rc;
	rc = copy_into(s, tmp, &l, e);
	if (rc == 0 && (rename(tmp, path) != 0 || path_sync_parent(path) != 0))
		rc = path_fail(e, path);
	if (rc != 0) {
		unlink(tmp);
		return rc;
	}
	*index = l.index;
	*term = l.term;
	return 0;
}

/* ---- reading back ------------------------------------------------------ */

static int corrupt(struct err *e, const char *path, const char *what)
{
	return err_set(e, SVCD_ECORRUPT, "%s: %s", path, what);
}

/* Reads and judges the label; fd then stands at the start of the file. */
static int label_read(int fd, const char *path, struct label *l, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return path_fail(e, path);
	if (st.st_size < 2 * (off_t)STORE_PAGE || st.st_size % (off_t)STORE_PAGE != 0)
		return corrupt(e, path, "not a checkpoint, or cut off");
	if (lseek(fd, st.st_size - (off_t)STORE_PAGE, SEEK_SET) < 0 ||
		read_exactly(fd, l, sizeof(*l)) != 0)
		return path_fail(e, path);
	if (memcmp(l->magic, MAGIC, sizeof(l->magic)) != 0)
		return corrupt(e, path, "not a checkpoint, or cut off");
	if (l->label_hash != label_hash(l))
		return corrupt(e, path, "the description of the checkpoint is damaged");
	if (l->format != STORE_FORMAT)
		return err_set(e, SVCD_EVERSION,
			"%s: has format %llu, this version reads format %d", path,
			(unsigned long long)l->format, STORE_FORMAT);
	if (l->bytes != (uint64_t)st.st_size - STORE_PAGE)
		return corrupt(
			e, path, "the checkpoint has another size than it should have");
	return lseek(fd, 0, SEEK_SET) == 0 ? 0 : path_fail(e, path);
}

static int hash_check(
	const struct passage *p, const char *path, const struct label *l, struct err *e)
{
	uint64_t hash;

	if (pass(p, l->bytes, &hash) != 0)
		return path_fail(e, path);
	return hash == l->hash
		? 0
		: corrupt(e, path, "the checkpoint is damaged: its hash is wrong");
}

static struct checkpoint_info info_of(const struct label *l)
{
	return (struct checkpoint_info){
		.index = l->index,
		.term = l->term,
		.rev = l->rev,
		.digest = l->digest,
		.bytes = l->bytes + STORE_PAGE,
		.cluster = l->cluster,
		.hash = l->label_hash,
		.format = l->format,
	};
}

static int verify(void *arg, struct store *copy, struct tables *t)
{
	const struct checkpoint_info *i = arg;

	(void)copy;
	return store_digest_recompute(t) == i->digest && store_index(t) == i->index
		? 0
		: SVCD_ECORRUPT;
}

int checkpoint_verify(const char *path, const struct checkpoint_info *i, struct err *e)
{
	struct checkpoint_info copy = *i;
	int rc = with_copy(path, verify, &copy, e);

	return rc == SVCD_ECORRUPT ? corrupt(e, path, "the digest of the state is wrong")
				   : rc;
}

int store_checkpoint_inspect(
	const char *path, bool deep, struct checkpoint_info *out, struct err *e)
{
	struct checkpoint_info info;
	struct label l;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return path_fail(e, path);
	rc = label_read(fd, path, &l, e);
	if (rc == 0 && deep)
		rc = hash_check(&(struct passage){.from = fd, .copy_to = -1, .push = -1},
			path, &l, e);
	close(fd);
	info = info_of(&l);
	if (rc == 0 && deep)
		rc = checkpoint_verify(path, &info, e);
	if (rc == 0)
		*out = info;
	return rc;
}

struct wanted {
	enum table table;
	struct bytes key;
	struct buf *out;
};

static int get_one(void *arg, struct store *copy, struct tables *t)
{
	const struct wanted *w = arg;
	struct bytes value;

	(void)copy;
	if (table_get(t, w->table, w->key, &value))
		buf_put_bytes(w->out, value);
	return w->out->error;
}

int store_checkpoint_get(const char *path, enum table table, struct bytes key,
	struct buf *out, struct err *e)
{
	struct wanted w = {.table = table, .key = key, .out = out};

	return with_copy(path, get_one, &w, e);
}

/* ---- becoming a state -------------------------------------------------- */

int checkpoint_copy(const char *checkpoint, const char *to_path, bool synced,
	struct checkpoint_info *out, struct err *e)
{
	struct label l;
	int from = open(checkpoint, O_RDONLY | O_CLOEXEC);
	int to = -1;
	int rc;

	if (from < 0)
		return path_fail(e, checkpoint);
	rc = label_read(from, checkpoint, &l, e);
	if (rc == 0) {
		to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		reserve(to, l.bytes / STORE_PAGE);
		rc = to >= 0 ? hash_check(&(struct passage){.from = from,
						  .copy_to = to,
						  .push = synced ? to : -1},
				       checkpoint, &l, e)
			     : path_fail(e, to_path);
	}
	if (rc == 0 && synced && fsync(to) != 0)
		rc = path_fail(e, to_path);
	if (to >= 0)
		close(to);
	close(from);
	if (rc == 0)
		*out = info_of(&l);
	return rc;
}
