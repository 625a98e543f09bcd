/* The method status: what this member is, has and uses. */
#include "base/clock.h"
#include "base/text.h"
#include "server/current.h"
#include "server/reads.h"
#include "server/remains.h"
#include "server/request.h"
#include "server/worker.h"
#include "wire/pack.h"

/* Map entries that are counted while they are put. */
struct listing {
	struct buf *out;
	uint32_t n;
};

static void put_u64(struct listing *l, const char *key, uint64_t v)
{
	pack_kv_u64(l->out, key, v);
	l->n++;
}

static void put_str(struct listing *l, const char *key, const char *v)
{
	pack_kv_cstr(l->out, key, v);
	l->n++;
}

static void put_bool(struct listing *l, const char *key, bool v)
{
	pack_kv_bool(l->out, key, v);
	l->n++;
}

static void put_member(
	struct listing *l, const struct replica_status *s, uint64_t uptime_ms)
{
	static const char *const roles[] = {"follower", "candidate", "leader"};
	char hex[17];

	put_str(l, "version", SVCD_VERSION);
	put_str(l, "node", text_hex64(s->node, hex));
	put_str(l, "cluster", text_hex64(s->cluster, hex));
	put_str(l, "role", roles[s->role]);
	if (s->leader != 0)
		put_str(l, "leader", text_hex64(s->leader, hex));
	if (s->leader_client[0] != '\0')
		put_str(l, "leader_client", s->leader_client);
	put_str(l, "name", s->name);
	if (s->peer[0] != '\0')
		put_str(l, "peer", s->peer);
	put_bool(l, "voter", s->voter);
	put_bool(l, "joining", s->joining);
	if (s->removed)
		put_bool(l, "removed", true);
	put_bool(l, "diverged", s->diverged);
	if (s->incomplete)
		put_bool(l, "incomplete", true);
	put_u64(l, "term", s->term);
	put_u64(l, "time_ms", s->time_ms);
	put_u64(l, "wall_ms", clock_wall_ms());
	put_u64(l, "uptime_ms", uptime_ms);
	put_u64(l, "queue", s->queue);
}

/* Of the certificate that this member shows to others. */
static void put_certificate(struct listing *l, const struct tls *tls)
{
	if (tls != NULL)
		put_u64(l, "cert_left_ms", certificate_left_ms(tls));
}

static void put_totals(struct listing *l, const struct catalog_totals *t)
{
	put_u64(l, "services", t->services);
	put_u64(l, "instances", t->instances);
	for (int i = 0; i < EFFECTIVE_COUNT; i++)
		put_u64(l, effective_name((enum effective_state)i), t->by_effective[i]);
	put_u64(l, "leases", t->leases);
	put_u64(l, "tombstones", t->tombstones);
	put_u64(l, "events", t->events);
}

static void put_server(struct listing *l, const struct server_stat *s)
{
	put_u64(l, "sessions", s->connections);
	put_u64(l, "watches", s->watches);
	put_u64(l, "requests", s->requests);
	put_u64(l, "lookups", s->lookups);
	put_u64(l, "lookups_kept", s->lookups_kept);
	put_u64(l, "writes", s->writes);
	put_u64(l, "events_sent", s->events_sent);
	put_u64(l, "renewals", s->renewals);
	put_u64(l, "expired", s->expired);
	put_u64(l, "bytes_in", s->bytes_in);
	put_u64(l, "bytes_out", s->bytes_out);
	put_u64(l, "checks", s->checks);
	put_u64(l, "probes", s->probes);
}

static void put_log(struct listing *l, const struct replica_status *s)
{
	pack_cstr(l->out, "log");
	pack_map(l->out, 5);
	pack_kv_u64(l->out, "first", s->first_index);
	pack_kv_u64(l->out, "last", s->last_index);
	pack_kv_u64(l->out, "committed", s->commit_index);
	pack_kv_u64(l->out, "applied", s->applied_index);
	pack_kv_u64(l->out, "bytes", s->log_bytes);
	l->n++;
}

static void put_checkpoint(struct listing *l, const struct replica_status *s)
{
	if (s->checkpoint_index == 0)
		return;
	pack_cstr(l->out, "checkpoint");
	pack_map(l->out, 3);
	pack_kv_u64(l->out, "index", s->checkpoint_index);
	pack_kv_u64(l->out, "rev", s->checkpoint_rev);
	pack_kv_u64(l->out, "age_ms", checkpoint_age_ms(s));
	l->n++;
}

static void put_disk(struct listing *l, struct store *store, bool space_low)
{
	struct store_stat s;

	store_stat(store, &s);
	put_u64(l, "state_bytes", s.used_bytes);
	put_u64(l, "state_bytes_max", s.map_bytes);
	put_u64(l, "disk_free", s.free_disk_bytes);
	put_bool(l, "space_low", space_low);
}

static void put_limits(struct listing *l, const struct server_options *o)
{
	pack_cstr(l->out, "limits");
	pack_map(l->out, 5);
	pack_kv_u64(l->out, "connections", o->connections_max);
	pack_kv_u64(l->out, "watches_per_connection", o->watches_max);
	pack_kv_u64(l->out, "writes_in_flight", o->writes_in_flight_max);
	pack_kv_u64(l->out, "out_bytes", o->out_bytes_max);
	pack_kv_u64(l->out, "watch_budget_bytes", o->watch_budget_bytes);
	l->n++;
}

void method_status(struct request *r)
{
	struct worker *w = r->session->worker;
	const struct server *s = w->server;
	struct listing l = {.out = &w->entries};
	struct replica_status member;
	struct catalog_totals totals;
	struct server_stat stat;
	struct tables *t;

	if (current_take(r))
		return;
	t = store_read_begin(w->reader);
	if (t == NULL) {
		request_fail(r, SVCD_EIO, "the state cannot be read");
		return;
	}
	catalog_totals(t, &totals);
	store_read_end(w->reader);
	replica_status(s->replica, &member);
	server_stat(s, &stat);
	buf_clear(&w->entries);
	put_member(&l, &member, clock_now_ms() - s->started_ms);
	put_certificate(&l, s->options.peer_tls);
	put_totals(&l, &totals);
	put_server(&l, &stat);
	put_log(&l, &member);
	put_checkpoint(&l, &member);
	put_disk(&l, s->store, member.space_low);
	put_limits(&l, &s->options);
	request_result(r, l.n, buf_bytes(&w->entries));
}
