#include "load.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "pace.h"
#include "wire/pack.h"

#define GENERATION_MS 6000 /* then the clients go on to the keys of another service */
#define TRY_MS 1500
#define PATIENCE_MS 12000 /* of a write, over all tries */
#define HURRY_MS 600      /* of one in eight */
#define SEEN (1u << 14)   /* service revisions whose digest is remembered; lossy */

struct seen {
	uint64_t key, digest;
};

struct client {
	struct load *load;
	pthread_t thread;
	struct caller caller;
	struct history history;
	struct rng rng;
	uint32_t index;
	uint64_t session, seq, values;
	int member;
	uint64_t rev; /* newest that was answered: no read that follows may be older */
	uint64_t incarnation[LOAD_KEYS * 2]; /* last seen, by key */
};

struct load {
	struct cluster *cluster;
	struct client *clients;
	int n;
	unsigned pause_ms;
	uint64_t started_ms;
	atomic_bool stop;
	_Atomic uint64_t operations, acknowledged, unknown, refused, repeated;
	_Atomic uint64_t last_ack_ms, worst_gap_ms;
	_Atomic uint64_t backwards, unequal, surprises;
	pthread_mutex_t lock; /* of seen */
	struct seen seen[SEEN];
};

void load_name_key(uint32_t key, char text[64])
{
	snprintf(text, 64, "s-%u/k%u", key / LOAD_KEYS, key % LOAD_KEYS);
}

static void name_service(uint32_t key, char text[32])
{
	snprintf(text, 32, "s-%u", key / LOAD_KEYS);
}

static void name_id(uint32_t key, char text[32])
{
	snprintf(text, 32, "k%u", key % LOAD_KEYS);
}

static uint64_t *known_incarnation(struct client *c, uint32_t key)
{
	return &c->incarnation[key % (LOAD_KEYS * 2)];
}

static void surprise(struct client *c, const char *what, int code)
{
	struct bytes text = code > CALLER_LOST ? caller_text(&c->caller, "text")
					       : BYTES_NONE;

	c->load->surprises++;
	fprintf(stderr, "cluster_run: client %u: unexpected answer to %s: %d %.*s\n",
		c->index, what, code, (int)text.len, (const char *)text.data);
}

static void another_member(struct client *c)
{
	c->member = (int)rng_below(&c->rng, (uint64_t)c->load->cluster->n);
	caller_to(&c->caller, c->load->cluster->member[c->member].client);
}

/* ---- writes ------------------------------------------------------------- */

static void note_acknowledged(struct load *l)
{
	uint64_t now = clock_now_ms(), before = atomic_exchange(&l->last_ack_ms, now);
	uint64_t worst = l->worst_gap_ms;

	l->acknowledged++;
	while (before != 0 && now > before && now - before > worst &&
		!atomic_compare_exchange_weak(&l->worst_gap_ms, &worst, now - before))
		;
}

static void pack_instance(struct buf *b, const struct linear_op *o, uint32_t key)
{
	char service[32], id[32], version[32];
	bool body = o->kind != OP_DEREGISTER;

	name_service(key, service);
	name_id(key, id);
	snprintf(version, sizeof version, "%" PRIx64, o->value);
	pack_map(b,
		2 + (uint32_t)(o->guard != 0) + body +
			(uint32_t)(o->kind == OP_REGISTER));
	pack_kv_cstr(b, "service", service);
	pack_kv_cstr(b, "id", id);
	if (o->guard != 0)
		pack_kv_u64(b, "incarnation", o->guard);
	if (body)
		pack_kv_cstr(b, "version", version);
	if (o->kind == OP_REGISTER) {
		pack_cstr(b, "addresses");
		pack_array(b, 1);
		pack_cstr(b, "127.0.0.1");
	}
}

static void pack_update(
	struct client *c, struct buf *b, const struct linear_op *o, uint32_t key)
{
	char service[32], id[32], version[32];

	name_service(key, service);
	name_id(key, id);
	snprintf(version, sizeof version, "%" PRIx64, o->value);
	pack_map(b, 5 + (uint32_t)(o->guard != 0));
	pack_kv_u64(b, "session", c->session);
	pack_kv_u64(b, "seq", c->seq);
	pack_kv_cstr(b, "service", service);
	pack_kv_cstr(b, "id", id);
	pack_kv_cstr(b, "version", version);
	if (o->guard != 0)
		pack_kv_u64(b, "incarnation", o->guard);
}

