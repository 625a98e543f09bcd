/*
 * Watches against a real catalog, with model clients that hold the protocol's
 * promises against every event: revisions in order and without gaps, the digest of what
 * is held, no event without a change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "catalog/spec.h"
#include "server/answers.h"
#include "server/watch.h"
#include "unit.h"
#include "wire/frame.h"
#include "world.h"

#define BUDGET 2000
#define PUBLICATIONS_MAX 64
#define MODELS 8
#define SERVICES 5
#define ATTEND 100

/* ---- world: what the replica would be ---------------------------------- */

static struct world world;
static struct watches *ws;
static struct changes *published[PUBLICATIONS_MAX]; /* and not handled yet */
static size_t n_published;

/* Applies one write. Its code. */
static int apply(const char *method, const char *params)
{
	int code = world_do(&world, method, params);

	if (changes_services(world.changes) > 0) {
		ck_assert_uint_lt(n_published, PUBLICATIONS_MAX);
		published[n_published++] = world.changes;
		world.changes = changes_new();
	}
	return code;
}

static void handle_publications(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		watches_publish(ws, published[i]);
		changes_free(published[i]);
	}
	n_published -= n;
	memmove(published, published + n, n_published * sizeof(published[0]));
	watches_check(ws);
}

static void attend(void)
{
	watches_attend(ws, &world.t.base, ATTEND);
	watches_check(ws);
}

/* ---- model clients ----------------------------------------------------- */

struct held_instance {
	size_t len;
	char id[LIMIT_ID];
	uint8_t map[512];
};

struct held {
	char key[2 * LIMIT_NAME];
	uint64_t rev;
	size_t n;
	struct held_instance instances[32];
	bool known; /* an event told of it, or the client said so */
};

struct model {
	struct watcher w; /* first */
	size_t pending;
	bool stalled;
	struct held held[2 * SERVICES];
	size_t n_held;
	unsigned events, snapshots, synced;
	char ns[LIMIT_NAME + 1], prefix[LIMIT_NAME + 1]; /* of watch_all */
};

static struct model *model_of(const struct watcher *w)
{
	return (struct model *)(uintptr_t)w;
}

static struct held *held_get(struct model *m, struct bytes ns, struct bytes service)
{
	char key[2 * LIMIT_NAME];
	struct held *h;

	snprintf(key, sizeof(key), "%.*s/%.*s", (int)ns.len, (const char *)ns.data,
		(int)service.len, (const char *)service.data);
	for (size_t i = 0; i < m->n_held; i++)
		if (strcmp(m->held[i].key, key) == 0)
			return &m->held[i];
	ck_assert_uint_lt(m->n_held, LENGTH(m->held));
	h = &m->held[m->n_held++];
	memset(h, 0, sizeof(*h));
	strcpy(h->key, key);
	return h;
}

static struct value field(struct value map, const char *name)
{
	struct value v;

	ck_assert_msg(value_find(map, name, &v), "no %s", name);
	return v;
}

static struct held_instance *instance_get(struct held *h, struct bytes id)
{
	for (size_t i = 0; i < h->n; i++)
		if (bytes_eq_str(id, h->instances[i].id))
			return &h->instances[i];
	return NULL;
}

/* One that came and went between two revisions is said to be gone to those who never held
 * it. */
static void instance_remove(struct held *h, struct bytes id)
{
	struct held_instance *i = instance_get(h, id);

	if (i != NULL)
		*i = h->instances[--h->n];
}

static void instance_set(struct held *h, struct bytes id, struct bytes map)
{
	struct held_instance *i = instance_get(h, id);

	if (i == NULL) {
		ck_assert_uint_lt(h->n, LENGTH(h->instances));
		i = &h->instances[h->n++];
		snprintf(
			i->id, sizeof(i->id), "%.*s", (int)id.len, (const char *)id.data);
	}
	ck_assert_uint_le(map.len, sizeof(i->map));
	memcpy(i->map, map.data, map.len);
	i->len = map.len;
}

static uint64_t digest_of(const struct held *h)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < h->n; i++)
		sum += seen_hash(bytes_of(h->instances[i].map, h->instances[i].len));
	return sum;
}

