/*
 * The promises of the catalog against random commands: thousands of them on a small
 * world, so that they meet. What must hold is said here a second time, simply: a watcher
 * that only applies what it is told, a list of removed incarnations, a floor counted by
 * hand, a second member that applies the same in other batches.
 *
 * A seed that failed can be run alone: SVCD_SEED=n.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "catalog/effective.h"
#include "catalog/query.h"
#include "catalog/read.h"
#include "catalog/spec.h"
#include "unit.h"
#include "wire/frame.h"
#include "world.h"

#define SERVICES 3
#define IDS 6
#define LEASES 5
#define SESSIONS 3
#define HELD 4 /* old views of a service that a late watcher may hold */
#define SENT 16
#define SEEDS 12
#define STEPS 700

static const char *const names[SERVICES] = {"s", "s-1", "t"};

/* Service as somebody holds it: the map of each instance, empty when there is none. */
struct view {
	uint64_t rev, digest;
	struct buf maps[IDS];
};

/* A write of a session, to be sent again. */
struct sent {
	struct buf command;
	int code;
	uint64_t session, seq, rev, value;
};

struct model {
	struct rng rng;
	struct world w;
	struct view watcher[SERVICES]; /* told by changes only */
	struct view held[SERVICES][HELD];
	uint64_t removed[SERVICES][IDS];     /* highest incarnation that was removed */
	uint64_t incarnation[SERVICES][IDS]; /* current; 0: none */
	int health[SERVICES][IDS]; /* last verdict that was accepted; -1: none */
	uint64_t leases[LEASES];
	uint64_t seq[SESSIONS];
	struct sent sent[SENT];
	size_t next_sent;
	/* the other member */
	struct mem_tables other_t;
	struct catalog *other;
	bool other_open;
	struct outcome other_out;
	struct arena *arena;
};

static struct model m;

static uint64_t below(uint64_t n)
{
	return rng_below(&m.rng, n);
}

static bool chance(uint64_t percent)
{
	return below(100) < percent;
}

/* ---- views ------------------------------------------------------------- */

static void view_copy(struct view *to, const struct view *from)
{
	to->rev = from->rev;
	to->digest = from->digest;
	for (int i = 0; i < IDS; i++) {
		buf_clear(&to->maps[i]);
		buf_put_bytes(&to->maps[i], buf_bytes(&from->maps[i]));
	}
}

static void view_clear(struct view *v)
{
	v->rev = v->digest = 0;
	for (int i = 0; i < IDS; i++)
		buf_clear(&v->maps[i]);
}

static void view_fini(struct view *v)
{
	for (int i = 0; i < IDS; i++)
		buf_fini(&v->maps[i]);
}

static void view_same(const struct view *a, const struct view *b, const char *what)
{
	ck_assert_msg(a->rev == b->rev, "%s: rev %" PRIu64 " and %" PRIu64, what, a->rev,
		b->rev);
	ck_assert_msg(a->digest == b->digest, "%s: digest", what);
	for (int i = 0; i < IDS; i++)
		ck_assert_msg(bytes_eq(buf_bytes(&a->maps[i]), buf_bytes(&b->maps[i])),
			"%s: instance %d", what, i);
}

static int id_index(struct bytes id)
{
	ck_assert(id.len == 1 && id.data[0] >= 'a' && id.data[0] < 'a' + IDS);
	return id.data[0] - 'a';
}

/* Promise 5, and the digest as clients count it: the sum of the hashes of the maps as
 * sent. */
static void view_check_digest(const struct view *v)
{
	uint64_t sum = 0;

	for (int i = 0; i < IDS; i++)
		sum += v->maps[i].len > 0 ? bytes_hash(buf_bytes(&v->maps[i])) : 0;
	ck_assert(sum == v->digest);
}

static void view_set(struct view *v, struct bytes id, struct bytes map)
{
	struct buf *at = &v->maps[id_index(id)];

	buf_clear(at);
	buf_put_bytes(at, map);
}

