/* Starting and watching clusters of three. */
#include "svcbench/trio.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void give_up(const char *what)
{
	fprintf(stderr, "svcbench: error: %s\n", what);
	exit(1);
}

int trio_leader(const struct trio *t)
{
	int leader = -1;

	for (int i = 0; i < MEMBERS; i++) {
		enum role role = t->m[i].pid > 0 ? t->kind->role(&t->m[i]) : ROLE_NONE;

		if (role == ROLE_NONE || (role == ROLE_LEADER && leader >= 0))
			return -1;
		if (role == ROLE_LEADER)
			leader = i;
	}
	return leader;
}

int trio_await_leader(const struct trio *t)
{
	uint64_t end = now_ns() + START_SECONDS * UINT64_C(1000000000);
	struct timespec pause = {.tv_nsec = 10000000};
	int leader;

	while ((leader = trio_leader(t)) < 0) {
		if (now_ns() > end)
			give_up("the members do not all follow one leader");
		nanosleep(&pause, NULL);
	}
	return leader;
}

void trio_start(struct trio *t, const struct cluster *kind, const struct bench_options *o)
{
	t->kind = kind;
	t->o = *o;
	t->o.server_cpu = -1;
	t->client_cpu = o->client_cpu;
	pin_to(-1);
	for (int i = 0; i < MEMBERS; i++)
		kind->start(t, i);
	trio_await_leader(t);
}

#define WARM_LINKS 64

void trio_warm(const struct trio *t, double seconds)
{
	struct loop loop;

	if (seconds <= 0)
		return;
	loop_init(&loop, t->kind->writes, 1); /* leaves no sessions to expire */
	loop.next = now_ns(); /* numbers that no case and no earlier warming uses */
	for (int i = 0; i < WARM_LINKS; i++)
		engine_dial(&loop.e, t->m[i % MEMBERS].host, t->m[i % MEMBERS].port);
	engine_for(&loop.e, seconds);
	engine_fini(&loop.e);
}

void trio_remove(struct trio *t)
{
	for (int i = 0; i < MEMBERS; i++)
		peer_remove(&t->m[i]);
	pin_to(t->client_cpu);
}
