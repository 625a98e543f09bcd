/*
 * The tables that the catalog lives in, as an interface: ordered maps from bytes to
 * bytes.
 *
 * src/store implements it on LMDB (a read or a write transaction is one struct tables);
 * tests may implement it in memory. The first error sticks: after it every get says
 * "absent", every write does nothing, and the owner of the transaction looks at t->error
 * once.
 */
#ifndef SVCD_CATALOG_TABLES_H
#define SVCD_CATALOG_TABLES_H

#include "base/bytes.h"

enum table {
	TABLE_META, /* "catalog" (one record of the catalog's own), "cluster", "format" …
		     */
	TABLE_SERVICE,    /* ns 0 name              -> service record */
	TABLE_INSTANCE,   /* ns 0 name 0 id         -> instance record */
	TABLE_LEASE,      /* be64 lease             -> lease record */
	TABLE_LEASE_ITEM, /* be64 lease, instance key -> "" */
	TABLE_TOMBSTONE,  /* instance key           -> tombstone record */
	TABLE_SESSION,    /* be64 session           -> outcomes of its last writes */
	TABLE_DUE,        /* be64 time_ms, kind, key -> "": what a later tick must do */
	TABLE_EVENT, /* be64 rev, be32 n       -> event record (bounded ring); no index:
		      * an event points at the one before of its instance and of its
		      * service */
	TABLE_NODE,  /* be64 node id           -> member record (for the cluster) */
	TABLE_COUNT
};

#define TABLE_KEY_MAX 511 /* LMDB's limit; validation keeps every key below it */

struct tables;

struct tables_ops {
	/* 1 found, 0 absent, negative error. *value is valid until the next write or the
	 * end. */
	int (*get)(struct tables *t, enum table table, struct bytes key,
		struct bytes *value);
	int (*put)(
		struct tables *t, enum table table, struct bytes key, struct bytes value);
	int (*del)(struct tables *t, enum table table, struct bytes key); /* absent is
									     fine */
	/* First entry with key >= from (> from when after). Same return values as get.
	 * The views are valid until the next write or the end of the transaction. */
	int (*seek)(struct tables *t, enum table table, struct bytes from, bool after,
		struct bytes *key, struct bytes *value);
	/* The entry after the one that the last seek or next on this table gave, as long
	 * as nothing was written to it since; otherwise use seek with after. */
	int (*next)(struct tables *t, enum table table, struct bytes *key,
		struct bytes *value);
	/* Last entry of the table. */
	int (*last)(struct tables *t, enum table table, struct bytes *key,
		struct bytes *value);
};

struct tables {
	const struct tables_ops *ops;
	int error; /* sticky, 0 or SVCD_E… */
};

bool table_get(struct tables *t, enum table table, struct bytes key, struct bytes *value);
void table_put(struct tables *t, enum table table, struct bytes key, struct bytes value);
void table_del(struct tables *t, enum table table, struct bytes key);
bool table_seek(struct tables *t, enum table table, struct bytes from, bool after,
	struct bytes *key, struct bytes *value);
bool table_next(
	struct tables *t, enum table table, struct bytes *key, struct bytes *value);
bool table_last(
	struct tables *t, enum table table, struct bytes *key, struct bytes *value);

#endif
