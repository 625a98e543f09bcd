#include "linear.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define SLOTS 64 /* operations pending at once */

struct configuration {
	uint64_t done; /* slots whose operation took effect */
	struct linear_state state;
};

/* A set: the elements in order of arrival, and a table of index + 1 into them. */
struct set {
	struct configuration *items;
	size_t len, cap;
	uint32_t *table;
	size_t table_cap; /* power of two */
};

struct event {
	uint64_t at;
	uint32_t op;
	bool is_return;
};

struct search {
	const struct linear_op *ops;
	struct event *events;
	size_t n_events;
	const struct linear_op *slot[SLOTS]; /* NULL: free */
	uint64_t pending;                    /* slots in use */
	unsigned char *slot_of;              /* by operation */
	struct set now, next, seen;
	struct linear_report *out;
};

/* ---- sets -------------------------------------------------------------- */

static size_t place(const struct set *s, const struct configuration *c)
{
	return (size_t)bytes_hash(bytes_of(c, sizeof *c)) & (s->table_cap - 1);
}

static void set_grow(struct set *s)
{
	s->cap = s->cap == 0 ? 64 : s->cap * 2;
	s->items = realloc(s->items, s->cap * sizeof *s->items);
	free(s->table);
	s->table_cap = s->cap * 2;
	s->table = calloc(s->table_cap, sizeof *s->table);
	assert(s->items != NULL && s->table != NULL);
	for (size_t i = 0; i < s->len; i++) {
		size_t at = place(s, &s->items[i]);

		while (s->table[at] != 0)
			at = (at + 1) & (s->table_cap - 1);
		s->table[at] = (uint32_t)i + 1;
	}
}

/* False when it is there already. */
static bool set_add(struct set *s, const struct configuration *c)
{
	size_t at;

	if (s->len == s->cap)
		set_grow(s);
	for (at = place(s, c); s->table[at] != 0; at = (at + 1) & (s->table_cap - 1))
		if (memcmp(&s->items[s->table[at] - 1], c, sizeof *c) == 0)
			return false;
	s->items[s->len++] = *c;
	s->table[at] = (uint32_t)s->len;
	return true;
}

static void set_clear(struct set *s)
{
	if (s->len > 0)
		memset(s->table, 0, s->table_cap * sizeof *s->table);
	s->len = 0;
}

static void set_fini(struct set *s)
{
	free(s->items);
	free(s->table);
}

/* ---- the search -------------------------------------------------------- */

/* A read or a refusal that fits the state, and tells nothing new of it. A write that
 * changes nothing now is not meant: it may be what changes the state later. */
static bool changes_nothing(const struct linear_state *s, const struct linear_op *o)
{
	struct linear_state after = *s;
	bool silent = o->kind == OP_READ || o->result == RESULT_ABSENT ||
		o->result == RESULT_STALE;

	return silent && linear_step(&after, o) && memcmp(&after, s, sizeof after) == 0;
}

/* What is possible now and never changes anything takes effect. */
static void settle(const struct search *s, struct configuration *c)
{
	for (uint64_t left = s->pending & ~c->done; left != 0; left &= left - 1) {
		int slot = __builtin_ctzll(left);

		if (changes_nothing(&c->state, s->slot[slot]))
			c->done |= (uint64_t)1 << slot;
	}
}

static void keep(struct search *s, struct configuration c, int returned)
{
	if ((c.done >> returned & 1) != 0) {
		c.done &= ~((uint64_t)1 << returned);
		set_add(&s->next, &c);
	} else {
		set_add(&s->seen, &c);
	}
}

/* One more of the pending operations takes effect, each in turn. */
static void expand(struct search *s, const struct configuration from, int returned)
{
	for (uint64_t left = s->pending & ~from.done; left != 0; left &= left - 1) {
		int slot = __builtin_ctzll(left);
		struct configuration to = from;

		if (!linear_step(&to.state, s->slot[slot]))
			continue;
		to.done |= (uint64_t)1 << slot;
		settle(s, &to);
		keep(s, to, returned);
	}
}