/* Applies a body of a watch event, as raw map entries. */
static void view_apply(struct view *v, struct bytes entries, uint32_t n)
{
	bool snapshot = false;
	uint64_t from = 0;

	for (; n > 0; n--) {
		struct value key, val, id, gone;
		struct bytes raw, one, in;
		uint32_t len;

		ck_assert(mp_value(&entries, &raw));
		ck_assert_int_eq(value_parse(m.arena, raw, &key), 0);
		ck_assert(mp_value(&entries, &raw));
		ck_assert_int_eq(value_parse(m.arena, raw, &val), 0);
		if (bytes_eq_str(key.s, "kind"))
			snapshot = !bytes_eq_str(val.s, "delta");
		if (bytes_eq_str(key.s, "from"))
			from = val.u;
		if (bytes_eq_str(key.s, "rev")) {
			if (snapshot)
				view_clear(v);
			else
				ck_assert_msg(from == v->rev,
					"a gap: from %" PRIu64 ", held %" PRIu64, from,
					v->rev);
			ck_assert(val.u >= v->rev);
			v->rev = val.u;
		}
		if (bytes_eq_str(key.s, "digest"))
			v->digest = val.u;
		if (val.type != VALUE_ARRAY)
			continue;
		len = val.n;
		in = bytes_of(raw.data + 5, raw.len - 5); /* always the long head */
		for (; len > 0; len--) {
			ck_assert(mp_value(&in, &one));
			ck_assert_int_eq(value_parse(m.arena, one, &val), 0);
			ck_assert(value_find(val, "id", &id));
			view_set(v, id.s,
				value_find(val, "gone", &gone) ? BYTES_NONE : one);
		}
	}
	arena_reset(m.arena);
	view_check_digest(v);
}

static void read_snapshot(int s, struct view *out)
{
	struct service_key key = default_service(names[s]);
	struct buf body = {0};
	uint32_t n = 0;
	uint64_t rev;

	view_clear(out);
	ck_assert_int_eq(query_snapshot(&m.w.t.base, &key, &body, &n, &rev), 0);
	view_apply(out, buf_bytes(&body), n);
	ck_assert(rev == out->rev);
	buf_fini(&body);
}

/* ---- what is told ------------------------------------------------------ */

/* Promise 8: the change has an event of its own that says the same. */
static void check_event(int s, const struct instance_change *i)
{
	struct instance_key key = {bytes_str("default"), bytes_str(names[s]), i->id};
	struct instance now;
	struct tombstone stone;
	struct event e;
	struct event_ref ref;

	if (i->gone) {
		ck_assert(read_tombstone(&m.w.t.base, &key, &stone));
		ref = (struct event_ref){stone.rev, stone.event_n};
	} else {
		ck_assert(catalog_get_instance(&m.w.t.base, &key, &now));
		ref = (struct event_ref){now.state.rev, now.state.event_n};
	}
	ck_assert(ref.rev == m.w.out.rev);
	ck_assert(read_event(&m.w.t.base, ref, &e));
	ck_assert(bytes_eq(e.key.id, i->id) && e.incarnation == i->incarnation);
	ck_assert_int_eq(e.cause, i->cause);
	ck_assert_uint_gt(e.actor.len, 0);
}

/* Promise 2. */
static void note_incarnation(int s, const struct instance_change *i)
{
	int k = id_index(i->id);

	if (m.incarnation[s][k] != 0 &&
		(i->gone || i->incarnation != m.incarnation[s][k])) {
		if (m.removed[s][k] < m.incarnation[s][k])
			m.removed[s][k] = m.incarnation[s][k];
		m.health[s][k] = -1;
	}
	m.incarnation[s][k] = i->gone ? 0 : i->incarnation;
	if (!i->gone)
		ck_assert_msg(i->incarnation > m.removed[s][k],
			"a removed registration came back");
}

static int service_index(struct bytes name)
{
	for (int s = 0; s < SERVICES; s++) {
		if (bytes_eq_str(name, names[s]))
			return s;
	}
	ck_abort();
}