/* Raw bytes of the elements of the array `name` in the event, which is one map. */
static void take_instances(
	struct held *h, struct bytes event, struct value list, const char *name)
{
	struct bytes at = event;
	struct bytes key;
	struct bytes raw;
	struct value gone;
	uint32_t n;

	ck_assert(mp_map(&at, &n));
	while (mp_text(&at, &key) && !bytes_eq_str(key, name))
		ck_assert(mp_value(&at, &raw));
	ck_assert_uint_ge(at.len, 5);
	ck_assert_uint_eq(at.data[0], 0xdd); /* the long form, always */
	ck_assert_uint_eq(get_be32(at.data + 1), list.n);
	at = bytes_of(at.data + 5, at.len - 5);
	for (uint32_t i = 0; i < list.n; i++) {
		struct value one = value_at(list, i);

		ck_assert(mp_value(&at, &raw));
		if (value_find(one, "gone", &gone))
			instance_remove(h, field(one, "id").s);
		else
			instance_set(h, field(one, "id").s, raw);
	}
}

static void take_snapshot(struct held *h, struct bytes raw, struct value event)
{
	ck_assert_msg(!h->known || field(event, "rev").u > h->rev,
		"%s: a snapshot of what is held", h->key);
	h->n = 0;
	take_instances(h, raw, field(event, "instances"), "instances");
}

static void take_delta(struct held *h, struct bytes raw, struct value event)
{
	ck_assert_msg(field(event, "from").u == h->rev,
		"%s: held %llu, a delta from %llu", h->key, (unsigned long long)h->rev,
		(unsigned long long)field(event, "from").u);
	ck_assert_uint_gt(field(event, "rev").u, h->rev);
	take_instances(h, raw, field(event, "changes"), "changes");
}

static void take_no_service(struct held *h)
{
	ck_assert_msg(
		!h->known || h->rev != 0, "%s: told twice that it is missing", h->key);
	h->n = 0;
	h->rev = 0;
	h->known = true;
}

static void take_event(struct model *m, struct bytes raw, struct value event)
{
	struct bytes kind = field(event, "kind").s;
	struct held *h;

	if (bytes_eq_str(kind, "synced")) {
		m->synced++;
		return;
	}
	h = held_get(m, field(event, "ns").s, field(event, "service").s);
	if (bytes_eq_str(kind, "no_service")) {
		take_no_service(h);
		return;
	}
	if (bytes_eq_str(kind, "snapshot")) {
		m->snapshots++;
		take_snapshot(h, raw, event);
	} else {
		take_delta(h, raw, event);
	}
	h->rev = field(event, "rev").u;
	h->known = true;
	ck_assert_uint_eq(field(event, "count").u, h->n);
	ck_assert_msg(field(event, "digest").u == digest_of(h),
		"%s at %llu: another digest", h->key, (unsigned long long)h->rev);
}

static void model_receive(struct watcher *w, struct bytes message)
{
	struct model *m = model_of(w);
	struct arena *own = arena_new();
	struct value params;
	struct frame f;

	ck_assert_int_eq(frame_parse(message, &f), 0);
	ck_assert_int_eq(value_parse(own, f.body, &params), 0);
	ck_assert_uint_eq(params.n, 1);
	take_event(m, bytes_of(f.body.data + 1, f.body.len - 1), value_at(params, 0));
	arena_free(own);
	m->events++;
	if (m->stalled)
		m->pending += message.len;
}

static size_t model_pending(const struct watcher *w)
{
	return model_of(w)->pending;
}

static void model_lost(struct watcher *w)
{
	(void)w;
	ck_abort_msg("a watcher was lost");
}

static const struct watch_ops ops = {
	model_pending, model_receive, model_receive, model_lost};

static struct model models[MODELS];

/* ---- fixture ----------------------------------------------------------- */

static void setup(void)
{
	world_init(&world, NULL);
	ws = watches_new(&ops, BUDGET, 100000);
	memset(models, 0, sizeof(models));
	for (int i = 0; i < MODELS; i++)
		watcher_init(&models[i].w);
	n_published = 0;
}

static void teardown(void)
{
	for (int i = 0; i < MODELS; i++)
		watcher_end(ws, &models[i].w);
	ck_assert_uint_eq(watches_count(ws), 0);
	watches_free(ws);
	for (size_t i = 0; i < n_published; i++)
		changes_free(published[i]);
	world_fini(&world);
}

