#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/query.h"
#include "say.h"
#include "wire/pack.h"

void world_init(struct world *w, const struct catalog_options *o)
{
	*w = (struct world){
		.now = {.time_ms = 1000, .wall_ms = 1700000000000}, .actor = "tester"};
	if (o != NULL)
		w->options = *o;
	mem_tables_init(&w->t);
	w->c = catalog_new(o);
	w->arena = arena_new();
	w->changes = changes_new();
	if (w->c == NULL || w->arena == NULL || w->changes == NULL)
		abort();
}

void world_fini(struct world *w)
{
	mem_tables_fini(&w->t);
	catalog_free(w->c);
	arena_free(w->arena);
	changes_free(w->changes);
	buf_fini(&w->command);
	buf_fini(&w->params);
	buf_fini(&w->text);
	buf_fini(&w->out.incarnations);
}

typedef int build_fn(
	struct value, const struct command_origin *, struct buf *, struct err *);

static const struct {
	const char *name;
	build_fn *build;
} methods[] = {
	{"register", command_register},
	{"deregister", command_deregister},
	{"update", command_update},
	{"lease_grant", command_lease_grant},
	{"lease_revoke", command_lease_revoke},
	{"service_set", command_service_set},
	{"service_delete", command_service_delete},
};

static struct value parse(struct world *w, const char *params)
{
	struct value v;

	buf_clear(&w->params);
	say(&w->params, params);
	arena_reset(w->arena);
	if (value_parse(w->arena, buf_bytes(&w->params), &v) != 0)
		abort();
	return v;
}

int world_build(struct world *w, const char *method, const char *params)
{
	struct command_origin from = {.actor = bytes_str(w->actor)};

	buf_clear(&w->command);
	w->e = (struct err){0};
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, method) == 0)
			return methods[i].build(
				parse(w, params), &from, &w->command, &w->e);
	}
	abort();
}

int world_apply(struct world *w)
{
	int rv;

	changes_clear(w->changes);
	rv = catalog_apply(
		w->c, &w->t.base, &w->now, buf_bytes(&w->command), &w->out, w->changes);
	if (rv != 0)
		return rv;
	if (changes_finish(w->changes) != 0)
		abort();
	w->e = (struct err){0};
	if (w->out.code != 0)
		err_set(&w->e, w->out.code, "%s", w->out.text);
	return w->out.code;
}

int world_do(struct world *w, const char *method, const char *params)
{
	int rv = world_build(w, method, params);

	return rv != 0 ? rv : world_apply(w);
}

int world_tick(struct world *w, uint64_t pass_ms)
{
	w->now.time_ms += pass_ms;
	w->now.wall_ms += pass_ms;
	buf_clear(&w->command);
	command_tick(&w->command);
	return world_apply(w);
}

int world_verdict(struct world *w, const char *service, const char *id,
	enum health_state health, const char *reason)
{
	struct verdict v = {.key = default_instance(service, id),
		.health = health,
		.reason = bytes_str(reason)};
	struct instance i;

	if (world_find(w, service, id, &i))
		v.incarnation = i.state.incarnation;
	buf_clear(&w->command);
	command_verdicts(&v, 1, bytes_str("checker"), &w->command);
	return world_apply(w);
}

int world_lease_end(struct world *w, uint64_t lease, enum cause_kind cause)
{
	buf_clear(&w->command);
	command_leases_end(&lease, 1, cause, &w->command);
	return world_apply(w);
}

static int ask(
	struct world *w, const char *query, struct value v, struct buf *out, uint32_t *n)
{
	struct tables *t = &w->t.base;
	struct service_key key;
	struct value service;
	uint64_t rev;

	if (strcmp(query, "resolve") == 0)
		return query_resolve(t, v, out, n, &key, &w->e);
	if (strcmp(query, "list") == 0)
		return query_list(t, v, out, n, &w->e);
	if (strcmp(query, "get") == 0)
		return query_get(t, v, out, n, &w->e);
	if (strcmp(query, "history") == 0)
		return query_history(t, v, out, n, &w->e);
	if (strcmp(query, "snapshot") != 0 || !value_find(v, "service", &service))
		abort();
	key = (struct service_key){bytes_str("default"), service.s};
	return query_snapshot(t, &key, out, n, &rev);
}

const char *world_ask(struct world *w, const char *query, const char *params)
{
	struct buf entries = {0}, map = {0};
	uint32_t n = 0;

	w->e = (struct err){0};
	buf_clear(&w->text);
	if (ask(w, query, parse(w, params), &entries, &n) == 0) {
		pack_map(&map, n);
		pack_raw(&map, buf_bytes(&entries));
		tell(&w->text, buf_bytes(&map));
	} else {
		buf_printf(&w->text, "%s", w->e.text);
		buf_put_u8(&w->text, 0);
	}
	buf_fini(&entries);
	buf_fini(&map);
	return (const char *)w->text.data;
}

struct service_key default_service(const char *name)
{
	return (struct service_key){bytes_str("default"), bytes_str(name)};
}

struct instance_key default_instance(const char *service, const char *id)
{
	return (struct instance_key){
		bytes_str("default"), bytes_str(service), bytes_str(id)};
}

bool world_find(
	struct world *w, const char *service, const char *id, struct instance *out)
{
	struct instance_key key = default_instance(service, id);

	return catalog_get_instance(&w->t.base, &key, out);
}

const char *world_state(struct world *w, const char *service, const char *id)
{
	struct instance i;

	return world_find(w, service, id, &i) ? effective_name(i.state.effective)
					      : "gone";
}

struct service world_service(struct world *w, const char *service)
{
	struct service_key key = default_service(service);
	struct service s = {0};

	catalog_get_service(&w->t.base, &key, &s);
	return s;
}

const char *world_fault(struct world *w)
{
	w->e = (struct err){0};
	catalog_check(&w->t.base, &w->e);
	return w->e.text;
}