/* The watcher applies a change exactly as a client does. */
static void hear(const struct service_change *c)
{
	int s = service_index(c->key.service);
	struct view *v = &m.watcher[s];
	struct buf body = {0};
	uint32_t n = 0;

	ck_assert_msg(c->from == v->rev, "%s: from %" PRIu64 ", held %" PRIu64, names[s],
		c->from, v->rev);
	ck_assert(c->rev == m.w.out.rev && c->rev > c->from);
	for (size_t k = c->first; k < c->first + c->n; k++) {
		const struct instance_change *i = changes_instance(m.w.changes, k);
		const struct buf *before = &v->maps[id_index(i->id)];

		/* Promise 4: no change is no message. */
		ck_assert(
			i->gone ? before->len > 0 : !bytes_eq(i->map, buf_bytes(before)));
		check_event(s, i);
		note_incarnation(s, i);
	}
	query_change(m.w.changes, c, &body, &n);
	view_apply(v, buf_bytes(&body), n);
	if (c->deleted)
		v->rev = 0;
	buf_fini(&body);
}

/* ---- what must hold ---------------------------------------------------- */

/* Promise 6, counted by hand. */
static void check_floor_of(int s)
{
	struct service service = world_service(&m.w, names[s]);
	uint32_t usable = 0, could = 0, pending = 0, up = 0, demand;

	for (int k = 0; k < IDS; k++) {
		struct instance i;
		bool bad;

		if (!world_find(&m.w, names[s], (char[]){(char)('a' + k), 0}, &i))
			continue;
		if (!i.state.has_checks)
			m.health[s][k] = -1; /* its verdicts went with its checks */
		if (m.health[s][k] >= 0)
			ck_assert_int_eq((int)i.state.health, m.health[s][k]); /* truth */
		bad = i.state.health == HEALTH_FAILING ||
			i.state.health == HEALTH_UNKNOWN ||
			i.state.health == HEALTH_DAMPED || i.state.life == LIFE_EXPIRED;
		usable += effective_usable(i.state.effective);
		pending += i.state.effective == EFFECTIVE_PENDING;
		up += i.state.effective == EFFECTIVE_UP ||
			i.state.effective == EFFECTIVE_WARM;
		could += i.state.admin == ADMIN_ENABLED &&
			i.state.health != HEALTH_STARTING;
		if (i.state.effective == EFFECTIVE_PENDING)
			ck_assert(bad && i.state.admin == ADMIN_ENABLED);
		if (effective_usable(i.state.effective))
			ck_assert(i.state.admin == ADMIN_ENABLED);
		if (bad)
			ck_assert(i.state.effective != EFFECTIVE_UP &&
				i.state.effective != EFFECTIVE_WARM);
	}
	demand = (service.floor_percent * (service.count + service.vanished) + 99) / 100;
	demand = demand > service.floor ? demand : service.floor;
	ck_assert_uint_ge(usable, demand < could ? demand : could);
	/* And nobody is held in vain. */
	ck_assert(pending == 0 || up + pending <= demand);
}

static void keep_view(int s, const struct view *now)
{
	view_copy(&m.held[s][below(HELD)], now);
}

/* Promise 4 for a watcher that comes back: what it holds and the delta make the present.
 */
static void check_delta(int s, const struct view *now)
{
	struct service_key key = default_service(names[s]);
	struct view v = {0};
	struct buf body = {0};
	uint32_t n = 0;
	uint64_t rev = 0;
	int rv;

	view_copy(&v, &m.held[s][below(HELD)]);
	rv = query_delta(&m.w.t.base, &key, v.rev, &body, &n, &rev);
	if (rv == 0) {
		if (n > 0)
			view_apply(&v, buf_bytes(&body), n);
		view_same(&v, now, "after a delta");
		ck_assert(rev == now->rev);
	} else {
		ck_assert_int_eq(rv, SVCD_EAGAIN);
		ck_assert(v.rev < world_service(&m.w, names[s]).known_from ||
			v.rev > now->rev);
	}
	view_fini(&v);
	buf_fini(&body);
}

