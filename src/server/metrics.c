#include "server/metrics.h"

#include <string.h>

#include "base/text.h"

enum metric_kind {
	METRIC_NUMBER,  /* uint64_t */
	METRIC_FLAG,    /* bool */
	METRIC_MS,      /* uint64_t; in seconds */
	METRIC_US,      /* the same */
	METRIC_DIFF_MS, /* int64_t; in seconds */
};

/* Names end as Prometheus wants them: in their unit, counters in _total. */
struct metric {
	const char *name;
	enum metric_kind kind;
	size_t offset;
	const char *help;
};

#define OF_MEMBER(field) offsetof(struct metrics, field)

static const struct metric of_this_member[] = {
	{"svcd_uptime_seconds", METRIC_MS, OF_MEMBER(uptime_ms),
		"Time since the start of the server."},
	{"process_cpu_seconds_total", METRIC_US, OF_MEMBER(cpu_us),
		"Time of CPUs used, in user and system mode."},
	{"process_resident_memory_bytes", METRIC_NUMBER, OF_MEMBER(resident_bytes),
		"Memory in use, shared and mapped pages included."},

	{"svcd_diverged", METRIC_FLAG, OF_MEMBER(member.diverged),
		"Alarm: the digest of the state differs from that of a majority; this member "
		"answers no lookups."},
	{"svcd_incomplete", METRIC_FLAG, OF_MEMBER(member.incomplete),
		"Alarm: the log lacks entries that this member had confirmed."},
	{"svcd_quorum", METRIC_FLAG, OF_MEMBER(member.quorum),
		"A leader is known and was heard of within an election timeout."},
	{"svcd_leader", METRIC_FLAG, OF_MEMBER(leads), "This member leads."},
	{"svcd_voter", METRIC_FLAG, OF_MEMBER(member.voter), "This member votes."},
	{"svcd_joining", METRIC_FLAG, OF_MEMBER(member.joining),
		"The cluster has not taken this member in yet."},
	{"svcd_removed", METRIC_FLAG, OF_MEMBER(member.removed),
		"This member was removed from its cluster."},
	{"svcd_state_age_seconds", METRIC_MS, OF_MEMBER(member.age_ms),
		"Upper bound of how old the answers of this member may be."},
	{"svcd_term", METRIC_NUMBER, OF_MEMBER(member.term),
		"Term of the log; it grows with each election."},
	{"svcd_revision", METRIC_NUMBER, OF_MEMBER(member.rev),
		"Revision of the state that this member has."},
	{"svcd_log_first_index", METRIC_NUMBER, OF_MEMBER(member.first_index),
		"First entry that the log holds."},
	{"svcd_log_last_index", METRIC_NUMBER, OF_MEMBER(member.last_index),
		"Last entry that the log holds."},
	{"svcd_log_committed_index", METRIC_NUMBER, OF_MEMBER(member.commit_index),
		"Last entry that is known to be on a majority."},
	{"svcd_log_applied_index", METRIC_NUMBER, OF_MEMBER(member.applied_index),
		"Last entry that the state contains."},
	{"svcd_log_bytes", METRIC_NUMBER, OF_MEMBER(member.log_bytes),
		"Size of the log on disk."},
	{"svcd_proposals_waiting", METRIC_NUMBER, OF_MEMBER(member.queue),
		"Writes that wait for their turn."},
	{"svcd_checkpoint_index", METRIC_NUMBER, OF_MEMBER(member.checkpoint_index),
		"Last entry that the newest checkpoint contains."},
	{"svcd_checkpoint_age_seconds", METRIC_MS, OF_MEMBER(checkpoint_ms),
		"Age of the newest checkpoint, +Inf where there is none."},
	{"svcd_state_bytes", METRIC_NUMBER, OF_MEMBER(state.used_bytes),
		"Size of the state."},
	{"svcd_state_limit_bytes", METRIC_NUMBER, OF_MEMBER(state.map_bytes),
		"Size that the state may have."},
	{"svcd_disk_free_bytes", METRIC_NUMBER, OF_MEMBER(state.free_disk_bytes),
		"Free space of the disk that holds the data directory."},
	{"svcd_space_low", METRIC_FLAG, OF_MEMBER(member.space_low),
		"Alarm: less than the reserve is free, writes are refused."},
	{"svcd_certificate_left_seconds", METRIC_MS, OF_MEMBER(certificate_ms),
		"Time until the certificate for other members expires, +Inf without one."},

	{"svcd_services", METRIC_NUMBER, OF_MEMBER(catalog.services),
		"Services in the state."},
	{"svcd_leases", METRIC_NUMBER, OF_MEMBER(catalog.leases), "Leases in the state."},
	{"svcd_tombstones", METRIC_NUMBER, OF_MEMBER(catalog.tombstones),
		"Removed instances that are remembered."},
	{"svcd_history_events", METRIC_NUMBER, OF_MEMBER(catalog.events),
		"Events that the history holds."},

	{"svcd_connections", METRIC_NUMBER, OF_MEMBER(server.connections),
		"Connections of clients."},
	{"svcd_watches", METRIC_NUMBER, OF_MEMBER(server.watches), "Watches of clients."},
	{"svcd_checks", METRIC_NUMBER, OF_MEMBER(server.checks),
		"Health checks that this member runs."},
	{"svcd_requests_total", METRIC_NUMBER, OF_MEMBER(server.requests),
		"Requests of clients."},
	{"svcd_lookups_total", METRIC_NUMBER, OF_MEMBER(server.lookups),
		"Requests that were lookups."},
	{"svcd_lookups_kept_total", METRIC_NUMBER, OF_MEMBER(server.lookups_kept),
		"Lookups that a kept answer was given to."},
	{"svcd_writes_total", METRIC_NUMBER, OF_MEMBER(server.writes),
		"Requests that were writes."},
	{"svcd_renewals_total", METRIC_NUMBER, OF_MEMBER(server.renewals),
		"Leases that clients asked to renew here."},
	{"svcd_leases_expired_total", METRIC_NUMBER, OF_MEMBER(server.expired),
		"Leases that this member, as leader, ended because nobody renewed them."},
	{"svcd_watch_events_total", METRIC_NUMBER, OF_MEMBER(server.events_sent),
		"Events that were sent to watchers."},
	{"svcd_probes_total", METRIC_NUMBER, OF_MEMBER(server.probes),
		"Probes of health checks that this member started."},
	{"svcd_received_bytes_total", METRIC_NUMBER, OF_MEMBER(server.bytes_in),
		"Bytes of requests."},
	{"svcd_sent_bytes_total", METRIC_NUMBER, OF_MEMBER(server.bytes_out),
		"Bytes of answers and events."},
};

