/* Where the numbers come from. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/tls.h"
#include "server/metrics.h"

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

static uint64_t certificate_ms(const struct tls *tls)
{
	int64_t left_s;

	if (tls == NULL)
		return METRICS_NEVER;
	left_s = tls_valid_for_s(tls);
	return left_s > 0 ? (uint64_t)left_s * 1000 : 0;
}

static uint64_t checkpoint_ms(const struct replica_status *s)
{
	uint64_t wall_ms = clock_wall_ms();

	if (s->checkpoint_index == 0)
		return METRICS_NEVER;
	return wall_ms > s->checkpoint_wall_ms ? wall_ms - s->checkpoint_wall_ms : 0;
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
	out->certificate_ms = certificate_ms(s->options.peer_tls);
	out->checkpoint_ms = checkpoint_ms(&out->member);
	out->cpu_us = cpu_us();
	out->resident_bytes = resident_bytes();
	return 0;
}