static void check_services(void)
{
	struct view now = {0};

	for (int s = 0; s < SERVICES; s++) {
		read_snapshot(s, &now);
		view_same(&now, &m.watcher[s], "the watcher");
		check_delta(s, &now);
		if (chance(10))
			keep_view(s, &now);
		check_floor_of(s);
	}
	view_fini(&now);
}

/* ---- the other member -------------------------------------------------- */

static void other_apply(struct bytes command)
{
	if (!m.other_open)
		ck_assert_int_eq(catalog_begin(m.other, &m.other_t.base, &m.w.now), 0);
	m.other_open = true;
	ck_assert_int_eq(catalog_apply(m.other, &m.other_t.base, &m.w.now, command,
				 &m.other_out, NULL),
		0);
	ck_assert_int_eq(m.other_out.code, m.w.out.code);
	ck_assert(m.other_out.rev == m.w.out.rev && m.other_out.value == m.w.out.value);
	ck_assert_str_eq(m.other_out.text, m.w.out.text);
	if (!chance(15))
		return;
	ck_assert_int_eq(catalog_end(m.other), 0);
	m.other_open = false;
	ck_assert_msg(mem_tables_differ(&m.w.t, &m.other_t) == TABLE_COUNT,
		"members differ in table %d", mem_tables_differ(&m.w.t, &m.other_t));
}

/* ---- commands ---------------------------------------------------------- */

static void applied(uint64_t rev_before)
{
	const struct outcome *out = &m.w.out;

	if (out->code == 0 && !out->repeated)
		ck_assert(out->rev == rev_before + 1);
	ck_assert(catalog_rev(&m.w.t.base) ==
		rev_before + (out->code == 0 && !out->repeated));
	if (out->code != 0 || out->repeated)
		ck_assert_uint_eq(changes_services(m.w.changes), 0);
	for (size_t i = 0; i < changes_services(m.w.changes); i++)
		hear(changes_service(m.w.changes, i));
	ck_assert_str_eq(world_fault(&m.w), "");
	check_services();
}

static void apply(void)
{
	uint64_t rev = catalog_rev(&m.w.t.base);

	if (world_apply(&m.w) != m.w.out.code)
		ck_abort_msg("apply failed");
	other_apply(buf_bytes(&m.w.command));
	applied(rev);
}

static void remember_sent(uint64_t session, uint64_t seq)
{
	struct sent *s = &m.sent[m.next_sent++ % SENT];

	buf_clear(&s->command);
	buf_put_bytes(&s->command, buf_bytes(&m.w.command));
	s->code = m.w.out.code;
	s->session = session;
	s->seq = seq;
	s->rev = m.w.out.rev;
	s->value = m.w.out.value;
}

/* A write, often within a session. params without the last brace. */
static void write_text(const char *method, const char *params)
{
	size_t session = below(SESSIONS * 2);
	bool in_session = session < SESSIONS;
	char text[1500];

	snprintf(text, sizeof(text), "%s}", params);
	if (in_session)
		snprintf(text, sizeof(text), "%s,session:%zu,seq:%" PRIu64 "}", params,
			session + 1, ++m.seq[session]);
	ck_assert_msg(world_build(&m.w, method, text) == 0, "%s %s: %s", method, text,
		m.w.e.text);
	apply();
	if (in_session)
		remember_sent(session + 1, m.seq[session]);
}

static const char *service(void)
{
	return names[below(SERVICES)];
}

static char id(void)
{
	return (char)('a' + below(IDS));
}

/* Mostly none; otherwise some number that may be the current one, an old one or nonsense.
 */
static uint64_t some_incarnation(void)
{
	uint64_t rev = catalog_rev(&m.w.t.base);

	return chance(70) ? 0 : rev > 40 && chance(80) ? rev - below(40) : below(rev + 2);
}

