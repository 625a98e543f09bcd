/* The table of all cases; closed loops on one server. */
#include "svcbench/cases.h"

#include <signal.h>
#include <stdio.h>

unsigned char lookup_sample[65536];
size_t lookup_sample_len = 2500;

uint64_t random_service(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % LOOKUP_SERVICES;
}

static void closed_loop(const struct bench_case *c, const struct bench_options *o,
	bool other, struct result *r)
{
	const struct load *load = other ? c->theirs : c->ours;
	struct loop loop;
	struct peer p;

	load->start(&p, o);
	if (load->fill != NULL)
		load->fill(&p);
	loop_init(&loop, load, c->depth);
	for (int i = 0; i < c->links; i++)
		engine_dial(&loop.e, p.host, p.port);
	loop_measure(&loop, o, p.pid, r);
	snprintf(r->note, sizeof r->note, "answers of %zu bytes", loop.e.links[0]->usual);
	engine_fini(&loop.e);
	peer_remove(&p);
}

#define REGISTRATION \
	closed_loop, &rival_redis, "HSET, appendfsync always", \
		.ours = &svcd_registers, .theirs = &redis_hset, .depth = 1
#define LOOKUP \
	closed_loop, &rival_redis, "GET of the same bytes", .ours = &svcd_resolves, \
							    .theirs = &redis_get
#define CLUSTER \
	case_cluster, &rival_zookeeper, "3 servers: create of an ephemeral node", \
		.depth = 1
#define FAILOVER \
	case_failover, &rival_zookeeper, "the same: time without creates", \
		.compared = BY_MEDIAN

const struct bench_case bench_cases[] = {
	{"register-1", "durable registration, 1 client", REGISTRATION, .links = 1},
	{"register-64", "durable registration, 64 clients", REGISTRATION, .links = 64},
	{"lookup-1", "lookup of 10 instances, 1 connection", LOOKUP, .links = 1,
		.depth = 1},
	{"lookup-64", "lookup of 10 instances, 64 connections", LOOKUP, .links = 64,
		.depth = 1},
	{"lookup-pipelined", "lookup of 10 instances, 16 x 64 pipelined", LOOKUP,
		.links = 16, .depth = 64},
	{"watch", "one change to all watchers, each with its connection", case_watch,
		&rival_redis, "PUBLISH of the same bytes", .compared = BY_LAST},
	{"leases", "instances kept alive, each with a lease of 10 s", case_leases},
	{"size", "memory of the registry, and time to the first read after kill -9",
		case_size},
	{"cluster-1", "3 members: durable registration, 1 client of the leader", CLUSTER,
		.links = 1, .via = VIA_LEADER},
	{"cluster-1-follower", "3 members: the same through a follower", CLUSTER,
		.links = 1, .via = VIA_FOLLOWERS},
	{"cluster-64", "3 members: durable registration, 64 clients of all", CLUSTER,
		.links = 64, .via = VIA_ALL},
	{"cluster-64-leader", "3 members: the same, all of the leader", CLUSTER,
		.links = 64, .via = VIA_LEADER},
	{"cluster-64-follower", "3 members: the same, all of followers", CLUSTER,
		.links = 64, .via = VIA_FOLLOWERS},
	{"failover-kill", "kill -9 of the leader: time without writes", FAILOVER,
		.signal = SIGKILL},
	{"failover-freeze", "SIGSTOP of the leader: time without writes", FAILOVER,
		.signal = SIGSTOP},
	{"handover", "SIGTERM of the leader: time without writes", case_failover,
		.signal = SIGTERM},
	{"catch-up", "a follower was away while all instances came", case_catch_up},
	{"snapshot", "a checkpoint under load: longest stop, extra memory",
		case_snapshot},
};

const unsigned bench_case_count = sizeof bench_cases / sizeof bench_cases[0];