/* An operation without known outcome that took effect in every configuration needs no
 * slot any more. */
static void retire(struct search *s)
{
	uint64_t everywhere = s->pending;

	for (size_t i = 0; i < s->now.len; i++)
		everywhere &= s->now.items[i].done;
	for (uint64_t left = everywhere; left != 0; left &= left - 1) {
		int slot = __builtin_ctzll(left);

		if (s->slot[slot]->result != RESULT_UNKNOWN)
			everywhere &= ~((uint64_t)1 << slot);
	}
	if (everywhere == 0)
		return;
	set_clear(&s->next);
	for (size_t i = 0; i < s->now.len; i++) {
		struct configuration c = s->now.items[i];

		c.done &= ~everywhere;
		set_add(&s->next, &c);
	}
	s->pending &= ~everywhere;
	struct set swap = s->now;
	s->now = s->next;
	s->next = swap;
}

static bool on_call(struct search *s, uint32_t op)
{
	int slot;

	if (s->pending == UINT64_MAX)
		retire(s);
	if (s->pending == UINT64_MAX)
		return false;
	slot = __builtin_ctzll(~s->pending);
	s->slot[slot] = &s->ops[op];
	s->slot_of[op] = (unsigned char)slot;
	s->pending |= (uint64_t)1 << slot;
	set_clear(&s->next);
	for (size_t i = 0; i < s->now.len; i++) {
		struct configuration c = s->now.items[i];

		settle(s, &c);
		set_add(&s->next, &c);
	}
	struct set swap = s->now;
	s->now = s->next;
	s->next = swap;
	return true;
}

static bool on_return(struct search *s, uint32_t op)
{
	int slot = s->slot_of[op];
	struct set swap;

	set_clear(&s->next);
	set_clear(&s->seen);
	for (size_t i = 0; i < s->now.len; i++)
		keep(s, s->now.items[i], slot);
	for (size_t i = 0; i < s->seen.len; i++) {
		expand(s, s->seen.items[i], slot);
		if (s->seen.len + s->next.len > LINEAR_CONFIGURATIONS_MAX)
			return false;
	}
	s->pending &= ~((uint64_t)1 << slot);
	swap = s->now;
	s->now = s->next;
	s->next = swap;
	if (s->now.len > s->out->peak)
		s->out->peak = s->now.len;
	return true;
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->is_return != y->is_return)
		return x->is_return ? 1 : -1;
	return x->op < y->op ? -1 : x->op > y->op;
}

static void list_events(struct search *s, size_t n)
{
	s->events = calloc(2 * n + 1, sizeof *s->events);
	assert(s->events != NULL);
	for (size_t i = 0; i < n; i++) {
		const struct linear_op *o = &s->ops[i];

		s->events[s->n_events++] = (struct event){o->call, (uint32_t)i, false};
		if (o->result != RESULT_UNKNOWN)
			s->events[s->n_events++] = (struct event){
				o->ret, (uint32_t)i, true};
	}
	qsort(s->events, s->n_events, sizeof *s->events, by_time);
}

static enum linear_verdict walk(struct search *s)
{
	struct configuration start = {0};

	set_add(&s->now, &start);
	for (size_t i = 0; i < s->n_events; i++) {
		const struct event *e = &s->events[i];

		s->out->failed = e->op;
		if (!(e->is_return ? on_return : on_call)(s, e->op))
			return LINEAR_UNDECIDED;
		if (s->now.len == 0)
			return LINEAR_NO;
	}
	return LINEAR_YES;
}

void linear_check(const struct linear_op *ops, size_t n, struct linear_report *out)
{
	struct search s = {.ops = ops, .out = out};

	memset(out, 0, sizeof *out);
	s.slot_of = calloc(n + 1, 1);
	assert(s.slot_of != NULL);
	list_events(&s, n);
	out->verdict = walk(&s);
	free(s.events);
	free(s.slot_of);
	set_fini(&s.now);
	set_fini(&s.next);
	set_fini(&s.seen);
}
