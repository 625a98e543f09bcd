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

struct bench_case {
	const char *name, *what, *peer_what;
	void (*svcd)(const struct bench_options *o, struct result *r);
	void (*redis)(const struct bench_options *o, struct result *r); /* NULL: nothing
									   to compare with
									 */
	bool less_is_better; /* compared by p99_us (time to the last) instead of rate */
};

extern const struct bench_case bench_cases[];
extern const unsigned bench_case_count;

/* The shape shared by closed-loop cases: warm up, count for the time given, fill r. */
void run_closed_loop(
	struct engine *e, const struct bench_options *o, pid_t server, struct result *r);

void case_watch_svcd(const struct bench_options *o, struct result *r);
void case_watch_redis(const struct bench_options *o, struct result *r);
void case_leases_svcd(const struct bench_options *o, struct result *r);
void case_size_svcd(const struct bench_options *o, struct result *r);

/* Registers n instances, 10 a service, in batches, through connections of its own. */
void fill_svcd(const struct peer *p, uint64_t n);
size_t answer_svcd(struct link *l, const unsigned char *p, size_t n, bool *failed);
size_t answer_redis(struct link *l, const unsigned char *p, size_t n, bool *failed);
void hello(struct link *l);

/* One question on a connection of its own: the answer is copied to out (at most cap), its
 * length returned; 0 when it failed. */
size_t ask_svcd(const struct peer *p, const struct message *request, unsigned char *out,
	size_t cap);

#endif
