/*
 * What the simulated clients write: commands of every kind for a few services and
 * instances, so that they meet. Built once; whether one is refused when it is applied is
 * the catalog's business, and the same everywhere.
 */
#include <stdlib.h>

#include "../unit/world.h"
#include "replica/payload.h"
#include "sim.h"

#define POOL 128

static struct buf pool[POOL];
static size_t n_pool;

static void add(struct world *w, const char *method, const char *params)
{
	if (n_pool == POOL || world_build(w, method, params) != 0)
		abort();
	buf_put_bytes(&pool[n_pool++], buf_bytes(&w->command));
}

static void add_for(struct world *w, const char *service, char id)
{
	char text[200];

	snprintf(text, sizeof(text),
		"{instances:[{service:%s,id:%c,ports:{http:{port:80}},weight:%d}]}",
		service, id, id);
	add(w, "register", text);
	snprintf(text, sizeof(text), "{service:%s,id:%c}", service, id);
	add(w, "deregister", text);
	snprintf(text, sizeof(text), "{service:%s,id:%c,admin:draining}", service, id);
	add(w, "update", text);
	snprintf(text, sizeof(text), "{service:%s,id:%c,admin:enabled,weight:7}", service,
		id);
	add(w, "update", text);
}

static void fill_pool(void)
{
	static const char *const services[] = {"web", "db"};
	struct world w;

	world_init(&w, NULL);
	for (size_t i = 0; i < 2; i++) {
		for (char id = 'a'; id <= 'd'; id++)
			add_for(&w, services[i], id);
	}
	add(&w, "service_set", "{service:web,floor:2}");
	add(&w, "service_set", "{service:web,floor:0,owner:core}");
	add(&w, "service_delete", "{service:db}");
	add(&w, "register",
		"{session:5,seq:1,instances:[{service:db,id:a},{service:db,id:b}]}");
	add(&w, "update", "{session:5,seq:2,service:db,id:a,weight:3}");
	buf_clear(&w.command);
	command_tick(&w.command);
	buf_put_bytes(&pool[n_pool++], buf_bytes(&w.command));
	world_fini(&w);
}

struct bytes sim_payload(struct sim *s, uint32_t id, struct bytes command)
{
	static struct buf out;
	struct stamp stamp = {.time_ms = 1000 + s->now_ms, .wall_ms = id};
	uint32_t n = 1;

	if (n_pool == 0)
		fill_pool();
	payload_begin(&out, &stamp);
	if (command.len > 0)
		payload_put(&out, command);
	else
		n += (uint32_t)rng_below(&s->rng, s->p.full ? 10 : 3);
	for (uint32_t i = 0; i < n && command.len == 0; i++)
		payload_put(&out, buf_bytes(&pool[rng_below(&s->rng, n_pool)]));
	payload_end(&out, n);
	return buf_bytes(&out);
}