static void do_register(void)
{
	static const char *const specs[] = {"", ",ports:{p:{port:1}},checks:[{type:tcp}]",
		",ports:{p:{port:1}},checks:[{type:tcp,rise:3}]", ",tags:[x],weight:7",
		",tier:2,meta:{k:v}", ",admin:draining", ",admin:enabled"};
	size_t n = chance(80) ? 1 : 1 + below(5);
	int ids[8] = {0}, s, k;
	char text[1400];
	int len = snprintf(text, sizeof(text), "{%slease:%" PRIu64 ",instances:[",
		chance(10) ? "if_absent:true," : "",
		chance(30) ? 0 : m.leases[below(LEASES)]);

	for (size_t i = 0; i < n; i++) {
		s = (int)below(SERVICES);
		k = (int)below(IDS);
		len += snprintf(text + len, sizeof(text) - (size_t)len,
			"%s{service:'%s',id:%c,incarnation:%" PRIu64 "%s}",
			i > 0 ? "," : "", names[s], 'a' + k, some_incarnation(),
			specs[below(LENGTH(specs))]);
		/* Twice in one command, its checks may go and come between: health starts
		 * anew. */
		for (size_t e = 0; e < i; e++) {
			if (ids[e] == s * IDS + k)
				m.health[s][k] = -1;
		}
		ids[i] = s * IDS + k;
	}
	snprintf(text + len, sizeof(text) - (size_t)len, "]");
	write_text("register", text);
}

static void do_deregister(void)
{
	char text[128];

	snprintf(text, sizeof(text), "{service:'%s',id:%c,incarnation:%" PRIu64,
		service(), id(), some_incarnation());
	write_text("deregister", text);
}

static void do_update(void)
{
	static const char *const what[] = {"weight:9", "weight:1", "admin:draining",
		"admin:draining,for_ms:4000", "admin:maintenance,reason:disk",
		"admin:enabled", "admin:enabled,self:true", "admin:draining,self:true",
		"tags:[z]", "meta:{}", "version:'3'",
		"admin:maintenance,for_ms:9000,weight:5,tags:[]"};
	char text[200];

	snprintf(text, sizeof(text), "{service:'%s',id:%c,incarnation:%" PRIu64 ",%s",
		service(), id(), some_incarnation(), what[below(LENGTH(what))]);
	write_text("update", text);
}

static void do_grant(void)
{
	write_text("lease_grant", "{ttl_ms:5000");
	if (m.w.out.code == 0)
		m.leases[below(LEASES)] = m.w.out.value;
}

static void do_lease_end(void)
{
	static const enum cause_kind causes[] = {CAUSE_LEASE_EXPIRED, CAUSE_LEASE_EXPIRED,
		CAUSE_LEASE_CLOSED, CAUSE_LEASE_REVOKED};
	uint64_t some[3];
	size_t n = 1 + below(3);

	for (size_t i = 0; i < n; i++)
		some[i] = m.leases[below(LEASES)];
	buf_clear(&m.w.command);
	command_leases_end(some, n, causes[below(LENGTH(causes))], &m.w.command);
	apply();
}

static void do_verdict(void)
{
	struct verdict v[4];
	char names_of[4][2];
	int s[4], k[4];
	size_t n = 1 + below(4);

	for (size_t i = 0; i < n; i++) {
		s[i] = (int)below(SERVICES);
		k[i] = (int)below(IDS);
		names_of[i][0] = (char)('a' + k[i]);
		names_of[i][1] = '\0';
		v[i] = (struct verdict){
			.key = default_instance(names[s[i]], names_of[i]),
			.incarnation = chance(90) ? m.incarnation[s[i]][k[i]]
						  : some_incarnation(),
			.health = HEALTH_PASSING +
				(enum health_state)below(HEALTH_COUNT - 1),
			.reason = bytes_str("because"),
		};
	}
	buf_clear(&m.w.command);
	command_verdicts(v, n, bytes_str("checker"), &m.w.command);
	for (size_t i = 0; i < n; i++) {
		struct instance now;

		if (world_find(&m.w, names[s[i]], names_of[i], &now) &&
			now.state.has_checks && now.state.incarnation == v[i].incarnation)
			m.health[s[i]][k[i]] = (int)v[i].health;
	}
	apply();
}

