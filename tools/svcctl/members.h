/*
 * The members of the cluster as one of them tells: who is meant by a name, and whether
 * there is a quorum.
 */
#ifndef SVCCTL_MEMBERS_H
#define SVCCTL_MEMBERS_H

#include "svcctl/ctl.h"
#include "svcctl/pages.h"

/* What the answers of the method "members" say; rows point into the answer. */
struct members {
	struct pages pages; /* in the order of their names */
	const struct row *rows;
	size_t n;
	const struct svcd_value *self; /* NULL: not among them */
};

/* OUT_OK and members_fini, or it has been reported. */
enum outcome members_load(struct ctl *c, struct members *m);
/* The same, and nothing is reported: 0, or an enum svcd_error with fault filled. */
int members_ask(struct ctl *c, struct members *m, struct svcd_fault *fault);
/* From an answer of the method, which it takes. Pure. */
void members_take(struct members *m, struct svcd_value *answer);
void members_fini(struct members *m); /* zero-initialised is fine */

/* By name, by id, or by the beginning of an id (4 digits at least) that only one has.
 * OUT_OK with *out, or it has been reported, with the name that was probably meant. */
enum outcome members_find(
	const struct members *m, const char *text, const struct svcd_value **out);

/* "leader", "voter" or "standby"; of itself also "joining" before the cluster has taken
 * it in, and "removed" afterwards. */
const char *member_role(const struct svcd_value *member);
const char *member_name(const struct svcd_value *member); /* its id when it has none */
bool member_truth(const struct svcd_value *member, const char *key);
uint64_t member_number(const struct svcd_value *member, const char *key);
const char *member_text(const struct svcd_value *member, const char *key);
/* The member that was asked does not hear of itself, and is there. */
bool member_is_reachable(const struct svcd_value *member);
/* Reachable, and its log is whole: it counts for a quorum when it votes. */
bool member_confirms(const struct svcd_value *member);
/* Entries of the log that it lacks, as the leader says, else by comparison. */
uint64_t member_behind(const struct members *m, const struct svcd_value *member);

struct quorum {
	size_t voters, reachable; /* how many of the voters, with a whole log */
	size_t standbys;
	bool leader;     /* one is known, and reachable */
	bool incomplete; /* a voter lacks entries that it had confirmed */
	bool removed;    /* the member that tells was: it knows nothing of the others */
};
struct quorum quorum_of(const struct members *m);
size_t quorum_needed(const struct quorum *q);   /* more than half */
size_t quorum_may_fail(const struct quorum *q); /* of those that are reachable */
bool quorum_is_there(const struct quorum *q);

/* "3 voters, 1 may fail". Caller frees. */
char *quorum_sentence(const struct quorum *q);

/* q after a voter has left or become a standby; reachable: it is one of those. */
struct quorum quorum_without(struct quorum q, bool reachable);

#endif