static int send_write(struct client *c, const struct linear_op *o, uint32_t key)
{
	static const char *const methods[] = {"register", "update", "deregister"};
	struct buf *b = caller_begin(&c->caller, methods[o->kind]);

	if (o->kind == OP_UPDATE) {
		pack_update(c, b, o, key);
	} else {
		pack_map(b, 3);
		pack_kv_u64(b, "session", c->session);
		pack_kv_u64(b, "seq", c->seq);
		pack_cstr(b, "instances");
		pack_array(b, 1);
		pack_instance(b, o, key);
	}
	return caller_end(&c->caller, TRY_MS);
}

static uint64_t answered_incarnation(const struct client *c, const struct linear_op *o)
{
	struct value list;

	/* told again, it is only known to be one of those there were since */
	if (caller_bool(&c->caller, "repeated"))
		return 0;
	if (o->kind == OP_UPDATE)
		return caller_u64(&c->caller, "incarnation", 0);
	if (o->kind != OP_REGISTER ||
		!value_find(c->caller.result, "incarnations", &list) ||
		list.type != VALUE_ARRAY || list.n != 1)
		return 0;
	return value_at(list, 0).u;
}

enum fate {
	FATE_DONE,      /* the result is known */
	FATE_NOT,       /* surely not applied by this try */
	FATE_AMBIGUOUS, /* may have been, may yet be */
	FATE_SURPRISE
};

static enum fate judge(int code, enum op_result *result)
{
	switch (code) {
	case 0:
		*result = RESULT_OK;
		return FATE_DONE;
	case SVCD_ENOINSTANCE:
	case SVCD_EGONE:
	case SVCD_ENOSERVICE:
		*result = RESULT_ABSENT;
		return FATE_DONE;
	case SVCD_ESTALE:
		*result = RESULT_STALE;
		return FATE_DONE;
	case SVCD_ENOLEADER:
	case SVCD_EBUSY:
	case SVCD_ESHUTDOWN:
	case SVCD_ENOSPACE:
	case SVCD_ENOTREADY:
	case CALLER_UNREACHED:
		return FATE_NOT;
	case SVCD_EUNKNOWN:
	case CALLER_LOST:
		return FATE_AMBIGUOUS;
	default:
		return FATE_SURPRISE;
	}
}

static void finish_write(struct client *c, struct record *r)
{
	struct load *l = c->load;

	if (r->op.result == RESULT_OK) {
		r->rev = caller_u64(&c->caller, "rev", 0);
		r->op.incarnation = answered_incarnation(c, &r->op);
		if (r->op.incarnation != 0)
			*known_incarnation(c, r->key) = r->op.incarnation;
		if (r->rev > c->rev)
			c->rev = r->rev;
		l->repeated += caller_bool(&c->caller, "repeated");
		note_acknowledged(l);
	}
	history_add(&c->history, r);
}

/* Tries until the outcome is known or the time is over. */
static void write_op(struct client *c, struct record *r)
{
	uint64_t give_up = clock_now_ms() +
		(rng_below(&c->rng, 8) == 0 ? HURRY_MS : PATIENCE_MS);
	enum fate fate = FATE_NOT;
	bool ambiguous = false;

	c->seq++;
	r->op.call = monotonic_ns();
	for (;;) {
		int code = send_write(c, &r->op, r->key);

		fate = judge(code, &r->op.result);
		if (fate == FATE_SURPRISE)
			surprise(c, op_kind_name(r->op.kind), code);
		ambiguous |= fate == FATE_AMBIGUOUS || fate == FATE_SURPRISE;
		if (fate == FATE_DONE || clock_now_ms() > give_up)
			break;
		another_member(c);
		nap_ms(5 + rng_below(&c->rng, 40));
	}
	r->op.ret = monotonic_ns();
	c->load->operations++;
	if (fate == FATE_DONE) {
		finish_write(c, r);
	} else if (ambiguous) {
		r->op.result = RESULT_UNKNOWN;
		c->load->unknown++;
		history_add(&c->history, r);
	} else {
		c->load->refused++;
	}
}

/* ---- reads -------------------------------------------------------------- */

