/*
 * What a member tells of itself in numbers: the text exposition format of Prometheus,
 * version 0.0.4. Two tables of rows, one of this member and one of each member of the
 * cluster; svcd-metrics(7) describes them all.
 *
 * metrics_collect looks, metrics_write writes; the latter is pure.
 */
#ifndef SVCD_SERVER_METRICS_H
#define SVCD_SERVER_METRICS_H

#include "catalog/catalog.h"
#include "server/core.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#define METRICS_NEVER UINT64_MAX /* of times: shown as +Inf */

struct metrics {
	struct replica_status member;
	bool leads;
	struct catalog_totals catalog;
	struct server_stat server;
	struct store_stat state;
	struct replica_member members[REPLICA_MEMBERS_MAX];
	size_t n_members;
	uint64_t uptime_ms;
	uint64_t certificate_ms; /* until it expires */
	uint64_t checkpoint_ms;  /* its age */
	uint64_t cpu_us, resident_bytes;
};

/* 0, SVCD_EIO (the state cannot be read). On the thread that owns reader. */
int metrics_collect(const struct server *s, struct reader *reader, struct metrics *out);

/* Appends all of it. Sticky error in out. */
void metrics_write(struct buf *out, const struct metrics *m);

#endif
