#include "history.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_MAX 8 /* faults that are shown */
#define AROUND 6   /* operations before and after one */

struct checking {
	struct history *h;
	struct history_verdict *v;
	FILE *out;
	void (*name_key)(uint32_t key, char text[64]);
	unsigned told;
};

void history_add(struct history *h, const struct record *r)
{
	if (h->len == h->cap) {
		h->cap = h->cap == 0 ? 1024 : h->cap * 2;
		h->items = realloc(h->items, h->cap * sizeof *h->items);
		assert(h->items != NULL);
	}
	h->items[h->len++] = *r;
}

void history_take(struct history *h, struct history *from)
{
	for (size_t i = 0; i < from->len; i++)
		history_add(h, &from->items[i]);
	history_fini(from);
}

void history_fini(struct history *h)
{
	free(h->items);
	memset(h, 0, sizeof *h);
}

/* ---- telling ------------------------------------------------------------ */

static void tell_one(struct checking *c, const struct record *r, bool marked)
{
	char key[64];

	c->name_key(r->key, key);
	fprintf(c->out,
		"  %s %-12s %12.6f..%12.6f client %-3u %-10s %-7s value %" PRIx64
		" incarnation %" PRIu64 " guard %" PRIu64 " rev %" PRIu64 "%s\n",
		marked ? ">" : " ", key, (double)r->op.call / 1e9,
		r->op.result == RESULT_UNKNOWN ? 0 : (double)r->op.ret / 1e9, r->op.who,
		op_kind_name(r->op.kind), op_result_name(r->op.result), r->op.value,
		r->op.incarnation, r->op.guard, r->rev, r->local ? " local" : "");
}

static bool telling(struct checking *c, const char *what)
{
	if (c->out == NULL || c->told >= TOLD_MAX)
		return false;
	c->told++;
	fprintf(c->out, "%s\n", what);
	return true;
}

/* ---- linearizability, by key -------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->op.call < y->op.call ? -1 : x->op.call > y->op.call;
}

static void tell_around(struct checking *c, const struct record *items, size_t n,
	size_t at, const char *what)
{
	if (!telling(c, what))
		return;
	for (size_t i = at > AROUND ? at - AROUND : 0; i < n && i <= at + AROUND; i++)
		tell_one(c, &items[i], i == at);
}

static void check_linear(struct checking *c, const struct record *items, size_t n)
{
	struct linear_op *ops = calloc(n + 1, sizeof *ops);
	size_t *origin = calloc(n + 1, sizeof *origin), kept = 0;
	struct linear_report report;

	assert(ops != NULL && origin != NULL);
	for (size_t i = 0; i < n; i++) {
		if (items[i].local)
			continue;
		origin[kept] = i;
		ops[kept++] = items[i].op;
	}
	linear_check(ops, kept, &report);
	if (report.peak > c->v->peak)
		c->v->peak = report.peak;
	if (report.verdict == LINEAR_NO) {
		c->v->not_linear++;
		tell_around(c, items, n, origin[report.failed], "not linearizable:");
	} else if (report.verdict == LINEAR_UNDECIDED) {
		c->v->undecided++;
		tell_around(c, items, n, origin[report.failed], "not decided:");
	}
	free(ops);
	free(origin);
}

/* ---- reads against the revisions of writes ------------------------------- */

static bool acknowledged_write(const struct record *r)
{
	return r->op.kind != OP_READ && r->op.result == RESULT_OK && r->rev != 0;
}

static int by_rev(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a,
			    *y = *(const struct record *const *)b;

	return x->rev < y->rev ? -1 : x->rev > y->rev;
}

/* Acknowledged writes of one key in order of revision. */
struct writes {
	const struct record **w;
	size_t n;
};

static struct writes writes_of(const struct record *items, size_t n)
{
	struct writes out = {calloc(n + 1, sizeof(struct record *)), 0};

	assert(out.w != NULL);
	for (size_t i = 0; i < n; i++)
		if (acknowledged_write(&items[i]))
			out.w[out.n++] = &items[i];
	qsort(out.w, out.n, sizeof *out.w, by_rev);
	return out;
}

/* The last write at or before rev; NULL: none. */
static const struct record *newest_until(const struct writes *all, uint64_t rev)
{
	size_t low = 0, high = all->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (all->w[middle]->rev <= rev)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? NULL : all->w[low - 1];
}

