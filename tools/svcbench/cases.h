/*
 * The cases: what is asked of svcd, and the nearest work that Redis does.
 */
#ifndef SVCBENCH_CASES_H
#define SVCBENCH_CASES_H

#include "svcbench/engine.h"
#include "svcbench/message.h"
#include "svcbench/peer.h"

#define NOTE_MAX 160

struct result {
	double rate; /* operations a second */
	double p50_us, p99_us, p999_us;
	double server_us; /* server CPU an operation */
	double rss_mib;
	double noise; /* processors kept busy by others */
	uint64_t errors;
	char note[NOTE_MAX];
};

struct bench_case;

/* Measures one side: svcd, or (other) what it is compared with. */
typedef void bench_run(const struct bench_case *c, const struct bench_options *o,
	bool other, struct result *r);

enum via { VIA_LEADER, VIA_FOLLOWERS, VIA_ALL }; /* whom the clients of a cluster ask */

struct bench_case {
	const char *name, *what;
	bench_run *run;
	const char *other, *other_what; /* "redis", and its nearest work; NULL: nothing to
					   compare with */
	int links, depth; /* connections, and requests on their way on each */
	enum via via;
	int signal;          /* failover: what happens to the leader */
	bool less_is_better; /* compared by p99_us (time to the last) instead of rate */
};

extern const struct bench_case bench_cases[];
extern const unsigned bench_case_count;

/* The shape shared by closed-loop cases: warm up, count for the time given, fill r. */
void run_closed_loop(
	struct engine *e, const struct bench_options *o, pid_t server, struct result *r);

bench_run case_watch, case_leases, case_size;
bench_run case_cluster, case_failover, case_catch_up, case_snapshot;

/* Registers n instances, 10 a service, in batches, through connections of its own. */
void fill_svcd(const struct peer *p, uint64_t n);
/* The requests of the next registration, answered by answer_svcd; for on_answer. */
void register_next(struct link *l, const unsigned char *p, size_t n, bool failed);
size_t answer_svcd(struct link *l, const unsigned char *p, size_t n, bool *failed);
size_t answer_redis(struct link *l, const unsigned char *p, size_t n, bool *failed);
void hello(struct link *l);

/* One question on a connection of its own: the answer is copied to out (at most cap), its
 * length returned; 0 when it failed. */
size_t ask_svcd(const struct peer *p, const struct message *request, unsigned char *out,
	size_t cap);

#endif
