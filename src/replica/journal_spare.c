#include "replica/journal_internal.h"

#include <string.h>

#include "replica/must.h"

#define STEP_BYTES_MIN ((uint64_t)128 << 10)

void spare_discard(struct journal *j)
{
	j->spare = (struct spare){.file = -1};
	j->disk->ops->remove(j->disk, SPARE_NAME);
}

void spare_close(struct journal *j)
{
	if (j->spare.beside)
		j->disk->ops->fill_end(j->disk, true);
	if (j->spare.file >= 0)
		j->disk->ops->close(j->disk, j->spare.file);
}

int spare_reserve(struct journal *j)
{
	struct disk *d = j->disk;
	int file, rc;

	if (j->spare.file >= 0)
		return 0;
	rc = d->ops->open(d, SPARE_NAME, true, &file);
	if (rc != 0)
		return rc;
	rc = d->ops->reserve(d, file, j->segment_bytes);
	if (rc != 0) {
		d->ops->close(d, file);
		d->ops->remove(d, SPARE_NAME);
		return rc;
	}
	j->spare = (struct spare){.file = file, .size = j->segment_bytes};
	return 0;
}

static void give_up(struct journal *j)
{
	j->disk->ops->close(j->disk, j->spare.file);
	spare_discard(j);
}

/* Writes zeros. Where blocks cannot be reserved this is where the disk turns out to be
 * full. */
static int fill(struct journal *j, uint64_t bytes)
{
	struct spare *s = &j->spare;
	uint64_t to = s->size - s->filled < bytes ? s->size : s->filled + bytes;
	int rc = journal_zero(j, s->file, s->filled, to);

	if (rc != 0)
		return rc;
	j->disk->ops->push(j->disk, s->file, s->filled, to - s->filled);
	s->filled = to;
	return 0;
}

/* How the disk got on. SVCD_EAGAIN: it is still at it. */
static int collect(struct journal *j, bool wait)
{
	struct spare *s = &j->spare;
	int rc = j->disk->ops->fill_end(j->disk, wait);

	if (rc == SVCD_EAGAIN)
		return rc;
	s->beside = false;
	if (rc != 0) {
		give_up(j);
		return rc;
	}
	s->filled = s->size;
	s->ready = true;
	return 0;
}

static bool begin_beside(struct journal *j)
{
	const struct disk_ops *ops = j->disk->ops;
	struct spare *s = &j->spare;

	s->beside = s->filled == 0 && ops->fill_begin &&
		ops->fill_begin(j->disk, s->file, s->size) == 0;
	return s->beside;
}

int spare_finish(struct journal *j)
{
	struct spare *s = &j->spare;
	int rc = spare_reserve(j);

	if (rc != 0 || s->ready)
		return rc;
	if (s->beside)
		return collect(j, true);
	if (s->filled < s->size)
		rc = fill(j, s->size);
	if (rc == 0)
		rc = j->disk->ops->sync(j->disk, s->file);
	s->ready = rc == 0;
	if (rc != 0)
		give_up(j);
	return rc;
}

void spare_step(struct journal *j, uint64_t bytes)
{
	const struct piece *tail = journal_tail(j);
	struct spare *s = &j->spare;

	if (s->ready || tail->end < tail->size / 4 || spare_reserve(j) != 0)
		return;
	if (s->beside)
		collect(j, false);
	else if (begin_beside(j))
		return;
	else if (s->filled == s->size)
		spare_finish(j);
	else if (fill(j, bytes > STEP_BYTES_MIN ? bytes : STEP_BYTES_MIN) != 0)
		give_up(j);
}

void journal_prepare(struct journal *j)
{
	if (!j->spare.ready && !j->spare.beside && spare_reserve(j) == 0)
		begin_beside(j);
}

void spare_recycle(struct journal *j, struct piece *p)
{
	struct disk *d = j->disk;
	char name[SEGMENT_NAME_MAX];

	journal_name(p->head.seq, name);
	if (j->spare.file < 0 && p->size == j->segment_bytes) {
		must(d->ops->rename(d, name, SPARE_NAME), "segment_rename");
		j->spare = (struct spare){.file = p->file,
			.size = p->size,
			.filled = p->size,
			.ready = true};
		return;
	}
	d->ops->close(d, p->file);
	must(d->ops->remove(d, name), "segment_remove");
}

/* The head is durable before the name is: a file with the name of a segment has a valid
 * head. */
static int write_head(struct journal *j, const struct segment_head *h)
{
	uint8_t page[SEGMENT_HEAD_BYTES];
	int rc;

	segment_head_encode(h, page);
	rc = j->disk->ops->write(j->disk, j->spare.file, 0, page, sizeof(page));
	return rc == 0 ? j->disk->ops->sync(j->disk, j->spare.file) : rc;
}

int spare_activate(
	struct journal *j, uint64_t prev_index, uint64_t prev_term, bool restart)
{
	struct disk *d = j->disk;
	struct piece p = {
		.head = {.seq = j->n_pieces ? journal_tail(j)->head.seq + 1 : 1,
			.cluster = j->cluster,
			.prev_index = prev_index,
			.prev_term = prev_term,
			.salt = (uint32_t)rng_next(&j->rng),
			.restart = restart},
		.end = SEGMENT_HEAD_BYTES,
	};
	char name[SEGMENT_NAME_MAX];
	int rc = spare_finish(j);

	if (rc != 0)
		return rc;
	must(write_head(j, &p.head), "segment_head");
	journal_name(p.head.seq, name);
	must(d->ops->rename(d, SPARE_NAME, name), "segment_rename");
	must(d->ops->sync_dir(d), "segment_name");
	p.file = j->spare.file;
	p.size = j->spare.size;
	j->spare = (struct spare){.file = -1};
	return journal_push_piece(j, &p);
}