/* Absent is right when a removal explains it: of no known outcome, or newer than the
 * revision told, for the member may know more already. */
static bool absence_explained(
	const struct record *items, size_t n, const struct record *read)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].op.kind == OP_DEREGISTER &&
			items[i].op.call < read->op.ret &&
			(items[i].op.result == RESULT_UNKNOWN ||
				(acknowledged_write(&items[i]) &&
					items[i].rev > read->rev)))
			return true;
	return false;
}

static bool outdated(const struct record *items, size_t n, const struct writes *all,
	const struct record *read)
{
	const struct record *newest = newest_until(all, read->rev);

	if (newest == NULL)
		return false;
	if (read->op.result == RESULT_ABSENT)
		return newest->op.kind != OP_DEREGISTER &&
			!absence_explained(items, n, read);
	if (newest->op.kind != OP_DEREGISTER && newest->op.value == read->op.value)
		return false;
	/* something else: a write of no known outcome, or newer than the revision told */
	for (size_t i = 0; i < n; i++)
		if (items[i].op.kind != OP_READ && items[i].op.value == read->op.value)
			return acknowledged_write(&items[i]) &&
				items[i].rev < newest->rev;
	return true; /* nobody wrote it */
}

static void check_reads(struct checking *c, const struct record *items, size_t n)
{
	struct writes all = writes_of(items, n);

	for (size_t i = 0; i < n; i++) {
		const struct record *r = &items[i];

		if (r->op.kind != OP_READ || r->rev == 0 || !outdated(items, n, &all, r))
			continue;
		c->v->outdated++;
		tell_around(c, items, n, i, "older than the revision it names:");
	}
	free(all.w);
}

/* ---- revisions and real time --------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a,
			    *y = *(const struct record *const *)b;

	if (x->rev != y->rev)
		return x->rev > y->rev ? -1 : 1;
	/* a read of revision r may not have ended before the write of r began */
	return (x->op.kind == OP_READ ? 0 : 1) - (y->op.kind == OP_READ ? 0 : 1);
}

static void tell_pair(
	struct checking *c, const struct record *first, const struct record *later)
{
	c->v->out_of_order++;
	if (!telling(c,
		    "had its answer before the other was called, but has a greater "
		    "revision:"))
		return;
	tell_one(c, first, true);
	tell_one(c, later, false);
}

static void check_order(struct checking *c)
{
	const struct record **all = calloc(c->h->len + 1, sizeof *all);
	const struct record *earliest = NULL; /* return, of those with greater revisions
					       */
	size_t n = 0;

	assert(all != NULL);
	for (size_t i = 0; i < c->h->len; i++) {
		const struct record *r = &c->h->items[i];

		if (r->rev != 0 && !r->local && r->op.result != RESULT_UNKNOWN &&
			r->op.result != RESULT_STALE)
			all[n++] = r;
	}
	qsort(all, n, sizeof *all, newest_first);
	for (size_t i = 0; i < n; i++) {
		bool write = all[i]->op.kind != OP_READ;

		if (earliest != NULL && earliest->op.ret < all[i]->op.call &&
			(write || earliest->rev != all[i]->rev))
			tell_pair(c, earliest, all[i]);
		if (write && i > 0 && all[i - 1]->op.kind != OP_READ &&
			all[i - 1]->rev == all[i]->rev)
			tell_pair(c, all[i - 1], all[i]);
		if (earliest == NULL || all[i]->op.ret < earliest->op.ret)
			earliest = all[i];
	}
	free(all);
}

bool history_check(struct history *h, struct history_verdict *v, FILE *out,
	void (*name_key)(uint32_t key, char text[64]))
{
	struct checking c = {.h = h, .v = v, .out = out, .name_key = name_key};

	memset(v, 0, sizeof *v);
	v->operations = h->len;
	if (h->len > 0)
		qsort(h->items, h->len, sizeof *h->items, by_key);
	for (size_t at = 0, end; at < h->len; at = end) {
		for (end = at + 1; end < h->len && h->items[end].key == h->items[at].key;)
			end++;
		v->keys++;
		check_linear(&c, h->items + at, end - at);
		check_reads(&c, h->items + at, end - at);
	}
	check_order(&c);
	return v->not_linear + v->undecided + v->out_of_order + v->outdated == 0;
}
