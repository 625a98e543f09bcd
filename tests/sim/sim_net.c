/*
 * The network between the members of a sim, and what may be said on it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "sim.h"

#define LATE_MS 1500

void sim_letter_free(struct letter *l)
{
	free(l->entries);
	free(l->bodies);
	free(l);
}

/* ---- what a member may say --------------------------------------------- */

/* Of votes: durable before anybody hears of them. */
static void check_vote(const struct member *m, const struct raft_message *r)
{
	const struct ballot *b = &m->ballot;

	if (r->type == RAFT_REQUEST_VOTE && !r->request_vote.pre_vote)
		sim_assert(m->sim, b->term == r->request_vote.term && b->vote == m->node);
	if (r->type == RAFT_REQUEST_VOTE_RESULT && !r->request_vote_result.pre_vote &&
		r->request_vote_result.vote_granted)
		sim_assert(m->sim,
			b->term == r->request_vote_result.term &&
				b->vote == r->server_id);
}

/* Of entries: durable before they are confirmed. */
static void check_result(struct member *m, const struct raft_message *r)
{
	const struct raft_append_entries_result *a = &r->append_entries_result;
	uint64_t durable = journal_durable(m->journal);

	sim_assert(m->sim, a->rejected != 0 || a->last_log_index <= durable);
	sim_check_log(m);
	m->durable = durable;
}

/* A sole voter commits what it sends by itself: durable before, too (S1). At a start the
 * driver is not known yet. */
static void check_entries(const struct member *m, const struct raft_message *r)
{
	const struct raft_append_entries *a = &r->append_entries;
	struct driver_status st;

	if (!m->driver || a->n_entries == 0)
		return;
	driver_status(m->driver, &st);
	sim_assert(m->sim,
		st.voters > 1 ||
			a->prev_log_index + a->n_entries <= journal_durable(m->journal));
}

/* ---- sending ----------------------------------------------------------- */

static void copy_entries(struct letter *l)
{
	struct raft_append_entries *ae = &l->m.append_entries;
	size_t bytes = 0, at = 0;

	for (unsigned i = 0; i < ae->n_entries; i++)
		bytes += ae->entries[i].buf.len;
	l->entries = calloc(ae->n_entries, sizeof(*l->entries));
	l->bodies = malloc(bytes + 1);
	for (unsigned i = 0; i < ae->n_entries; i++) {
		const struct raft_buffer *b = &ae->entries[i].buf;

		l->entries[i] = ae->entries[i];
		l->entries[i].buf.base = l->bodies + at;
		if (b->len)
			memcpy(l->bodies + at, b->base, b->len);
		at += b->len;
	}
	ae->entries = l->entries;
}

static uint64_t delay_of(struct member *m)
{
	struct sim *s = m->sim;
	uint64_t late = m->disk.ops != m->ops_before ? m->slow_ms : 0;

	if (!s->calm && s->p.late && sim_chance(s, 33))
		return late + rng_below(&s->rng, LATE_MS);
	return late + 1 + rng_below(&s->rng, s->p.delay_ms);
}

static void enqueue(struct member *m, const struct letter *what)
{
	struct sim *s = m->sim;
	struct letter *l = malloc(sizeof(*l));
	uint64_t at = s->by_hand ? 0 : s->now_ms + delay_of(m);

	*l = *what;
	l->node = (struct heap_node){0};
	if (l->kind == LETTER_RAFT && l->m.type == RAFT_APPEND_ENTRIES &&
		l->m.append_entries.n_entries)
		copy_entries(l);
	sim_assert(
		s, heap_push(&s->mail, &l->node, at << 24 | (s->seq++ & 0xffffff)) == 0);
}

static void post(struct member *m, struct letter l)
{
	struct sim *s = m->sim;
	struct member *to = sim_member(s, l.to);

	l.from = m->node;
	if (!to || m->disk.crashed || s->cut[m->slot][to->slot])
		return;
	if (!s->by_hand && !s->calm && sim_chance(s, s->p.drop))
		return;
	enqueue(m, &l);
	if (!s->by_hand && !s->calm && sim_chance(s, s->p.dup))
		enqueue(m, &l);
}

static void on_send(void *arg, const struct raft_message *r)
{
	struct member *m = arg;

	if (!m->disk.crashed) {
		check_vote(m, r);
		if (r->type == RAFT_APPEND_ENTRIES_RESULT)
			check_result(m, r);
		if (r->type == RAFT_APPEND_ENTRIES)
			check_entries(m, r);
	}
	sim_assert(m->sim, r->type != RAFT_INSTALL_SNAPSHOT && r->server_id != m->node);
	post(m, (struct letter){.kind = LETTER_RAFT, .to = r->server_id, .m = *r});
}

static void on_snapshot(void *arg, uint64_t to, uint64_t term)
{
	struct member *m = arg;

	if (!m->disk.crashed && sim_member(m->sim, to))
		sim_stream_begin(m, to, term);
}

static void on_ping(void *arg, uint64_t to, uint64_t term, uint64_t round)
{
	post(arg,
		(struct letter){
			.kind = LETTER_PING, .to = to, .term = term, .round = round});
}

static void on_pong(void *arg, uint64_t to, uint64_t term, uint64_t round, uint64_t last)
{
	post(arg,
		(struct letter){.kind = LETTER_PONG,
			.to = to,
			.term = term,
			.round = round,
			.last = last});
}

const struct driver_transport sim_transport = {
	.send = on_send,
	.send_snapshot = on_snapshot,
	.ping = on_ping,
	.pong = on_pong,
};

void sim_forward(struct member *m, unsigned client, uint64_t lease)
{
	struct driver_status st;

	driver_status(m->driver, &st);
	if (st.leader && st.leader != m->node)
		post(m,
			(struct letter){.kind = LETTER_RENEW,
				.to = st.leader,
				.client = client,
				.lease = lease});
}

