/* Targets out of instances, and their following. Verdicts are in verdicts.c. */
#include "server/checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "catalog/checks.h"
#include "catalog/keys.h"
#include "server/verdicts.h"
#include "wire/pack.h"
#include "wire/value.h"

struct checks {
	struct server *server;
	struct loop *loop;
	struct reader *reader;
	struct arena *arena;
	struct buf spec;       /* scratch */
	struct health *health; /* NULL while not begun */
	struct verdicts *verdicts;
	struct counter targets, probes;
};

/* ---- targets ----------------------------------------------------------- */

static enum check_state check_state_of(enum health_state h)
{
	switch (h) {
	case HEALTH_PASSING:
	case HEALTH_DEGRADED:
	case HEALTH_DAMPED:
		return CHECK_PASSING;
	case HEALTH_FAILING:
		return CHECK_FAILING;
	case HEALTH_UNKNOWN:
		return CHECK_UNKNOWN;
	default:
		return CHECK_STARTING;
	}
}

/* The instance's spec as one map. */
static bool spec_parse(struct checks *c, const struct instance *i, struct value *spec)
{
	buf_clear(&c->spec);
	pack_map(&c->spec, i->spec_n);
	pack_raw(&c->spec, i->spec);
	return c->spec.error == 0 &&
		value_parse(c->arena, buf_bytes(&c->spec), spec) == 0;
}

static struct bytes first_address(struct value spec)
{
	struct value list;
	struct value first;

	if (!value_find(spec, "addresses", &list) || list.type != VALUE_ARRAY ||
		list.n == 0)
		return BYTES_NONE;
	first = value_at(list, 0);
	return first.type == VALUE_STR ? first.s : BYTES_NONE;
}

static uint16_t port_named(struct value spec, struct bytes name)
{
	struct value ports;
	struct value key;
	struct value port;
	struct value number;

	if (!value_find(spec, "ports", &ports) || ports.type != VALUE_MAP)
		return 0;
	for (uint32_t i = 0; i < ports.n; i++) {
		value_pair(ports, i, &key, &port);
		if (key.type == VALUE_STR && bytes_eq(key.s, name) &&
			value_find(port, "port", &number) && number.type == VALUE_UINT)
			return (uint16_t)number.u;
	}
	return 0;
}

static void rule_fill(struct verdict_rule *rule, const struct check *from)
{
	uint32_t longest = from->interval_ms > from->slow_interval_ms
		? from->interval_ms
		: from->slow_interval_ms;

	rule->rise = (uint16_t)from->rise;
	rule->fall = (uint16_t)from->fall;
	rule->interval_ms = from->interval_ms;
	rule->fast_interval_ms = from->fast_interval_ms;
	rule->slow_interval_ms = from->slow_interval_ms;
	rule->stale_after_ms = 3 * (longest + from->timeout_ms);
}

static bool check_fill(struct health_check *out, struct value map, struct value spec)
{
	struct check from;

	if (check_decode(map, &from, "", NULL) != 0)
		return false;
	*out = (struct health_check){
		.name = from.name,
		.type = from.type,
		.address = first_address(spec),
		.port = port_named(spec, from.port),
		.path = from.path,
		.host = from.host,
		.status_min = (uint16_t)from.status_min,
		.status_max = (uint16_t)from.status_max,
		.timeout_ms = from.timeout_ms,
	};
	rule_fill(&out->rule, &from);
	return true;
}

/* Returns how many checks there are. Views into the transaction and the scratch buffer.
 */
static uint32_t checks_fill(
	struct checks *c, const struct instance *i, struct health_check out[LIMIT_CHECKS])
{
	struct value list;
	struct value spec;
	uint32_t n = 0;

	if (value_parse(c->arena, i->checks, &list) != 0 || list.type != VALUE_ARRAY ||
		!spec_parse(c, i, &spec))
		return 0;
	for (uint32_t k = 0; k < list.n && n < LIMIT_CHECKS; k++)
		n += check_fill(&out[n], value_at(list, k), spec);
	return n;
}

static void target_set(struct checks *c, const struct instance *i)
{
	struct health_check list[LIMIT_CHECKS];
	struct health_target target = {
		.incarnation = i->state.incarnation,
		.initial = check_state_of(i->state.health),
		.checks = list,
	};
	struct key key;
	struct err e;
	int rc;

	key_instance(&key, &i->key);
	target.key = key_bytes(&key);
	target.n_checks = checks_fill(c, i, list);
	rc = target.n_checks == 0 ? err_set(&e, SVCD_ECORRUPT, "no readable check")
				  : health_set(c->health, &target, &e);
	if (rc != 0) {
		health_remove(c->health, target.key);
		log_error("instance_not_checked", L_BYTES("service", i->key.service),
			L_BYTES("id", i->key.id), L_ERR(rc), L_STR("text", e.text));
	}
	arena_reset(c->arena);
}