static void do_service(void)
{
	char text[160];

	if (chance(15)) {
		snprintf(text, sizeof(text), "{service:'%s'", service());
		write_text("service_delete", text);
		return;
	}
	snprintf(text, sizeof(text), "{service:'%s',%s:%" PRIu64, service(),
		(const char *[]){"floor", "floor_percent", "slow_start_ms"}[below(3)],
		(uint64_t[]){0, 1, 2, 4, 60, 100}[below(6)]);
	write_text("service_set", text);
}

static void do_tick(void)
{
	m.w.now.time_ms += (uint64_t[]){0, 1, 500, 4000, 9000, 25000}[below(6)];
	m.w.now.wall_ms = m.w.now.time_ms + 1700000000000 - below(3); /* other leaders'
									 clocks */
	buf_clear(&m.w.command);
	command_tick(&m.w.command);
	apply();
}

/* A write that was sent before: applied once, answered alike. */
static void do_again(void)
{
	struct sent *s = &m.sent[below(SENT)];
	uint64_t rev = catalog_rev(&m.w.t.base);
	struct mem_tables before;
	bool known;

	if (s->seq == 0)
		return;
	known = m.seq[s->session - 1] - s->seq < LIMIT_SESSION_WINDOW &&
		mem_tables_len(&m.w.t, TABLE_SESSION) == SESSIONS;
	if (!known)
		return; /* its session was forgotten: it counts as new then */
	buf_clear(&m.w.command);
	buf_put_bytes(&m.w.command, buf_bytes(&s->command));
	mem_tables_copy(&before, &m.w.t);
	world_apply(&m.w);
	other_apply(buf_bytes(&m.w.command));
	ck_assert(m.w.out.repeated);
	ck_assert_int_eq(m.w.out.code, s->code);
	ck_assert(m.w.out.rev == s->rev && m.w.out.value == s->value);
	ck_assert_int_eq(mem_tables_differ(&before, &m.w.t), TABLE_COUNT);
	mem_tables_fini(&before);
	applied(rev);
}

static const struct {
	void (*run)(void);
	unsigned share;
} kinds[] = {{do_register, 34}, {do_deregister, 8}, {do_update, 14}, {do_grant, 6},
	{do_lease_end, 5}, {do_verdict, 17}, {do_service, 6}, {do_tick, 6},
	{do_again, 4}};

static void step(void)
{
	uint64_t at = below(100);
	size_t i = 0;

	for (; at >= kinds[i].share; i++)
		at -= kinds[i].share;
	kinds[i].run();
}

static void begin(uint64_t seed)
{
	struct catalog_options o = {
		.history_bytes = 6000, .tombstone_ms = 20000, .session_ms = 200000};

	memset(&m, 0, sizeof(m));
	rng_seed(&m.rng, seed);
	world_init(&m.w, &o);
	mem_tables_init(&m.other_t);
	m.other = catalog_new(&o);
	m.arena = arena_new();
	memset(m.health, -1, sizeof(m.health));
}

static void end(void)
{
	for (int s = 0; s < SERVICES; s++) {
		view_fini(&m.watcher[s]);
		for (int k = 0; k < HELD; k++)
			view_fini(&m.held[s][k]);
	}
	for (int i = 0; i < SENT; i++)
		buf_fini(&m.sent[i].command);
	catalog_free(m.other);
	mem_tables_fini(&m.other_t);
	buf_fini(&m.other_out.incarnations);
	arena_free(m.arena);
	world_fini(&m.w);
}

START_TEST(the_promises_hold)
{
	const char *alone = getenv("SVCD_SEED");
	uint64_t seed = alone != NULL ? strtoull(alone, NULL, 10) : (uint64_t)_i + 1;

	begin(seed);
	for (int i = 0; i < STEPS; i++)
		step();
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("catalog_model");
	TCase *tc = unit_case(s, "model");
	const char *seeds = getenv("SVCD_SEEDS");

	tcase_add_loop_test(
		tc, the_promises_hold, 0, seeds != NULL ? atoi(seeds) : SEEDS);
	return unit_run(s);
}