static const struct service_key web = {
	{(const uint8_t *)"default", 7}, {(const uint8_t *)"web", 3}};

static void reg(const char *service, const char *id)
{
	char params[256];

	snprintf(params, sizeof(params), "{instances:[{service:'%s',id:'%s'}]}", service,
		id);
	ck_assert_int_eq(apply("register", params), 0);
}

static void settle(void)
{
	handle_publications(n_published);
	attend();
}

/* ---- one watcher ------------------------------------------------------- */

START_TEST(a_new_watch_gets_a_snapshot_then_each_change_once)
{
	struct model *m = &models[0];

	reg("web", "a");
	settle();
	watch_service(ws, &m->w, &web, false, 0);
	settle();
	ck_assert_uint_eq(m->snapshots, 1);
	reg("web", "b");
	settle();
	reg("web", "b");
	settle();
	ck_assert_uint_eq(m->events, 2);
	ck_assert_uint_eq(m->held[0].n, 2);
}
END_TEST

START_TEST(a_missing_service_is_said_to_be_missing_once)
{
	struct model *m = &models[0];

	watch_service(ws, &m->w, &web, false, 0);
	settle();
	settle();
	ck_assert_uint_eq(m->events, 1);
	ck_assert(m->held[0].known);
	ck_assert_uint_eq(m->held[0].rev, 0);
	reg("web", "a");
	settle();
	ck_assert_uint_eq(m->events, 2);
	ck_assert_uint_eq(m->snapshots, 0);
}
END_TEST

START_TEST(who_holds_the_newest_is_told_nothing)
{
	struct model *m = &models[0];

	reg("web", "a");
	settle();
	watch_service(ws, &m->w, &web, true, 1);
	settle();
	ck_assert_uint_eq(m->events, 0);
	ck_assert(!watches_waiting(ws));
}
END_TEST

START_TEST(who_holds_an_older_revision_gets_the_difference)
{
	struct model *m = &models[0];

	reg("web", "a");
	watch_service(ws, &m->w, &web, false, 0);
	settle();
	watcher_end(ws, &m->w);
	reg("web", "b");
	reg("web", "c");
	apply("deregister", "{service:'web',id:'a'}");
	settle();
	watch_service(ws, &m->w, &web, true, m->held[0].rev);
	settle();
	ck_assert_uint_eq(m->snapshots, 1);
	ck_assert_uint_eq(m->events, 2);
	ck_assert_uint_eq(m->held[0].n, 2);
}
END_TEST

START_TEST(who_is_ahead_of_this_member_waits)
{
	struct model *m = &models[0];

	reg("web", "a");
	settle();
	watch_service(ws, &m->w, &web, true, 3);
	settle();
	reg("web", "b");
	settle();
	reg("web", "c"); /* revision 3: now we are even */
	settle();
	ck_assert_uint_eq(m->events, 0);
}
END_TEST

START_TEST(a_stalled_watcher_costs_its_budget_and_then_gets_the_newest)
{
	struct model *m = &models[0];
	char id[16];

	watch_service(ws, &m->w, &web, false, 0);
	settle();
	m->stalled = true;
	for (int i = 0; i < 300; i++) {
		char params[64];

		snprintf(id, sizeof(id), "i%d", i % 20);
		snprintf(params, sizeof(params), "{service:'web',id:'%s'}", id);
		if (i / 20 % 2 == 0)
			reg("web", id);
		else
			ck_assert_int_eq(apply("deregister", params), 0);
		settle();
	}
	ck_assert_uint_lt(m->pending, BUDGET + 1000);
	ck_assert_uint_lt(m->events, 30);
	ck_assert(!watches_waiting(ws));
	m->stalled = false;
	m->pending = 0;
	watcher_drained(ws, &m->w);
	settle();
	ck_assert_uint_lt(m->events, 31);
	ck_assert_uint_eq(m->held[0].n, 20);
	ck_assert_uint_eq(m->held[0].rev, 300);
}
END_TEST

