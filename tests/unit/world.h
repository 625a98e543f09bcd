/*
 * A catalog on tables in memory, driven by text. Time stands still unless a test moves
 * it.
 */
#ifndef SVCD_TESTS_WORLD_H
#define SVCD_TESTS_WORLD_H

#include "catalog/catalog.h"
#include "mem_tables.h"
#include "wire/value.h"

struct world {
	struct mem_tables t;
	struct catalog *c;
	struct catalog_options options;
	struct stamp now;
	const char *actor;
	struct arena *arena;
	struct buf command, params, text;
	struct outcome out;
	struct err e;
	struct changes *changes; /* of the last world_do */
};

void world_init(struct world *w, const struct catalog_options *o);
void world_fini(struct world *w);

/* Builds the command of a method from its parameters and applies it, as a batch of its
 * own; its code, with the text in w->e. The built command stays in w->command. */
int world_do(struct world *w, const char *method, const char *params);
int world_build(struct world *w, const char *method, const char *params);
/* Applies what is in w->command (again). */
int world_apply(struct world *w);
/* Server's own commands. */
int world_tick(struct world *w, uint64_t pass_ms); /* after that much time */
int world_verdict(struct world *w, const char *service, const char *id,
	enum health_state health, const char *reason); /* of its current incarnation */
int world_lease_end(struct world *w, uint64_t lease, enum cause_kind cause);

/* Answer of a query (resolve, list, get, history, snapshot) as text: "{...}", or the
 * error's sentence. Lives until the next call. */
const char *world_ask(struct world *w, const char *query, const char *params);

bool world_find(
	struct world *w, const char *service, const char *id, struct instance *out);
/* "up", "pending" … or "gone". */
const char *world_state(struct world *w, const char *service, const char *id);
struct service world_service(struct world *w, const char *service); /* rev 0: none */
/* catalog_check(); "" when all is well. */
const char *world_fault(struct world *w);

struct service_key default_service(const char *name);
struct instance_key default_instance(const char *service, const char *id);

#endif
