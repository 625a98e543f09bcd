/* Where the numbers come from. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/metrics.h"
#include "server/remains.h"

static uint64_t microseconds(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

static uint64_t cpu_us(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) != 0)
		return 0;
	return microseconds(u.ru_utime) + microseconds(u.ru_stime);
}

/* The second number of /proc/self/statm: resident pages. */
static uint64_t resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int metrics_collect(const struct server *s, struct reader *reader, struct metrics *out)
{
	struct tables *t = store_read_begin(reader);

	if (t == NULL)
		return SVCD_EIO;
	catalog_totals(t, &out->catalog);
	store_read_end(reader);
	replica_status(s->replica, &out->member);
	out->leads = out->member.role == ROLE_LEADER;
	server_stat(s, &out->server);
	store_stat(s->store, &out->state);
	out->n_members = replica_members(s->replica, out->members, REPLICA_MEMBERS_MAX);
	out->uptime_ms = clock_now_ms() - s->started_ms;
	out->certificate_ms = s->options.peer_tls != NULL
		? certificate_left_ms(s->options.peer_tls)
		: METRICS_NEVER;
	out->checkpoint_ms = out->member.checkpoint_index != 0
		? checkpoint_age_ms(&out->member)
		: METRICS_NEVER;
	out->cpu_us = cpu_us();
	out->resident_bytes = resident_bytes();
	return 0;
}
