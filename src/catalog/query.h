/*
 * Answers from a read transaction, encoded as the protocol wants them.
 *
 * Each function appends map ENTRIES to out (the caller writes the map header and the
 * changing head: rev, age_ms, source) and adds their number to *n. So an answer can be
 * kept and sent many times with a fresh head. Pure; reads t only.
 */
#ifndef SVCD_CATALOG_QUERY_H
#define SVCD_CATALOG_QUERY_H

#include "catalog/catalog.h"

/* resolve: one service's usable instances by state, tags, version, zone, metadata; limit
 * and paging. 0; SVCD_ENOSERVICE; SVCD_EINVAL with e filled. *key is set (views into
 * params) also for ENOSERVICE. */
int query_resolve(struct tables *t, struct value params, struct buf *out, uint32_t *n,
	struct service_key *key, struct err *e);

/* list: services by namespace and prefix, with counts; limit and paging. */
int query_list(struct tables *t, struct value params, struct buf *out, uint32_t *n,
	struct err *e);

/* get: everything about one service and, without "id", all its instances in all states,
 * with checks, lease, cause; with "id" that one (SVCD_ENOINSTANCE; when there is a
 * tombstone: SVCD_EGONE with the cause). */
int query_get(struct tables *t, struct value params, struct buf *out, uint32_t *n,
	struct err *e);

/* history: events, newest first, of everything, a service or an instance; limit and
 * paging. */
int query_history(struct tables *t, struct value params, struct buf *out, uint32_t *n,
	struct err *e);

/* Body of a watch event, as map entries. */
/* Whole service as of t: kind "snapshot" (or "no_service"). *rev: the revision it holds
 * (0: none). */
int query_snapshot(struct tables *t, const struct service_key *key, struct buf *out,
	uint32_t *n, uint64_t *rev);
/* The same in parts, each of which fits into a frame; all of one transaction. *after is
 * empty at first, then the id behind which the next part begins (a view into t), and
 * empty again after the last. A part that is not the last has that id as "next", one that
 * is not the first has where it begins as "after". */
int query_snapshot_part(struct tables *t, const struct service_key *key,
	struct bytes *after, struct buf *out, uint32_t *n, uint64_t *rev);
/* From a revision that the watcher holds to t's: kind "delta"; SVCD_EAGAIN when that is
 * not known any more (tombstones compacted) or does not fit into a frame: send a
 * snapshot. *rev as above; when it equals from nothing is appended. */
int query_delta(struct tables *t, const struct service_key *key, uint64_t from,
	struct buf *out, uint32_t *n, uint64_t *rev);
/* The same for a change that was just published. Where it does not fit into a frame out
 * has the error SVCD_ETOOBIG. */
void query_change(const struct changes *c, const struct service_change *s,
	struct buf *out, uint32_t *n);

#endif