static void target_remove(struct checks *c, const struct instance_key *instance)
{
	struct key key;

	key_instance(&key, instance);
	health_remove(c->health, key_bytes(&key));
	verdicts_forget(c->verdicts, key_bytes(&key));
}

/* ---- following --------------------------------------------------------- */

static void follow_instance(struct checks *c, struct tables *t,
	const struct service_change *s, const struct instance_change *change)
{
	struct instance_key key = {
		.ns = s->key.ns, .service = s->key.service, .id = change->id};
	struct instance i;

	if (!change->checks)
		return;
	if (catalog_get_instance(t, &key, &i) && i.state.has_checks &&
		i.state.life != LIFE_GONE) {
		i.key = key;
		target_set(c, &i);
	} else {
		target_remove(c, &key);
	}
}

static void follow_all(struct checks *c, struct tables *t, const struct changes *changes)
{
	for (size_t i = 0; i < changes_services(changes); i++) {
		const struct service_change *s = changes_service(changes, i);

		for (size_t k = s->first; k < s->first + s->n; k++)
			follow_instance(c, t, s, changes_instance(changes, k));
	}
}

static bool any_checked(const struct changes *changes)
{
	for (size_t i = 0; i < changes_services(changes); i++) {
		const struct service_change *s = changes_service(changes, i);

		for (size_t k = s->first; k < s->first + s->n; k++)
			if (changes_instance(changes, k)->checks)
				return true;
	}
	return false;
}

static void figures_take(struct checks *c)
{
	struct health_stat stat = {0};

	if (c->health != NULL)
		health_stat(c->health, &stat);
	count_set(&c->targets, stat.checks);
	count_set(&c->probes, stat.probes_total);
}

void checks_follow(struct checks *c, const struct changes *changes)
{
	struct tables *t;

	if (c->health == NULL || !any_checked(changes))
		return;
	t = store_read_begin(c->reader);
	if (t == NULL)
		return;
	follow_all(c, t, changes);
	store_read_end(c->reader);
}

static bool begin_with(void *arg, const struct instance *i)
{
	target_set(arg, i);
	return true;
}

static bool checks_on_verdict(void *arg, struct bytes key, uint64_t incarnation,
	enum check_state state, const char *reason)
{
	struct checks *c = arg;

	return verdicts_put(c->verdicts, key, incarnation, state, bytes_str(reason));
}

void checks_begin(struct checks *c, uint64_t term)
{
	static const struct health_events events = {.on_verdict = checks_on_verdict};
	struct health_options options = {0};
	struct tables *t;

	if (c->health != NULL)
		return;
	verdicts_begin(c->verdicts, term);
	rng_secure(&options.seed, sizeof(options.seed));
	c->health = health_new(c->loop, &options, &events, c);
	t = c->health != NULL ? store_read_begin(c->reader) : NULL;
	if (t == NULL) {
		checks_end(c);
		log_error("checks_not_begun", L_ERR(SVCD_ENOMEM));
		return;
	}
	catalog_each_checked(t, begin_with, c);
	store_read_end(c->reader);
}

void checks_end(struct checks *c)
{
	health_free(c->health);
	c->health = NULL;
	verdicts_end(c->verdicts);
	figures_take(c);
}

void checks_flush(struct checks *c)
{
	figures_take(c);
	verdicts_flush(c->verdicts);
}

/* ---- life -------------------------------------------------------------- */

struct checks *checks_new(
	struct server *s, struct loop *l, struct mailbox *box, struct reader *reader)
{
	struct checks *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->server = s;
	c->loop = l;
	c->reader = reader;
	c->arena = arena_new();
	c->verdicts = verdicts_new(s, l, box);
	if (c->arena != NULL && c->verdicts != NULL)
		return c;
	checks_free(c);
	return NULL;
}

void checks_free(struct checks *c)
{
	if (c == NULL)
		return;
	health_free(c->health);
	verdicts_free(c->verdicts);
	arena_free(c->arena);
	buf_fini(&c->spec);
	free(c);
}

uint32_t checks_in_flight(const struct checks *c)
{
	return verdicts_in_flight(c->verdicts);
}

uint32_t checks_evidence(const struct checks *c, struct bytes key,
	void (*fn)(void *arg, const struct health_evidence *e), void *arg)
{
	return c->health != NULL ? health_evidence(c->health, key, fn, arg) : 0;
}

void checks_stat(const struct checks *c, struct server_stat *out)
{
	out->checks = counted(&c->targets);
	out->probes = counted(&c->probes);
}
