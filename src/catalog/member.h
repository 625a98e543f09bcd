/*
 * Who the members of the cluster are, by name and address: TABLE_NODE. Who of them votes
 * is the consensus engine's (TABLE_META, "members").
 */
#ifndef SVCD_CATALOG_MEMBER_H
#define SVCD_CATALOG_MEMBER_H

#include "catalog/catalog.h"

struct member {
	uint64_t node;       /* never 0 */
	struct bytes name;   /* a DNS label, unique in the cluster */
	struct bytes peer;   /* address for other members */
	struct bytes client; /* for clients; may be empty */
	bool standby;        /* made one by hand: is not promoted by itself */
};

/*
 * COMMAND_MEMBER_SET: SVCD_ECONFLICT when another node has that name, SVCD_ELIMIT beyond
 * LIMIT_MEMBERS. reason is for the history ("joined"); with one there is an event also
 * when the record stays as it is. 0, SVCD_EINVAL (name, lengths), SVCD_ENOMEM.
 */
int command_member_set(
	const struct member *m, struct bytes actor, struct bytes reason, struct buf *out);
/* COMMAND_MEMBER_REMOVE; one that is not there is fine. */
int command_member_remove(
	uint64_t node, struct bytes actor, struct bytes reason, struct buf *out);

/* Views are valid as long as those of table_get. */
bool catalog_get_member(struct tables *t, uint64_t node, struct member *out);
void catalog_each_member(
	struct tables *t, bool (*fn)(void *arg, const struct member *m), void *arg);

/* Records; the key (be64 node) is not part of them. false: damaged. */
void member_encode(struct buf *out, const struct member *m);
bool member_decode(struct bytes record, struct member *out);

#endif
