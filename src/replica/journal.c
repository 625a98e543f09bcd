#include "replica/journal_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replica/must.h"

/* So much of a segment is left to entries that must be written whatever happens: a new
 * leader's first one. */
#define MARGIN_BYTES 4096

struct piece *journal_tail(struct journal *j)
{
	return &j->pieces[j->n_pieces - 1];
}

static const struct piece *front(const struct journal *j)
{
	return &j->pieces[0];
}

void journal_name(uint64_t seq, char out[SEGMENT_NAME_MAX])
{
	snprintf(out, SEGMENT_NAME_MAX, "%016" PRIx64 ".seg", seq);
}

uint64_t journal_first(const struct journal *j)
{
	return front(j)->head.prev_index + 1;
}

uint64_t journal_last(const struct journal *j)
{
	return front(j)->head.prev_index + j->n_items;
}

uint64_t journal_durable(const struct journal *j)
{
	return j->durable;
}

static const struct item *item_at(const struct journal *j, uint64_t index)
{
	assert(index >= journal_first(j) && index <= journal_last(j));
	return &j->items[index - journal_first(j)];
}

uint64_t journal_term(const struct journal *j, uint64_t index)
{
	if (index == front(j)->head.prev_index)
		return front(j)->head.prev_term;
	if (index < journal_first(j) || index > journal_last(j))
		return 0;
	return item_at(j, index)->term;
}

uint8_t journal_type(const struct journal *j, uint64_t index)
{
	return item_at(j, index)->type;
}

const struct piece *journal_piece(const struct journal *j, uint64_t index)
{
	size_t i = j->n_pieces - 1;

	while (i > 0 && j->pieces[i].head.prev_index >= index)
		i--;
	return &j->pieces[i];
}

static uint64_t piece_bytes(const struct piece *p)
{
	return p->end - SEGMENT_HEAD_BYTES;
}

uint64_t journal_bytes_after(const struct journal *j, uint64_t index)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < j->n_pieces; i++) {
		const struct piece *p = &j->pieces[i];
		bool is_tail = i + 1 == j->n_pieces;
		uint64_t last = is_tail ? journal_last(j) : p[1].head.prev_index;

		if (index <= p->head.prev_index)
			sum += piece_bytes(p);
		else if (index < last)
			sum += p->end - item_at(j, index + 1)->at;
	}
	return sum;
}

/* ---- growing arrays ---------------------------------------------------- */

static int grow(void **array, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;
	void *p;

	if (n < *cap)
		return 0;
	p = realloc(*array, more * size);
	if (!p)
		return SVCD_ENOMEM;
	*array = p;
	*cap = more;
	return 0;
}

int journal_push_piece(struct journal *j, const struct piece *p)
{
	void *array = j->pieces;
	int rc = grow(&array, &j->cap_pieces, j->n_pieces, sizeof(*p));

	j->pieces = array;
	if (rc == 0)
		j->pieces[j->n_pieces++] = *p;
	return rc;
}

int journal_push_item(struct journal *j, const struct item *i)
{
	void *array = j->items;
	int rc = grow(&array, &j->cap_items, j->n_items, sizeof(*i));

	j->items = array;
	if (rc == 0)
		j->items[j->n_items++] = *i;
	return rc;
}

int journal_zero(struct journal *j, int file, uint64_t at, uint64_t to)
{
	static const uint8_t zeros[65536];
	int rc = 0;

	while (rc == 0 && at < to) {
		size_t n = to - at < sizeof(zeros) ? (size_t)(to - at) : sizeof(zeros);

		rc = j->disk->ops->write(j->disk, file, at, zeros, n);
		at += n;
	}
	return rc;
}

/* ---- appending --------------------------------------------------------- */

static uint64_t left(const struct piece *p)
{
	return p->size - p->end;
}

int journal_room(struct journal *j, size_t n, uint64_t payload_bytes)
{
	uint64_t bytes = payload_bytes + n * record_bytes(7); /* padding and all */

	if (bytes + MARGIN_BYTES <= left(journal_tail(j)))
		return 0;
	if (bytes + MARGIN_BYTES > j->segment_bytes - SEGMENT_HEAD_BYTES)
		return SVCD_ETOOBIG;
	return spare_reserve(j);
}