#define OF_EACH(field) offsetof(struct replica_member, field)

static const struct metric of_each_member[] = {
	{"svcd_member_diverged", METRIC_FLAG, OF_EACH(diverged),
		"Alarm: the digest of its state differs from that of a majority."},
	{"svcd_member_disputed", METRIC_FLAG, OF_EACH(disputed),
		"Alarm: the digest of its state differs from ours, and no majority says "
		"which is wrong."},
	{"svcd_member_incomplete", METRIC_FLAG, OF_EACH(incomplete),
		"Alarm: its log lacks entries that it had confirmed."},
	{"svcd_member_reachable", METRIC_FLAG, OF_EACH(reachable),
		"It was heard from within an election timeout."},
	{"svcd_member_leader", METRIC_FLAG, OF_EACH(leader), "It leads."},
	{"svcd_member_voter", METRIC_FLAG, OF_EACH(voter), "It votes."},
	{"svcd_member_silence_seconds", METRIC_MS, OF_EACH(heard_ms),
		"Time since it was heard from, +Inf when it never was."},
	{"svcd_member_applied_index", METRIC_NUMBER, OF_EACH(applied),
		"Last entry that its state contains, as it said."},
	{"svcd_member_revision", METRIC_NUMBER, OF_EACH(rev),
		"Revision of its state, as it said."},
	{"svcd_member_behind_entries", METRIC_NUMBER, OF_EACH(behind),
		"Entries that it lacks; known by the leader."},
	{"svcd_member_round_trip_seconds", METRIC_US, OF_EACH(rtt_us),
		"Round trip to it, smoothed; 0 when not known."},
	{"svcd_member_sync_seconds", METRIC_US, OF_EACH(sync_us),
		"How long its disk takes to sync, smoothed; 0 when not known."},
	{"svcd_member_clock_difference_seconds", METRIC_DIFF_MS, OF_EACH(wall_diff_ms),
		"Its wall clock against ours."},
	{"svcd_member_snapshot_sent_bytes", METRIC_NUMBER, OF_EACH(snapshot_done),
		"Of a checkpoint on its way to it: what it has."},
	{"svcd_member_snapshot_bytes", METRIC_NUMBER, OF_EACH(snapshot_bytes),
		"Of a checkpoint on its way to it: the whole."},
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void write_head(struct buf *out, const char *name, const char *help)
{
	static const char counter[] = "_total";
	size_t len = strlen(name);
	bool counts = len > sizeof(counter) &&
		strcmp(name + len - (sizeof(counter) - 1), counter) == 0;

	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		counts ? "counter" : "gauge");
}