START_TEST(a_deleted_and_a_new_service_of_the_same_name_are_told_apart)
{
	struct model *m = &models[0];

	reg("web", "a");
	watch_service(ws, &m->w, &web, false, 0);
	settle();
	m->stalled = true;
	m->pending = BUDGET;
	apply("deregister", "{service:'web',id:'a'}");
	apply("service_delete", "{service:'web'}");
	reg("web", "z");
	settle();
	ck_assert_uint_eq(m->events, 1);
	m->stalled = false;
	m->pending = 0;
	watcher_drained(ws, &m->w);
	settle();
	ck_assert_uint_eq(m->held[0].n, 1);
	ck_assert_str_eq(m->held[0].instances[0].id, "z");
}
END_TEST

START_TEST(a_snapshot_ahead_of_the_publications_makes_them_old)
{
	struct model *m = &models[0];

	reg("web", "a");
	reg("web", "b");
	watch_service(ws, &m->w, &web, false, 0);
	attend();
	ck_assert_uint_eq(m->events, 1);
	handle_publications(2);
	attend();
	ck_assert_uint_eq(m->events, 1);
}
END_TEST

/* ---- prefixes ---------------------------------------------------------- */

static void watch_all(struct model *m, const char *ns, const char *prefix)
{
	ck_assert_int_eq(
		watch_prefix(ws, &m->w, &world.t.base, bytes_str(ns), bytes_str(prefix)),
		0);
	snprintf(m->ns, sizeof(m->ns), "%s", ns);
	snprintf(m->prefix, sizeof(m->prefix), "%s", prefix);
}

START_TEST(a_prefix_gets_a_snapshot_of_each_then_synced_then_what_comes)
{
	struct model *m = &models[0];

	reg("web", "a");
	reg("web-2", "a");
	reg("db", "a");
	settle();
	watch_all(m, "default", "web");
	settle();
	ck_assert_uint_eq(m->snapshots, 2);
	ck_assert_uint_eq(m->synced, 1);
	reg("web-3", "a");
	reg("dc", "a");
	settle();
	ck_assert_uint_eq(m->events, 4);
	ck_assert_uint_eq(m->n_held, 3);
	ck_assert_int_eq(
		unwatch_prefix(ws, &m->w, bytes_str("default"), bytes_str("web")), 0);
	ck_assert_uint_eq(watches_count(ws), 0);
}
END_TEST

START_TEST(a_prefix_of_nothing_is_synced_at_once)
{
	watch_all(&models[0], "", "");
	settle();
	ck_assert_uint_eq(models[0].synced, 1);
	ck_assert_uint_eq(models[0].events, 1);
}
END_TEST

START_TEST(a_service_watched_by_name_and_prefix_is_told_once)
{
	struct model *m = &models[0];

	reg("web", "a");
	watch_service(ws, &m->w, &web, false, 0);
	watch_all(m, "", "w");
	watch_all(m, "", "we");
	settle();
	ck_assert_uint_eq(m->snapshots, 1);
	reg("web", "b");
	settle();
	ck_assert_uint_eq(watches_count(ws), 1);
	ck_assert_int_eq(unwatch_service(ws, &m->w, &web), 0);
	ck_assert_int_eq(unwatch_service(ws, &m->w, &web), SVCD_ENOTFOUND);
	reg("web", "c");
	settle();
	ck_assert_uint_eq(m->held[0].n, 3);
	unwatch_prefix(ws, &m->w, BYTES_NONE, bytes_str("w"));
	reg("web", "d");
	settle();
	ck_assert_uint_eq(m->held[0].n, 4);
	unwatch_prefix(ws, &m->w, BYTES_NONE, bytes_str("we"));
	ck_assert_uint_eq(watches_count(ws), 0);
	ck_assert_uint_eq(m->w.n, 0);
}
END_TEST

START_TEST(deleted_services_are_not_remembered_for_a_prefix)
{
	struct model *m = &models[0];

	watch_all(m, "", "");
	for (int i = 0; i < 5; i++) {
		reg("web", "a");
		settle();
		ck_assert_uint_eq(watches_count(ws), 1);
		apply("deregister", "{service:'web',id:'a'}");
		apply("service_delete", "{service:'web'}");
		settle();
		ck_assert_uint_eq(watches_count(ws), 0);
	}
}
END_TEST

/* ---- acks -------------------------------------------------------------- */

static unsigned tally_changes;