/* Writes what is staged behind the end of the current segment. */
static void flush_stage(struct journal *j)
{
	struct piece *p = journal_tail(j);
	struct disk *d = j->disk;

	if (j->stage.len == 0)
		return;
	must(j->stage.error, "log_stage");
	must(d->ops->write(d, p->file, p->end, j->stage.data, j->stage.len), "log_write");
	p->end += j->stage.len;
	j->unsynced_bytes += j->stage.len;
	buf_clear(&j->stage);
}

/* Everything before the last segment is durable: a segment that follows proves it. */
static int roll(struct journal *j)
{
	uint64_t last = journal_last(j);

	flush_stage(j);
	journal_sync(j);
	return spare_activate(j, last, journal_term(j, last), false);
}

static int stage_entry(struct journal *j, const struct journal_entry *e)
{
	size_t bytes = record_bytes(e->payload.len);
	struct item item = {.term = e->term, .type = e->type};
	uint8_t *at;
	int rc;

	if (j->stage.len + bytes > left(journal_tail(j)) && (rc = roll(j)) != 0)
		return rc;
	item.at = (uint32_t)(journal_tail(j)->end + j->stage.len);
	at = buf_reserve(&j->stage, bytes);
	if (!at)
		return j->stage.error;
	record_encode(e, journal_tail(j)->head.salt, j->durable, at);
	j->stage.len += bytes;
	return journal_push_item(j, &item);
}

/* The caller may append what must be written without asking for room; there is the margin
 * for it. When a new segment is needed it is made ready here, so that a full disk is
 * found before anything is written. */
static int check_room(struct journal *j, const struct journal_entry *entries, size_t n)
{
	uint64_t payload = 0, bytes = 0;
	int rc;

	for (size_t i = 0; i < n; i++) {
		assert(entries[i].index == journal_last(j) + 1 + i);
		payload += entries[i].payload.len;
		bytes += record_bytes(entries[i].payload.len);
	}
	if (bytes <= left(journal_tail(j)))
		return 0;
	rc = journal_room(j, n, payload);
	return rc == 0 ? spare_finish(j) : rc;
}

int journal_append(struct journal *j, const struct journal_entry *entries, size_t n)
{
	int rc = check_room(j, entries, n);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		must(stage_entry(j, &entries[i]), "log_append");
	flush_stage(j);
	return 0;
}

void journal_sync(struct journal *j)
{
	uint64_t bytes = j->unsynced_bytes;

	if (j->durable == journal_last(j))
		return;
	must(j->disk->ops->sync(j->disk, journal_tail(j)->file), "log_sync");
	j->durable = journal_last(j);
	j->unsynced_bytes = 0;
	spare_step(j, 2 * bytes);
}

/* ---- reading back ------------------------------------------------------ */

static int read_record(struct journal *j, uint64_t index, struct buf *scratch)
{
	const struct piece *p = journal_piece(j, index);
	uint32_t at = item_at(j, index)->at;
	bool is_last = index == journal_last(j) ||
		p->head.prev_index < journal_piece(j, index + 1)->head.prev_index;
	uint64_t end = is_last ? p->end : item_at(j, index + 1)->at;
	uint8_t *out;

	buf_clear(scratch);
	out = buf_reserve(scratch, end - at);
	if (!out)
		return scratch->error;
	scratch->len = end - at;
	return j->disk->ops->read(j->disk, p->file, at, out, scratch->len);
}

int journal_read(
	struct journal *j, uint64_t index, struct buf *scratch, struct journal_entry *out)
{
	int rc = read_record(j, index, scratch);
	struct record r;

	if (rc != 0)
		return rc;
	if (!record_decode(buf_bytes(scratch), journal_piece(j, index)->head.salt, &r) ||
		r.entry.index != index)
		return SVCD_ECORRUPT;
	*out = r.entry;
	return 0;
}

/* ---- removing ---------------------------------------------------------- */

static void remove_tail(struct journal *j)
{
	struct piece *p = journal_tail(j);
	struct disk *d = j->disk;
	char name[SEGMENT_NAME_MAX];

	journal_name(p->head.seq, name);
	d->ops->close(d, p->file);
	must(d->ops->remove(d, name), "segment_remove");
	must(d->ops->sync_dir(d), "segment_name");
	j->n_items = p->head.prev_index + 1 - journal_first(j);
	j->n_pieces--;
}