/* Of a label: only these three are special. */
static void write_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			buf_printf(out, "\\n");
		else if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else
			buf_put_u8(out, (uint8_t)*text);
	}
}

/* "svcd_instances{state="up"} " */
static void write_labelled(
	struct buf *out, const char *name, const char *label, const char *value)
{
	buf_printf(out, "%s{%s=\"", name, label);
	write_escaped(out, value);
	buf_printf(out, "\"} ");
}

static void write_us(struct buf *out, uint64_t us)
{
	buf_printf(out, "%llu.%06llu\n", (unsigned long long)(us / 1000000),
		(unsigned long long)(us % 1000000));
}

static void write_ms(struct buf *out, uint64_t ms)
{
	if (ms == METRICS_NEVER)
		buf_printf(out, "+Inf\n");
	else
		buf_printf(out, "%llu.%03llu\n", (unsigned long long)(ms / 1000),
			(unsigned long long)(ms % 1000));
}

static void write_difference(struct buf *out, int64_t ms)
{
	if (ms < 0)
		buf_printf(out, "-");
	write_ms(out, ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms);
}

static void write_value(struct buf *out, const struct metric *row, const void *from)
{
	const char *field = (const char *)from + row->offset;
	uint64_t number;
	int64_t difference;
	bool flag;

	switch (row->kind) {
	case METRIC_FLAG:
		memcpy(&flag, field, sizeof(flag));
		buf_printf(out, "%d\n", flag);
		return;
	case METRIC_DIFF_MS:
		memcpy(&difference, field, sizeof(difference));
		write_difference(out, difference);
		return;
	default:
		memcpy(&number, field, sizeof(number));
	}
	if (row->kind == METRIC_MS)
		write_ms(out, number);
	else if (row->kind == METRIC_US)
		write_us(out, number);
	else
		buf_printf(out, "%llu\n", (unsigned long long)number);
}

static void write_version(struct buf *out)
{
	write_head(out, "svcd_build_info", "The version that runs; always 1.");
	write_labelled(out, "svcd_build_info", "version", SVCD_VERSION);
	buf_printf(out, "1\n");
}

static void write_instances(struct buf *out, const struct catalog_totals *t)
{
	write_head(out, "svcd_instances", "Instances in the state, by effective state.");
	for (int i = 0; i < EFFECTIVE_COUNT; i++) {
		write_labelled(out, "svcd_instances", "state",
			effective_name((enum effective_state)i));
		buf_printf(out, "%llu\n", (unsigned long long)t->by_effective[i]);
	}
}

/* One that has not told its name yet has its node id. */
static void write_of_each(
	struct buf *out, const struct metric *row, const struct metrics *m)
{
	char hex[17];

	write_head(out, row->name, row->help);
	for (size_t i = 0; i < m->n_members; i++) {
		const struct replica_member *one = &m->members[i];

		write_labelled(out, row->name, "member",
			one->name[0] != '\0' ? one->name : text_hex64(one->node, hex));
		write_value(out, row, one);
	}
}

void metrics_write(struct buf *out, const struct metrics *m)
{
	write_version(out);
	for (size_t i = 0; i < ROWS(of_this_member); i++) {
		write_head(out, of_this_member[i].name, of_this_member[i].help);
		buf_printf(out, "%s ", of_this_member[i].name);
		write_value(out, &of_this_member[i], m);
	}
	write_instances(out, &m->catalog);
	for (size_t i = 0; i < ROWS(of_each_member); i++)
		write_of_each(out, &of_each_member[i], m);
}