static void on_tally(struct tally *t)
{
	(void)t;
	tally_changes++;
}

START_TEST(a_tally_follows_the_acks)
{
	struct tally t = {.on_change = on_tally};

	reg("web", "a");
	for (int i = 0; i < 3; i++)
		watch_service(ws, &models[i].w, &web, false, 0);
	settle();
	ck_assert_int_eq(tally_begin(ws, &web, 1, &t), 0);
	ck_assert_uint_eq(t.watchers, 3);
	ck_assert_uint_eq(t.acked, 0);
	watch_ack(ws, &models[0].w, &web, 1);
	watch_ack(ws, &models[0].w, &web, 1);
	ck_assert_uint_eq(t.acked, 1);
	watch_ack(ws, &models[1].w, &web, 7); /* was never sent */
	ck_assert_uint_eq(t.acked, 1);
	watcher_end(ws, &models[1].w);
	watch_ack(ws, &models[2].w, &web, 1);
	ck_assert_uint_eq(t.watchers, 2);
	ck_assert_uint_eq(t.acked, 2);
	watch_service(ws, &models[3].w, &web, true, 1);
	ck_assert_uint_eq(t.watchers, 3);
	ck_assert_uint_eq(t.acked, 3);
	tally_end(ws, &t);
}
END_TEST

START_TEST(a_tally_of_a_service_that_nobody_watches_is_empty)
{
	struct tally t = {.on_change = on_tally};

	ck_assert_int_eq(tally_begin(ws, &web, 1, &t), 0);
	ck_assert_uint_eq(t.watchers, 0);
	tally_end(ws, &t);
}
END_TEST

/* ---- everything at once ------------------------------------------------ */

static const char *const names[SERVICES] = {"web", "web-2", "db", "cache", "w"};

static void random_write(struct rng *r)
{
	const char *ns = rng_below(r, 4) == 0 ? "other" : "default";
	const char *service = names[rng_below(r, SERVICES)];
	unsigned id = (unsigned)rng_below(r, 6);
	char params[256];

	switch (rng_below(r, 8)) {
	case 0:
	case 1:
	case 2:
		snprintf(params, sizeof(params),
			"{instances:[{ns:'%s',service:'%s',id:'i%u',weight:%u}]}", ns,
			service, id, (unsigned)rng_below(r, 50));
		apply("register", params);
		return;
	case 3:
	case 4:
		snprintf(params, sizeof(params), "{ns:'%s',service:'%s',id:'i%u'}", ns,
			service, id);
		apply("deregister", params);
		return;
	case 5:
		snprintf(params, sizeof(params),
			"{ns:'%s',service:'%s',id:'i%u',admin:'draining'}", ns, service,
			id);
		apply("update", params);
		return;
	case 6:
		snprintf(params, sizeof(params), "{ns:'%s',service:'%s',floor:%u}", ns,
			service, (unsigned)rng_below(r, 4));
		apply("service_set", params);
		return;
	default:
		snprintf(params, sizeof(params), "{ns:'%s',service:'%s'}", ns, service);
		apply("service_delete", params);
	}
}

/* A client that watches again says what it holds, or forgets it. */
static void random_watch(struct rng *r, struct model *m)
{
	const char *ns = rng_below(r, 4) == 0 ? "other" : "default";
	struct service_key key = {
		bytes_str(ns), bytes_str(names[rng_below(r, SERVICES)])};
	struct held *h = held_get(m, key.ns, key.service);

	if (rng_below(r, 2) == 0 && unwatch_service(ws, &m->w, &key) == 0)
		return;
	if (h->known && rng_below(r, 2) == 0) {
		watch_service(ws, &m->w, &key, true, h->rev);
		return;
	}
	h->known = false;
	h->rev = 0;
	h->n = 0;
	watch_service(ws, &m->w, &key, false, 0);
}

/* Watchers by prefix never watch by name here, so that they hold nothing but what they
 * are told. */
static void random_prefix(struct rng *r, struct model *m)
{
	static const char *const prefixes[] = {"", "w", "web", "x"};
	const char *ns = rng_below(r, 2) == 0 ? "" : "default";

	if (m->w.n > 0) {
		watcher_end(ws, &m->w);
		m->n_held = 0;
		return;
	}
	watch_all(m, ns, prefixes[rng_below(r, 4)]);
}

