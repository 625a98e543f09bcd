/*
 * Members of a cluster in one process, over real connections on loopback.
 *
 * A test calls from one thread: what waits runs the test's own loop until it is over, or
 * fails the test after CLUSTER_WAIT_MS.
 */
#ifndef SVCD_TESTS_CLUSTER_H
#define SVCD_TESTS_CLUSTER_H

#include "../unit/scratch_dir.h"
#include "replica/replica.h"

#define CLUSTER_MAX 5
#define CLUSTER_WAIT_MS 20000

struct cluster {
	struct scratch scratch;
	struct loop *loop;
	struct mailbox *box;
	struct timer timer;
	uint64_t until_ms;
	bool late;
	struct replica *members[CLUSTER_MAX]; /* NULL: not running */
	char dirs[CLUSTER_MAX][512];
	char names[CLUSTER_MAX][16]; /* "m0" … */
	char peers[CLUSTER_MAX][120];
	uint32_t voters;
	uint64_t log_bytes_max;
	uint32_t election_ms, heartbeat_ms;
};

void cluster_init(struct cluster *c);
void cluster_fini(struct cluster *c); /* stops whoever runs */

/* Starts member i: 0 makes the cluster, the others join it where their directory is
 * empty. */
void cluster_start(struct cluster *c, int i);
void cluster_stop(struct cluster *c, int i);
/* As start, the code and text of a refusal in e. */
int cluster_try(struct cluster *c, int i, struct err *e);
/* n members, all voters (up to c->voters). */
void cluster_form(struct cluster *c, int n);

/* Runs until fn says true. */
void cluster_wait(struct cluster *c, bool (*fn)(struct cluster *c, void *arg), void *arg,
	const char *what);
int cluster_leader(struct cluster *c); /* who leads and is ready; -1: nobody */
int cluster_wait_leader(struct cluster *c);
int cluster_other_than(int leader); /* a member of the first two */
/* All that run have applied the same entries, and nothing is under way. */
void cluster_wait_equal(struct cluster *c);
struct replica_status cluster_status(struct cluster *c, int i);
struct replica_member cluster_view(struct cluster *c, int i, int of); /* node 0: unknown
								       */
uint64_t cluster_digest(struct cluster *c, int i);
bool cluster_has(struct cluster *c, int i, const char *service, const char *id);

/* Proposes at member i, and waits: the outcome's code. */
int cluster_register(struct cluster *c, int i, const char *service, const char *id);
/* The same with a session. */
int cluster_register_once(struct cluster *c, int i, const char *service, const char *id,
	uint64_t session, uint64_t seq);
/* n instances "PREFIX-0" …, all proposed at once at member i; how many were done. */
int cluster_register_many(struct cluster *c, int i, const char *service,
	const char *prefix, int n, int bulk);
/* The same, each with a session of its own and without waiting; then waiting. One at a
 * time. */
void cluster_register_begin(
	struct cluster *c, int i, const char *service, const char *prefix, int n);
int cluster_register_end(struct cluster *c);
int cluster_read(struct cluster *c, int i);
int cluster_change(struct cluster *c, int i, enum replica_change_kind kind, int target);
const char *cluster_change_text(void); /* of the last one */

#endif
