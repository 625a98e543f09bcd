/*
 * Commands: the only way in which the catalog changes.
 *
 * A command is built once, from a decoded request or by a part of the server, and is
 * validated fully while it is built (every message names the field, the value and the
 * limit). It is then encoded bytes that go through the replica and are applied by every
 * member.
 */
#ifndef SVCD_CATALOG_COMMAND_H
#define SVCD_CATALOG_COMMAND_H

#include "catalog/types.h"
#include "wire/value.h"

enum command_kind {
	COMMAND_REGISTER = 1,
	COMMAND_DEREGISTER,
	COMMAND_UPDATE,
	COMMAND_LEASE_GRANT,
	COMMAND_LEASE_REVOKE,
	COMMAND_VERDICT,
	COMMAND_SERVICE_SET,
	COMMAND_SERVICE_DELETE,
	COMMAND_TICK,
	COMMAND_MEMBER_SET, /* member.h */
	COMMAND_MEMBER_REMOVE,
	COMMAND_KIND_MAX = COMMAND_MEMBER_REMOVE
};

/* Where a request came from. */
struct command_origin {
	struct bytes actor;        /* "web-1 tcp:10.0.0.7:41022": shown as the cause */
	struct bytes peer_address; /* numeric host of the peer, the default for addresses;
				      may be empty */
};

/*
 * From a request's parameter map (svcd-protocol(7)) to a command, appended to out.
 * session and seq are read from the parameters of every write. 0, or SVCD_EINVAL /
 * SVCD_ETOOBIG with e filled.
 */
int command_register(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e);
int command_deregister(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e);
int command_update(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e);
int command_lease_grant(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e);
int command_lease_revoke(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e);
int command_service_set(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e);
int command_service_delete(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e);

/* From the leases of the leader: ends them, for CAUSE_LEASE_EXPIRED or
 * CAUSE_LEASE_CLOSED. Leases that are gone already are skipped by apply. n <=
 * LIMIT_BATCH. */
int command_leases_end(
	const uint64_t *leases, size_t n, enum cause_kind cause, struct buf *out);

/* From the health checks: new verdicts of instances, each tied to an incarnation (another
 * one: ignored). */
struct verdict {
	struct instance_key key;
	uint64_t incarnation;
	enum health_state health;
	struct bytes reason; /* "http: connect refused (3 of 3)"; <= LIMIT_REASON */
};
int command_verdicts(
	const struct verdict *verdicts, size_t n, struct bytes actor, struct buf *out);

/* Does what is due at the batch's time (maintenance over, slow start over, tombstones,
 * sessions). */
int command_tick(struct buf *out);

/* Head of an encoded command, for the replica and for logs. SVCD_EPROTOCOL when it is
 * none. */
struct command_head {
	enum command_kind kind;
	uint64_t session; /* 0: none */
	uint64_t seq;
};
int command_head(struct bytes command, struct command_head *out);

/* A lease id from "lease_grant" parameters etc. is in the outcome, see catalog.h. */

#endif
