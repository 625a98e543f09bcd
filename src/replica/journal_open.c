/*
 * Opening the journal: finding the segments, reading them, and judging their end.
 */
#include "replica/journal_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "replica/must.h"

#define WHAT_TO_DO \
	"restore this member's data directory from a backup, " \
	"or remove it and let the member join again"

struct opening {
	struct journal *j;
	const struct journal_options *o;
	struct err *e;
	uint64_t *seqs;
	size_t n, cap;
	int rc;
};

/* ---- names ------------------------------------------------------------- */

static bool name_parse(const char *name, uint64_t *seq)
{
	char again[SEGMENT_NAME_MAX];

	if (sscanf(name, "%16" SCNx64 ".seg", seq) != 1)
		return false;
	journal_name(*seq, again);
	return strcmp(name, again) == 0;
}

static void take_name(void *arg, const char *name)
{
	struct opening *p = arg;
	uint64_t seq;

	if (!name_parse(name, &seq) || p->rc != 0)
		return;
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 16;
		uint64_t *seqs = realloc(p->seqs, cap * sizeof(*seqs));

		if (!seqs) {
			p->rc = err_set(p->e, SVCD_ENOMEM, "out of memory");
			return;
		}
		p->seqs = seqs;
		p->cap = cap;
	}
	p->seqs[p->n++] = seq;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int list_names(struct opening *p)
{
	struct disk *d = p->j->disk;
	int rc = d->ops->list(d, take_name, p);

	if (rc != 0)
		return err_set(p->e, rc, "log/ cannot be listed: %s", err_text(rc));
	if (p->n)
		qsort(p->seqs, p->n, sizeof(*p->seqs), compare);
	return p->rc;
}

/* ---- one segment ------------------------------------------------------- */

static int fail(struct opening *p, int code, uint64_t seq, const char *what)
{
	char name[SEGMENT_NAME_MAX];

	journal_name(seq, name);
	return err_set(p->e, code, "log/%s: %s", name, what);
}

static int read_all(struct journal *j, struct piece *piece, uint8_t **out)
{
	struct disk *d = j->disk;
	int rc = d->ops->size(d, piece->file, &piece->size);
	uint8_t *content;

	if (rc != 0)
		return rc;
	if (piece->size < SEGMENT_HEAD_BYTES || piece->size > UINT32_MAX)
		return SVCD_ECORRUPT;
	content = malloc(piece->size);
	if (!content)
		return SVCD_ENOMEM;
	rc = d->ops->read(d, piece->file, 0, content, piece->size);
	if (rc != 0) {
		free(content);
		return rc;
	}
	*out = content;
	return 0;
}

static int judge_head(struct opening *p, const struct segment_head *h, uint64_t seq)
{
	struct journal *j = p->j;

	if (h->seq != seq)
		return fail(p, SVCD_ECORRUPT, seq,
			"has the name of another segment; " WHAT_TO_DO);
	if (j->cluster && h->cluster != j->cluster &&
		!former_has(p->o->former, h->cluster))
		return fail(p, SVCD_ECONFLICT, seq,
			"belongs to another cluster; give each its own data directory");
	if (j->n_pieces == 0 || h->restart)
		return 0;
	if (journal_tail(j)->head.seq + 1 != seq)
		return fail(p, SVCD_ECORRUPT, seq,
			"the segment before it is missing; " WHAT_TO_DO);
	if (h->prev_index != journal_last(j) ||
		h->prev_term != journal_term(j, h->prev_index))
		return fail(p, SVCD_ECORRUPT, seq,
			"the segment before it is damaged; " WHAT_TO_DO);
	return 0;
}

/* What is older than a restart was about to be removed when a crash came. */
static void forget_older(struct journal *j)
{
	while (j->n_pieces > 0) {
		char name[SEGMENT_NAME_MAX];

		journal_name(j->pieces[0].head.seq, name);
		j->disk->ops->close(j->disk, j->pieces[0].file);
		must(j->disk->ops->remove(j->disk, name), "segment_remove");
		j->n_pieces--;
		memmove(j->pieces, j->pieces + 1, j->n_pieces * sizeof(*j->pieces));
	}
	j->n_items = 0;
	must(j->disk->ops->sync_dir(j->disk), "segment_name");
}

static void take_record(void *arg, const struct record *r, uint64_t at)
{
	struct opening *p = arg;
	struct item item = {
		.term = r->entry.term, .at = (uint32_t)at, .type = r->entry.type};

	if (p->rc == 0)
		p->rc = journal_push_item(p->j, &item);
}

static int refuse_damage(
	struct opening *p, const struct piece *piece, const struct segment_scan *s)
{
	char what[160];