/* ---- delivering -------------------------------------------------------- */

/* What a function finds in variables that nobody set: the same in every run. */
static void __attribute__((noinline)) paint_stack(void)
{
	uint8_t area[2048];

	memset(area, 0x5a, sizeof(area));
	__asm__ volatile("" : : "r"(area) : "memory");
}

/* As the driver does it, and faster than printf. */
static void write_address(uint64_t node, char out[17])
{
	for (int i = 15; i >= 0; i--, node >>= 4)
		out[i] = "0123456789abcdef"[node & 15];
	out[16] = 0;
}

static int receive(struct member *m, struct letter *l)
{
	char address[17];

	switch (l->kind) {
	case LETTER_PING:
		return driver_receive_ping(
			m->driver, m->sim->now_ms, l->from, l->term, l->round);
	case LETTER_PONG:
		return driver_receive_pong(
			m->driver, m->sim->now_ms, l->from, l->term, l->round, l->last);
	case LETTER_RENEW:
		post(m,
			(struct letter){.kind = LETTER_RENEWED,
				.to = l->from,
				.client = l->client,
				.lease = l->lease,
				.renewed = sim_lease_renew(m, l->lease)});
		return 0;
	case LETTER_RENEWED:
		sim_client_answered(
			m->sim, l->client, l->lease, (enum sim_renewed)l->renewed);
		return 0;
	case LETTER_RAFT:
		break;
	}
	write_address(l->from, address);
	l->m.server_id = l->from;
	l->m.server_address = address;
	paint_stack();
	return driver_receive(m->driver, m->sim->now_ms, &l->m);
}

void sim_deliver(struct sim *s, struct letter *l)
{
	struct member *m = sim_member(s, l->to);

	if (m && sim_up(m) && m->busy_ms > s->now_ms) {
		sim_assert(s,
			heap_push(&s->mail, &l->node,
				m->busy_ms << 24 | (s->seq++ & 0xffffff)) == 0);
		return;
	}
	if (m && sim_up(m)) {
		if (s->trace)
			sim_trace(s, "%llu -> %llu: %s", (unsigned long long)l->from,
				(unsigned long long)l->to, sim_letter_name(l));
		sim_check_heard(m, l->from);
		sim_begin(m);
		sim_end(m, receive(m, l));
	}
	sim_letter_free(l);
}

const char *sim_letter_name(const struct letter *l)
{
	static const char *const names[] = {"", "append", "append result", "vote",
		"vote result", "snapshot", "timeout now"};
	static char text[160];
	const struct raft_message *m = &l->m;
	static const char *const kinds[] = {"", "ping", "pong", "renew", "renewed"};
	const char *name = l->kind == LETTER_RAFT ? names[m->type] : kinds[l->kind];

	if (l->kind != LETTER_RAFT)
		snprintf(text, sizeof(text), "%s term %llu round %llu", name,
			(unsigned long long)l->term, (unsigned long long)l->round);
	else if (m->type == RAFT_APPEND_ENTRIES)
		snprintf(text, sizeof(text),
			"%s term %llu prev %llu^%llu n %u commit %llu", name,
			m->append_entries.term, m->append_entries.prev_log_index,
			m->append_entries.prev_log_term, m->append_entries.n_entries,
			m->append_entries.leader_commit);
	else if (m->type == RAFT_APPEND_ENTRIES_RESULT)
		snprintf(text, sizeof(text), "%s term %llu rejected %llu last %llu", name,
			m->append_entries_result.term, m->append_entries_result.rejected,
			m->append_entries_result.last_log_index);
	else if (m->type == RAFT_REQUEST_VOTE)
		snprintf(text, sizeof(text), "%s term %llu last %llu^%llu%s%s", name,
			m->request_vote.term, m->request_vote.last_log_index,
			m->request_vote.last_log_term,
			m->request_vote.pre_vote ? " pre" : "",
			m->request_vote.disrupt_leader ? " disrupt" : "");
	else if (m->type == RAFT_REQUEST_VOTE_RESULT)
		snprintf(text, sizeof(text), "%s term %llu %s%s", name,
			m->request_vote_result.term,
			m->request_vote_result.vote_granted ? "yes" : "no",
			m->request_vote_result.pre_vote ? " pre" : "");
	else
		snprintf(text, sizeof(text), "%s", name);
	return text;
}

/* ---- by hand ----------------------------------------------------------- */

static bool fits(const struct letter *l, uint64_t from, uint64_t to, int type)
{
	int kind = l->kind == LETTER_RAFT ? (int)l->m.type : -(int)l->kind;

	return (from == 0 || l->from == from) && (to == 0 || l->to == to) &&
		(type == 0 || type == kind);
}

struct letter *sim_take(struct sim *s, uint64_t from, uint64_t to, int type)
{
	struct letter *first = NULL;

	for (size_t i = 0; i < s->mail.len; i++) {
		struct letter *l = container_of(s->mail.nodes[i], struct letter, node);

		if (fits(l, from, to, type) && (!first || l->node.key < first->node.key))
			first = l;
	}
	if (first)
		heap_remove(&s->mail, &first->node);
	return first;
}

bool sim_pass(struct sim *s, uint64_t from, uint64_t to, int type)
{
	struct letter *l = sim_take(s, from, to, type);

	if (l)
		sim_deliver(s, l);
	return l != NULL;
}

unsigned sim_lose(struct sim *s, uint64_t from, uint64_t to, int type)
{
	struct letter *l;
	unsigned n = 0;

	while ((l = sim_take(s, from, to, type)) != NULL) {
		sim_letter_free(l);
		n++;
	}
	return n;
}