/* Equal revision of a service means equal bytes, whoever answers. */
static void check_digest(struct client *c, uint32_t key)
{
	uint64_t rev = caller_u64(&c->caller, "service_rev", 0);
	uint64_t digest = caller_u64(&c->caller, "digest", 0);
	uint64_t id = rev << 20 | key / LOAD_KEYS;
	struct seen *s =
		&c->load->seen[bytes_hash(bytes_of(&id, sizeof id)) & (SEEN - 1)];

	if (rev == 0)
		return;
	pthread_mutex_lock(&c->load->lock);
	if (s->key == id && s->digest != digest) {
		c->load->unequal++;
		fprintf(stderr,
			"cluster_run: service s-%u at revision %" PRIu64
			" has digest %016" PRIx64 " at %s, it had %016" PRIx64 "\n",
			key / LOAD_KEYS, rev, digest, c->caller.address, s->digest);
	}
	s->key = id;
	s->digest = digest;
	pthread_mutex_unlock(&c->load->lock);
}

static void read_instance(struct record *r, struct value instance)
{
	char version[32];
	struct bytes text = value_text(instance, "version");

	snprintf(version, sizeof version, "%.*s", (int)text.len, (const char *)text.data);
	r->op.result = RESULT_OK;
	r->op.value = strtoull(version, NULL, 16);
	r->op.incarnation = value_u64(instance, "incarnation", 0);
}

/* The answer says something of each key of the service, or of one key. */
static void note_reads(struct client *c, struct record r, bool all)
{
	uint32_t first = all ? r.key / LOAD_KEYS * LOAD_KEYS : r.key;
	struct value list;

	r.op.result = RESULT_ABSENT;
	for (uint32_t key = first; key < first + (all ? LOAD_KEYS : 1); key++) {
		struct record one = r;
		char id[32];

		one.key = key;
		name_id(key, id);
		if (!value_find(c->caller.result, "instances", &list) ||
			list.type != VALUE_ARRAY)
			list.n = 0;
		for (uint32_t i = 0; i < list.n; i++) {
			struct value instance = value_at(list, i);

			if (bytes_eq_str(value_text(instance, "id"), id)) {
				read_instance(&one, instance);
				*known_incarnation(c, key) = one.op.incarnation;
			}
		}
		history_add(&c->history, &one);
	}
}

static int send_read(struct client *c, const struct record *r, bool all)
{
	struct buf *b = caller_begin(&c->caller, all ? "resolve" : "get");
	char text[32];

	pack_map(b, (uint32_t)(1 + !all + !r->local + 2 * (r->local && all)));
	name_service(r->key, text);
	pack_kv_cstr(b, "service", text);
	if (!all) {
		name_id(r->key, text);
		pack_kv_cstr(b, "id", text);
	}
	if (!r->local) {
		pack_kv_cstr(b, "consistency", "current");
	} else if (all) {
		/* reads what it has read before, also at another member */
		pack_kv_u64(b, "min_rev", c->rev);
		pack_kv_u64(b, "wait_ms", 100);
	}
	return caller_end(&c->caller, TRY_MS);
}

static void check_session(struct client *c, const struct record *r)
{
	if (r->rev == 0)
		return;
	if (r->rev < c->rev) {
		c->load->backwards++;
		fprintf(stderr,
			"cluster_run: client %u: %s answers as of revision %" PRIu64
			" after %" PRIu64 " was asked for\n",
			c->index, c->caller.address, r->rev, c->rev);
	}
	c->rev = r->rev;
}

static void read_op(struct client *c, struct record *r)
{
	/* local reads of a session name the revision it has seen: only resolve can */
	bool all = r->local || rng_below(&c->rng, 2) == 0;
	int code;

	r->op.call = monotonic_ns();
	code = send_read(c, r, all);
	r->op.ret = monotonic_ns();
	c->load->operations++;
	r->rev = code == 0 ? caller_u64(&c->caller, "rev", 0) : 0;
	if (code == SVCD_EGONE || code == SVCD_ENOINSTANCE || code == SVCD_ENOSERVICE) {
		c->caller.result = (struct value){0};
		note_reads(c, *r, all);
		return;
	}
	if (code != 0) {
		if (judge(code, &r->op.result) == FATE_SURPRISE)
			surprise(c, "a read", code);
		another_member(c);
		return;
	}
	check_session(c, r);
	check_digest(c, r->key);
	note_reads(c, *r, all);
}

/* ---- the clients -------------------------------------------------------- */

static uint32_t generation_now(const struct load *l)
{
	return (uint32_t)((clock_now_ms() - l->started_ms) / GENERATION_MS);
}

static uint32_t some_key(struct client *c)
{
	uint32_t generation = generation_now(c->load);

	if (generation > 0 && rng_below(&c->rng, 8) == 0)
		generation--;
	return generation * LOAD_KEYS + (uint32_t)rng_below(&c->rng, LOAD_KEYS);
}