static void random_step(struct rng *r)
{
	struct model *m = &models[rng_below(r, MODELS)];

	switch (rng_below(r, 10)) {
	case 0:
		if (m - models < MODELS / 2)
			random_watch(r, m);
		else
			random_prefix(r, m);
		return;
	case 1:
		m->stalled = !m->stalled;
		m->pending = 0;
		watcher_drained(ws, &m->w);
		return;
	case 2:
	case 3:
		handle_publications(rng_below(r, n_published + 1));
		return;
	case 4:
		attend();
		return;
	default:
		if (n_published == PUBLICATIONS_MAX)
			handle_publications(n_published);
		random_write(r);
	}
}

/* What is watched is held as the store has it. */
static void check_held(struct model *m, bool by_name)
{
	for (size_t i = 0; i < m->n_held; i++) {
		struct held *h = &m->held[i];
		char *slash = strchr(h->key, '/');
		struct service_key key = {
			bytes_of(h->key, (size_t)(slash - h->key)), bytes_str(slash + 1)};
		struct service s;
		bool there = catalog_get_service(&world.t.base, &key, &s);

		if (by_name && (!h->known || unwatch_service(ws, &m->w, &key) != 0))
			continue;
		ck_assert_uint_eq(h->rev, there ? s.rev : 0);
		ck_assert_uint_eq(digest_of(h), there ? s.digest : 0);
	}
}

/* Whatever has the prefix is known. */
static void check_all_are_held(struct model *m)
{
	static const char *const spaces[] = {"default", "other"};

	for (size_t i = 0; i < 2 * SERVICES; i++) {
		const char *ns = spaces[i % 2];
		struct service_key key = {bytes_str(ns), bytes_str(names[i / 2])};
		struct service s;

		if ((m->ns[0] == '\0' || strcmp(m->ns, ns) == 0) &&
			bytes_has_prefix(key.service, bytes_str(m->prefix)) &&
			catalog_get_service(&world.t.base, &key, &s))
			ck_assert_uint_eq(held_get(m, key.ns, key.service)->rev, s.rev);
	}
}

START_TEST(random_histories_keep_all_promises)
{
	struct rng r;

	rng_seed(&r, (uint64_t)_i + 1);
	for (int i = 0; i < 600; i++)
		random_step(&r);
	for (int i = 0; i < MODELS; i++) {
		models[i].stalled = false;
		models[i].pending = 0;
		watcher_drained(ws, &models[i].w);
	}
	settle();
	ck_assert(!watches_waiting(ws));
	for (int i = 0; i < MODELS; i++) {
		if (i < MODELS / 2) {
			check_held(&models[i], true);
		} else if (models[i].w.n > 0) {
			check_held(&models[i], false);
			check_all_are_held(&models[i]);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("server_watch");
	TCase *tc = unit_case(s, "watch");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_new_watch_gets_a_snapshot_then_each_change_once);
	tcase_add_test(tc, a_missing_service_is_said_to_be_missing_once);
	tcase_add_test(tc, who_holds_the_newest_is_told_nothing);
	tcase_add_test(tc, who_holds_an_older_revision_gets_the_difference);
	tcase_add_test(tc, who_is_ahead_of_this_member_waits);
	tcase_add_test(tc, a_stalled_watcher_costs_its_budget_and_then_gets_the_newest);
	tcase_add_test(tc, a_deleted_and_a_new_service_of_the_same_name_are_told_apart);
	tcase_add_test(tc, a_snapshot_ahead_of_the_publications_makes_them_old);
	tcase_add_test(tc, a_prefix_gets_a_snapshot_of_each_then_synced_then_what_comes);
	tcase_add_test(tc, a_prefix_of_nothing_is_synced_at_once);
	tcase_add_test(tc, a_service_watched_by_name_and_prefix_is_told_once);
	tcase_add_test(tc, deleted_services_are_not_remembered_for_a_prefix);
	tcase_add_test(tc, a_tally_follows_the_acks);
	tcase_add_test(tc, a_tally_of_a_service_that_nobody_watches_is_empty);
	tcase_add_loop_test(tc, random_histories_keep_all_promises, 0, 40);
	return unit_run(s);
}