	snprintf(what, sizeof(what),
		"entry %" PRIu64 " at offset %" PRIu64
		" is damaged, and it was committed; ",
		s->last_index + 1, s->end);
	fail(p, SVCD_ECORRUPT, piece->head.seq, what);
	if (p->e)
		strncat(p->e->text, WHAT_TO_DO,
			sizeof(p->e->text) - strlen(p->e->text) - 1);
	return SVCD_ECORRUPT;
}

/* Only behind the end of the last segment can there be an interrupted write. */
static int judge_end(struct opening *p, struct piece *piece, const struct segment_scan *s,
	bool is_last)
{
	struct journal *j = p->j;

	if (s->damaged || (is_last && s->last_index < p->o->known_index && s->torn))
		return refuse_damage(p, piece, s);
	piece->end = s->end;
	if (!is_last)
		return 0;
	if (s->torn || s->debris_end)
		log_warn("log_cut", L_U64("index", s->last_index + 1),
			L_U64("segment", piece->head.seq), L_U64("offset", s->end),
			L_STR("reason", "its write was interrupted"));
	if (s->debris_end) {
		must(journal_zero(j, piece->file, s->end, s->debris_end), "log_wipe");
		must(j->disk->ops->sync(j->disk, piece->file), "log_sync");
	}
	return 0;
}

static int load_content(
	struct opening *p, struct piece *piece, uint64_t seq, bool is_last)
{
	struct segment_scan scan;
	uint8_t *content;
	int rc = read_all(p->j, piece, &content);

	if (rc == SVCD_ECORRUPT)
		return fail(p, rc, seq, "is cut off; " WHAT_TO_DO);
	if (rc != 0)
		return fail(p, rc, seq, err_text(rc));
	rc = segment_head_decode(content, &piece->head);
	if (rc == 0) {
		rc = judge_head(p, &piece->head, seq);
	} else {
		fail(p, rc, seq,
			rc == SVCD_EVERSION ? "has the format of another version of svcd"
					    : "its head is damaged; " WHAT_TO_DO);
	}
	if (rc == 0 && piece->head.restart)
		forget_older(p->j);
	if (rc == 0)
		rc = journal_push_piece(p->j, piece);
	if (rc == 0) {
		piece->file = -1; /* the journal's now */
		segment_scan(bytes_of(content, piece->size), &piece->head, take_record, p,
			&scan);
		rc = p->rc ? p->rc : judge_end(p, journal_tail(p->j), &scan, is_last);
	}
	free(content);
	return rc;
}

static int load_segment(struct opening *p, uint64_t seq, bool is_last)
{
	struct journal *j = p->j;
	struct piece piece = {0};
	char name[SEGMENT_NAME_MAX];
	int rc;

	journal_name(seq, name);
	rc = j->disk->ops->open(j->disk, name, false, &piece.file);
	if (rc != 0)
		return fail(p, rc, seq, err_text(rc));
	rc = load_content(p, &piece, seq, is_last);
	if (piece.file >= 0)
		j->disk->ops->close(j->disk, piece.file);
	return rc;
}

/* ---- all --------------------------------------------------------------- */

static int load_all(struct opening *p)
{
	struct journal *j = p->j;
	int rc = list_names(p);

	for (size_t i = 0; rc == 0 && i < p->n; i++)
		rc = load_segment(p, p->seqs[i], i + 1 == p->n);
	if (rc == 0 && j->n_pieces == 0) {
		rc = spare_activate(j, 0, 0, false);
		if (rc != 0)
			err_set(p->e, rc, "the first segment of log/ cannot be made: %s",
				err_text(rc));
	}
	if (rc != 0)
		return rc;
	/* What a killed process wrote and did not sync is read like what is durable: make
	 * it so. */
	must(j->disk->ops->sync(j->disk, journal_tail(j)->file), "log_sync");
	must(j->disk->ops->sync_dir(j->disk), "segment_name");
	j->durable = journal_last(j);
	return 0;
}

int journal_open(struct disk *d, const struct journal_options *o, struct journal **out,
	struct err *e)
{
	struct journal *j = calloc(1, sizeof(*j));
	struct opening p = {.j = j, .o = o, .e = e};
	uint64_t seed = o->seed;
	int rc;

	if (!j)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	if (seed == 0)
		rng_secure(&seed, sizeof(seed));
	rng_seed(&j->rng, seed);
	j->disk = d;
	j->segment_bytes = o->segment_bytes ? o->segment_bytes : SEGMENT_BYTES_DEFAULT;
	j->cluster = o->cluster;
	spare_discard(j);
	rc = load_all(&p);
	free(p.seqs);
	if (rc != 0) {
		journal_close(j);
		return rc;
	}
	*out = j;
	return 0;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->n_pieces; i++)
		j->disk->ops->close(j->disk, j->pieces[i].file);
	spare_close(j);
	free(j->pieces);
	free(j->items);
	buf_fini(&j->stage);
	free(j);
}