static void step(struct client *c)
{
	static const struct {
		unsigned until;
		enum op_kind kind;
		bool local;
	} mix[] = {{30, OP_REGISTER, false}, {45, OP_UPDATE, false},
		{60, OP_DEREGISTER, false}, {85, OP_READ, false}, {100, OP_READ, true}};
	uint64_t dice = rng_below(&c->rng, 100);
	struct record r = {.key = some_key(c)};
	unsigned i = 0;

	while (dice >= mix[i].until)
		i++;
	r.op.kind = mix[i].kind;
	r.op.who = c->index;
	r.local = mix[i].local;
	if (r.op.kind == OP_READ) {
		read_op(c, &r);
		return;
	}
	if (r.op.kind != OP_DEREGISTER)
		r.op.value = (uint64_t)(c->index + 1) << 32 | ++c->values;
	if (rng_below(&c->rng, 4) == 0)
		r.op.guard = *known_incarnation(c, r.key);
	write_op(c, &r);
}

static void *run_client(void *arg)
{
	struct client *c = arg;

	another_member(c);
	while (!c->load->stop) {
		step(c);
		if (rng_below(&c->rng, 40) == 0)
			another_member(c);
		nap_ms(rng_below(&c->rng, 2 * c->load->pause_ms + 1));
	}
	caller_close(&c->caller);
	return NULL;
}

struct load *load_start(
	struct cluster *cluster, int clients, uint64_t seed, unsigned pause_ms)
{
	struct load *l = calloc(1, sizeof *l);

	assert(l != NULL);
	l->cluster = cluster;
	l->n = clients;
	l->pause_ms = pause_ms;
	l->started_ms = clock_now_ms();
	l->clients = calloc((size_t)clients, sizeof *l->clients);
	assert(l->clients != NULL);
	pthread_mutex_init(&l->lock, NULL);
	for (int i = 0; i < clients; i++) {
		struct client *c = &l->clients[i];

		c->load = l;
		c->index = (uint32_t)i;
		caller_init(&c->caller);
		rng_seed(&c->rng, seed * 1000 + (uint64_t)i);
		c->session = rng_next(&c->rng) | 1;
		pthread_create(&c->thread, NULL, run_client, c);
	}
	return l;
}

uint64_t load_acknowledged(struct load *l)
{
	return l->acknowledged;
}

void load_stat(struct load *l, struct load_stat *out)
{
	*out = (struct load_stat){.operations = l->operations,
		.acknowledged = l->acknowledged,
		.unknown = l->unknown,
		.refused = l->refused,
		.repeated = l->repeated,
		.worst_gap_ms = atomic_exchange(&l->worst_gap_ms, 0),
		.backwards = l->backwards,
		.unequal = l->unequal,
		.surprises = l->surprises};
}

/* A member that was started a moment ago does not know all yet, and says so. */
static int last_read(struct client *c, struct record *r)
{
	uint64_t give_up = clock_now_ms() + PATIENCE_MS;
	int code;

	for (;;) {
		r->op.call = monotonic_ns();
		code = send_read(c, r, true);
		r->op.ret = monotonic_ns();
		if (judge(code, &r->op.result) != FATE_NOT || clock_now_ms() > give_up)
			return code;
		nap_ms(20);
	}
}

/* The last word on every key, from each member in turn. */
static void read_all(struct load *l, struct client *c)
{
	uint32_t generations = generation_now(l) + 1;

	for (uint32_t g = 0; g < generations; g++) {
		struct record r = {.key = g * LOAD_KEYS};
		int code;

		r.op.kind = OP_READ;
		r.op.who = c->index;
		caller_to(&c->caller, l->cluster->member[(int)g % l->cluster->n].client);
		code = last_read(c, &r);
		if (code == SVCD_ENOSERVICE)
			c->caller.result = (struct value){0};
		else if (code != 0)
			surprise(c, "the last read", code);
		if (code == 0)
			r.rev = caller_u64(&c->caller, "rev", 0);
		if (code == 0 || code == SVCD_ENOSERVICE)
			note_reads(c, r, true);
	}
}

void load_end(struct load *l, struct history *out, struct load_stat *stat)
{
	l->stop = true;
	for (int i = 0; i < l->n; i++)
		pthread_join(l->clients[i].thread, NULL);
	read_all(l, &l->clients[0]);
	for (int i = 0; i < l->n; i++) {
		history_take(out, &l->clients[i].history);
		caller_fini(&l->clients[i].caller);
	}
	load_stat(l, stat);
	free(l->clients);
	free(l);
}