/* Up to which index the entry says that the log was durable when it was written. */
static uint64_t durable_before(struct journal *j, uint64_t index, struct buf *scratch)
{
	const struct piece *p = journal_piece(j, index);
	struct record r;

	must(read_record(j, index, scratch), "log_read");
	if (!record_decode(buf_bytes(scratch), p->head.salt, &r))
		return index - 1; /* nobody will believe it either: alone */
	return r.durable;
}

/*
 * The bytes are wiped: a later record might end where one of them begins. A crash leaves
 * any part of a wipe undone. What is left of the last entries is taken for an
 * interrupted write, as long as none of them says that a wiped one was durable: so what
 * was synced together is wiped together, from the end.
 */
static void wipe_from(struct journal *j, uint64_t index)
{
	const struct piece *p = journal_tail(j);
	struct buf scratch = {0};
	uint64_t end = p->end;

	for (uint64_t last = journal_last(j); last >= index;) {
		uint64_t first = durable_before(j, last, &scratch) + 1;
		uint32_t at;

		if (first < index)
			first = index;
		at = item_at(j, first)->at;
		must(journal_zero(j, p->file, at, end), "log_wipe");
		must(j->disk->ops->sync(j->disk, p->file), "log_sync");
		end = at;
		last = first - 1;
	}
	buf_fini(&scratch);
}

/* From the end, so that a crash in between leaves a log without gaps. */
void journal_truncate(struct journal *j, uint64_t index)
{
	uint32_t at;

	assert(index >= journal_first(j) && index <= journal_last(j) + 1);
	if (index > journal_last(j))
		return;
	while (journal_tail(j)->head.prev_index >= index)
		remove_tail(j);
	at = item_at(j, index)->at;
	wipe_from(j, index);
	journal_tail(j)->end = at;
	j->n_items = index - journal_first(j);
	j->durable = journal_last(j);
	j->unsynced_bytes = 0;
}

static void drop_front(struct journal *j)
{
	size_t n = j->pieces[1].head.prev_index - front(j)->head.prev_index;

	spare_recycle(j, &j->pieces[0]);
	j->n_items -= n;
	memmove(j->items, j->items + n, j->n_items * sizeof(*j->items));
	j->n_pieces--;
	memmove(j->pieces, j->pieces + 1, j->n_pieces * sizeof(*j->pieces));
}

void journal_drop(struct journal *j, uint64_t index)
{
	bool dropped = false;

	while (j->n_pieces > 1 && j->pieces[1].head.prev_index <= index) {
		drop_front(j);
		dropped = true;
	}
	if (dropped)
		must(j->disk->ops->sync_dir(j->disk), "segment_name");
}

int journal_reset_room(struct journal *j)
{
	return spare_finish(j);
}

int journal_reset(struct journal *j, uint64_t index, uint64_t term)
{
	int rc = spare_activate(j, index, term, true);

	if (rc != 0)
		return rc;
	while (j->n_pieces > 1) {
		spare_recycle(j, &j->pieces[0]);
		j->n_pieces--;
		memmove(j->pieces, j->pieces + 1, j->n_pieces * sizeof(*j->pieces));
	}
	must(j->disk->ops->sync_dir(j->disk), "segment_name");
	j->n_items = 0;
	j->durable = index;
	j->unsynced_bytes = 0;
	return 0;
}

/* ---- invariants -------------------------------------------------------- */

void journal_check(const struct journal *j)
{
	assert(j->n_pieces > 0 && j->durable <= journal_last(j));
	for (size_t i = 0; i < j->n_pieces; i++) {
		const struct piece *p = &j->pieces[i];

		assert(p->end >= SEGMENT_HEAD_BYTES && p->end <= p->size);
		assert(i == 0 || p->head.seq == p[-1].head.seq + 1);
		assert(i == 0 || p->head.prev_index >= p[-1].head.prev_index);
		assert(i == 0 || j->durable >= p->head.prev_index);
		assert(p->head.prev_index <= journal_last(j));
	}
	for (size_t i = 1; i < j->n_items; i++)
		assert(j->items[i].term >= j->items[i - 1].term);
}
